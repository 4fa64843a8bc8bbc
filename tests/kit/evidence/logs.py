"""Evidence logs made with keys of one's own: what an environment's log looks like in git, in
dictionaries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.evidence.checkpoint import Checkpoint
from reconciler.evidence.envelope import Envelope, pre_authenticate
from reconciler.evidence.notes import SignedNote, VerifierKey
from reconciler.evidence.signatures import (
    NOTE_COSIGNATURE,
    NOTE_ED25519,
    join_cosignature,
    text_to_cosign,
)
from reconciler.evidence.statement import LoggedEvent, LoggedFile, NewKey, Statement
from reconciler.evidence.tree import MerkleTree, hash_leaf

ORIGIN = f"shop/staging/{'0123456789abcdef' * 2}"
BEGAN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class SigningKey:
    """A private key, the same for the same ``seed`` (a number), and what verifies it."""

    name: str
    seed: int
    kind: int = NOTE_ED25519

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(
            hashlib.sha256(f"key {self.seed}".encode()).digest()
        )

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.kind, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def sign_note(self, note: SignedNote, at: int = 0) -> SignedNote:
        """The note with this key's signature; a witness signs with its time ``at``."""
        if self.kind == NOTE_COSIGNATURE:
            signature = join_cosignature(at, self.sign(text_to_cosign(note.text, at)))
        else:
            signature = self.sign(note.text.encode())
        return note.sign(self.verifier, signature)


def witness(name: str, seed: int) -> SigningKey:
    """The key of a witness."""
    return SigningKey(name, seed, NOTE_COSIGNATURE)


