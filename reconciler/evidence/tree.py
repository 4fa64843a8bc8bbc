"""The Merkle tree over the entries of a log (RFC 6962 §2.1, which is RFC 9162 §2.1).

A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right). The left subtree of n leaves
has as many as the largest power of two below n. An *inclusion proof* shows that an entry is one of
those that a root stands for; a *consistency proof* shows that a larger tree begins with a smaller
one: nothing that was in it was changed.

>>> tree = MerkleTree()
>>> for entry in (b"one", b"two", b"three"):
...     tree = tree.append(hash_leaf(entry))
>>> tree.size, len(tree.edge), tree.root.hex()[:8]
(3, 2, '5aac771c')
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError

HASH_BYTES = 32


def hash_leaf(content: bytes) -> bytes:
    """The leaf of an entry: 32 bytes."""
    return hashlib.sha256(b"\x00" + content).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """The node above two subtrees: 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class MerkleTree:
    """A tree as it is needed to append to it: its ``size`` in leaves and its right ``edge``.

    The edge holds the roots of the perfect subtrees that the leaves make up, largest first: one for
    each 1 in the binary ``size``. Raises ``EvidenceError`` RC646 when it does not fit the size.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        whole = all(len(one) == HASH_BYTES for one in self.edge)
        if self.size < 0 or len(self.edge) != self.size.bit_count() or not whole:
            raise EvidenceError(
                "RC646",
                f"a right edge of {len(self.edge)} hashes is not that of a tree of {self.size}",
                "run `reconciler audit repair`: it makes the head anew from the log",
            )

    def append(self, leaf: bytes) -> MerkleTree:
        """The tree with one more leaf, which is a hash of ``hash_leaf``."""
        edge, size = [*self.edge, leaf], self.size
        while size & 1:  # two subtrees of one size are one subtree
            right = edge.pop()
            edge[-1] = hash_children(edge[-1], right)
            size >>= 1
        return MerkleTree(self.size + 1, tuple(edge))

    @property
    def root(self) -> bytes:
        """32 bytes; of no leaves, the hash of nothing."""
        if not self.edge:
            return hashlib.sha256(b"").digest()
        *larger, root = self.edge
        return reduce(lambda right, left: hash_children(left, right), reversed(larger), root)


def hash_tree(leaves: Sequence[bytes]) -> bytes:
    """The root over the hashes of leaves."""
    return reduce(MerkleTree.append, leaves, MerkleTree()).root


def prove_inclusion(leaves: Sequence[bytes], index: int, size: int) -> tuple[bytes, ...]:
    """That leaf ``index`` (from 0) is one of the first ``size`` ``leaves``: the hashes beside its
    way to the root, lowest first. Raises ``ValueError`` when it is not."""
    if not 0 <= index < size <= len(leaves):
        raise ValueError(f"leaf {index} is not among the first {size} of {len(leaves)}")
    if size == 1:
        return ()
    middle = _divide(size)
    left, right = leaves[:middle], leaves[middle:size]
    if index < middle:
        return (*prove_inclusion(left, index, middle), hash_tree(right))
    return (*prove_inclusion(right, index - middle, size - middle), hash_tree(left))


def verify_inclusion(
    proof: Sequence[bytes],
    *,
    leaf: bytes,
    index: int,
    size: int,
    root: bytes,
) -> bool:
    """Whether ``proof`` shows that ``leaf`` is number ``index`` (from 0) of the ``size`` leaves
    under ``root`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = hash_children(beside, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = hash_children(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def prove_consistency(leaves: Sequence[bytes], old: int, new: int) -> tuple[bytes, ...]:
    """That the first ``new`` ``leaves`` begin with the first ``old``. Empty when there is nothing
    to show: ``old`` is 0 or ``new``. Raises ``ValueError`` when there are not so many."""
    if not 0 <= old <= new <= len(leaves):
        raise ValueError(f"{old} leaves are not the beginning of {new} of {len(leaves)}")
    return _subproof(leaves[:new], old, known=True) if old else ()


def verify_consistency(
    proof: Sequence[bytes],
    *,
    old: int,
    old_root: bytes,
    new: int,
    new_root: bytes,
) -> bool:
    """Whether ``proof`` shows that the tree of ``new`` leaves under ``new_root`` begins with the
    one of ``old`` leaves under ``old_root`` (RFC 9162 §2.1.4.2). With nothing every tree begins."""
    if not 0 <= old <= new:
        return False
    if old in {0, new}:
        return not proof and old_root == (MerkleTree().root if old == 0 else new_root)
    place, last, path = old - 1, new - 1, list(proof)
    while place & 1:
        place, last = place >> 1, last >> 1
    if place == 0:  # the old tree is one perfect subtree of the new one, known by its root
        path = [old_root, *path]
    if not path:
        return False
    first = second = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = hash_children(beside, first), hash_children(beside, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = hash_children(second, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _divide(size: int) -> int:
    """The largest power of two below ``size``, which is 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _subproof(leaves: Sequence[bytes], old: int, *, known: bool) -> tuple[bytes, ...]:
    """SUBPROOF of RFC 6962 §2.1.2. ``known``: the verifier has the root of the ``old`` leaves."""
    if old == len(leaves):
        return () if known else (hash_tree(leaves),)
    middle = _divide(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if old <= middle:
        return (*_subproof(left, old, known=known), hash_tree(right))
    return (*_subproof(right, old - middle, known=False), hash_tree(left))
