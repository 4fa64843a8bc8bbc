"""The tree against the definitions of RFC 6962, written down as they stand there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import EvidenceError
from reconciler.evidence.tree import (
    MerkleTree,
    hash_children,
    hash_leaf,
    hash_tree,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)

SIZES = st.integers(0, 70)


def naive_root(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    middle = max(2**power for power in range(20) if 2**power < len(entries))
    left, right = naive_root(entries[:middle]), naive_root(entries[middle:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def entries(size: int, salt: str = "") -> list[bytes]:
    return [f"entry {number}{salt}".encode() for number in range(size)]


def leaves(size: int) -> list[bytes]:
    return [hash_leaf(one) for one in entries(size)]


def grown(size: int) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves(size):
        tree = tree.append(leaf)
    return tree


@given(size=SIZES)
def test_a_tree_that_grew_has_the_root_of_the_definition(size: int) -> None:
    tree = grown(size)
    assert (tree.size, tree.root) == (size, naive_root(entries(size)))
    assert hash_tree(leaves(size)) == tree.root
    assert len(tree.edge) == size.bit_count()
    assert MerkleTree(tree.size, tree.edge) == tree


@given(size=st.integers(1, 70), data=st.data())
def test_an_inclusion_proof_verifies_and_an_altered_one_does_not(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(leaves(70), index, size)
    leaf, root = leaves(size)[index], naive_root(entries(size))
    assert len(proof) <= max(1, (size - 1).bit_length())

    def holds(
        proof: Sequence[bytes] = proof,
        leaf: bytes = leaf,
        index: int = index,
        size: int = size,
        root: bytes = root,
    ) -> bool:
        return verify_inclusion(proof, leaf=leaf, index=index, size=size, root=root)

    assert holds()
    assert not holds(leaf=flip(data, leaf))
    assert not holds(root=flip(data, root))
    assert not holds(index=data.draw(st.integers(-2, 80).filter(lambda one: one != index)))
    assert not holds(proof=altered(data, proof))
    # The size says how the hashes are put together; one that says the same of this leaf verifies,
    # as RFC 9162 has it. Which size belongs to a root is said by the checkpoint, which is signed.
    other = data.draw(st.integers(0, 80))
    assert not holds(size=other) or len(prove_inclusion(leaves(80), index, other)) == len(proof)


@given(data=st.data())
def test_a_consistency_proof_verifies_and_an_altered_one_does_not(data: st.DataObject) -> None:
    new = data.draw(st.integers(0, 70))
    old = data.draw(st.integers(0, new))
    proof = prove_consistency(leaves(70), old, new)
    old_root, new_root = naive_root(entries(old)), naive_root(entries(new))

    def holds(
        proof: Sequence[bytes] = proof,
        old: int = old,
        old_root: bytes = old_root,
        new: int = new,
        new_root: bytes = new_root,
    ) -> bool:
        return verify_consistency(proof, old=old, old_root=old_root, new=new, new_root=new_root)

    assert holds()
    assert not holds(old_root=flip(data, old_root))
    assert not holds(new_root=flip(data, new_root)) or old == 0
    assert not holds(proof=altered(data, proof))
    assert not holds(old=new + 1)
    if 0 < old < new:
        forked = entries(old - 1) + entries(new, " forged")[old - 1 :]
        assert not holds(new_root=naive_root(forked))
        forged = prove_consistency([hash_leaf(one) for one in forked], old, new)
        assert not holds(proof=forged, new_root=naive_root(forked))


def flip(data: st.DataObject, content: bytes) -> bytes:
    place, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def altered(data: st.DataObject, proof: Sequence[bytes]) -> list[bytes]:
    """One hash changed, taken away or added, or two swapped."""
    changed = list(proof)
    place = data.draw(st.integers(0, len(proof)))
    ways = ["add", *["flip", "drop"] * (place < len(proof)), *["swap"] * (place + 1 < len(proof))]
    match data.draw(st.sampled_from(ways)):
        case "flip":
            changed[place] = flip(data, changed[place])
        case "drop":
            del changed[place]
        case "swap":
            changed[place : place + 2] = reversed(changed[place : place + 2])
        case _:
            changed.insert(place, data.draw(st.binary(min_size=32, max_size=32)))
    return changed


@pytest.mark.parametrize(
    ("size", "edge"),
    [(0, [b"x" * 32]), (1, []), (3, [b"x" * 32]), (2, [b"x" * 31]), (-1, [])],
)
def test_an_edge_fits_its_size(size: int, edge: list[bytes]) -> None:
    with pytest.raises(EvidenceError) as refused:
        MerkleTree(size, tuple(edge))
    assert refused.value.code == "RC646"


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0), (0, 5)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not among the first"):
        prove_inclusion(leaves(4), index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (3, 2), (0, 5)])
def test_no_proof_of_a_beginning_that_is_none(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="not the beginning"):
        prove_consistency(leaves(4), old, new)


def test_no_proof_shows_nothing() -> None:
    roots = {size: naive_root(entries(size)) for size in (3, 4, 5)}
    for old, new in ((3, 5), (4, 5)):
        assert not verify_consistency(
            (), old=old, old_root=roots[old], new=new, new_root=roots[new]
        )
    assert not verify_inclusion((), leaf=leaves(3)[0], index=0, size=3, root=roots[3])


def test_a_leaf_cannot_be_taken_for_a_node() -> None:
    left, right = leaves(2)
    assert hash_leaf(left + right) != hash_children(left, right)