@dataclass
class Log:
    """A log that grows. ``entries``, ``files`` (the reports), ``keys`` and ``checkpoint`` are what
    git would hold; every method appends one entry and returns its statement.

    ``statements`` are what the entries say; ``sign`` makes an entry of any statement, right or not.
    """

    origin: str = ORIGIN
    seed: int = 1
    clock: datetime = BEGAN
    entries: list[bytes] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    signing: dict[int, SigningKey] = field(default_factory=dict)
    version: int = 1  # of the key in force
    seqs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.signing.setdefault(1, SigningKey(self.origin, self.seed * 1000 + 1))

    @property
    def names(self) -> list[str]:
        """The names of the entries' files, in order."""
        return [f"{number:08d}.json" for number in range(1, len(self.entries) + 1)]

    @property
    def tree(self) -> MerkleTree:
        tree = MerkleTree()
        for entry in self.entries:
            tree = tree.append(hash_leaf(entry))
        return tree

    @property
    def keys(self) -> bytes:
        """The bytes of ``keys``."""
        return "".join(
            f"{self.signing[one].verifier.text}\n" for one in sorted(self.signing)
        ).encode()

    @property
    def first_key(self) -> VerifierKey:
        return self.signing[min(self.signing)].verifier

    @property
    def newest_key(self) -> VerifierKey:
        return self.signing[self.version].verifier

    @property
    def checkpoint(self) -> bytes:
        """The bytes of ``checkpoint``, signed by the key in force."""
        return self.checkpoint_note.encode()

    @property
    def checkpoint_note(self) -> SignedNote:
        tree = self.tree
        note = SignedNote(Checkpoint(self.origin, tree.size, tree.root).text)
        return self.signing[self.version].sign_note(note)

    def run(self, clients: Mapping[str, int] | None = None, **other: object) -> Statement:
        """A run with a report in two formats, and so many events of each client (one of ``acme``
        when nothing is said)."""
        run = str(other.get("run", f"run-{len(self.entries) + 1:06d}"))
        made = {f"audit/staging/{run}{end}": f"{run} {end}".encode() for end in (".json", ".md")}
        self.files.update(made)
        subjects = [LoggedFile(name, sha256(content)) for name, content in sorted(made.items())]
        told = {"acme": 1} if clients is None and "events" not in other else clients or {}
        events = [self.event(client) for client, count in told.items() for _ in range(count)]
        usual: dict[str, object] = {"subjects": tuple(subjects), "events": tuple(events)}
        return self.add(**usual | other)

    def heartbeat(self, **other: object) -> Statement:
        """An entry without reports, which names the one before it."""
        return self.add(**{"kind": "heartbeat", "command": "upkeep", **other})

    def rotate(self) -> Statement:
        """The successor of the key in force is introduced, and signs from the next entry on."""
        successor = self.version + 1
        self.signing[successor] = SigningKey(self.origin, self.seed * 1000 + successor)
        introduced = NewKey(successor, self.signing[successor].verifier.text)
        statement = self.add(kind="key", command="rotate", keys=(introduced,))
        self.version = successor
        return statement

    def erase(self, names: Sequence[str]) -> Statement:
        """The files ``names`` are deleted, under an entry that says so."""
        gone = tuple(LoggedFile(name, sha256(self.files.pop(name))) for name in sorted(names))
        return self.add(kind="erased", command="erase", subjects=gone)

    def event(self, client: str) -> LoggedEvent:
        """The next event of a client."""
        seq = self.seqs[client] = self.seqs.get(client, 0) + 1
        return LoggedEvent(
            client=client,
            record=client,
            seq=seq,
            at=self.clock,
            kind="rotate-key",
            address=f"client/{client}/key/primary",
            reason="RenewalDue",
            version=seq,
            digest=sha256(f"{client} {seq}".encode()),
        )

    def add(self, **fields: object) -> Statement:
        """An entry with these fields, a minute after the one before it."""
        number = len(self.entries) + 1
        opened, self.clock = self.clock, self.clock + timedelta(minutes=1)
        former = self.entries[-1] if self.entries else b""
        usual: dict[str, object] = {
            "subjects": (stand_in(self.origin, number, former),),
            "origin": self.origin,
            "number": number,
            "previous": sha256(former) if former else None,
            "key": self.version,
            "kind": "run",
            "run": f"run-{number:06d}",
            "command": "apply",
            "actor": None,
            "opened": opened,
            "closed": opened + timedelta(seconds=20),
            "plan": None,
            "commit": None,
            "keys": () if former else (NewKey(self.version, self.newest_key.text),),
        }
        statement = Statement(**usual | fields)  # type: ignore[arg-type]
        self.statements.append(statement)
        self.entries.append(self.sign(statement))
        return statement

    def sign(self, statement: Statement, key: SigningKey | None = None) -> bytes:
        """The file of an entry, signed by the key that the statement names, or by ``key``."""
        return sign_entry(statement.encode(), key or self.signing[statement.key])

    def rewrite(self, number: int, **fields: object) -> None:
        """Entry ``number`` says something else, and all from there on are signed anew: what a holder
        of every key can do."""
        statements = self.statements
        statements[number - 1] = replace(statements[number - 1], **fields)  # type: ignore[arg-type]
        self.rebuild(statements)

    def rebuild(self, statements: Sequence[Statement]) -> None:
        """The log of these statements, numbered, chained and signed anew."""
        self.statements, self.entries = [], []
        for number, one in enumerate(statements, 1):
            former = self.entries[-1] if self.entries else b""
            told = replace(one, number=number, previous=sha256(former) if former else None)
            if "/log/" in one.subjects[0].name:
                told = replace(told, subjects=(stand_in(self.origin, number, former),))
            self.statements.append(told)
            self.entries.append(self.sign(told))


def stand_in(origin: str, number: int, former: bytes) -> LoggedFile:
    """What an entry without reports vouches for: the file of the former entry, or the origin."""
    if not former:
        return LoggedFile(origin, sha256(origin.encode()))
    return LoggedFile(f"audit/staging/log/{number - 1:08d}.json", sha256(former))


def sign_entry(payload: bytes, key: SigningKey) -> bytes:
    """The file of an entry with any payload."""
    signature = key.sign(pre_authenticate(payload))
    return Envelope(payload, key.verifier.hash, signature).encode()
