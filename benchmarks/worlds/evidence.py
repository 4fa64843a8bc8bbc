"""An evidence log on the disk: an entry with two events and two reports for each run."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.evidence.checkpoint import Checkpoint
from reconciler.evidence.envelope import Envelope, pre_authenticate
from reconciler.evidence.notes import SignedNote, VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.evidence.statement import LoggedEvent, LoggedFile, NewKey, Statement
from reconciler.evidence.tree import MerkleTree, hash_leaf

FOLDER = "audit/bench/log"
_ORIGIN = f"benchmark/bench/{'0' * 32}"
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_RECORDS = 500


def write_log(root: Path, entries: int) -> None:
    """The files of a log of so many entries below ``root``, signed by one key."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    verifier = VerifierKey(_ORIGIN, NOTE_ED25519, private.public_key().public_bytes_raw())
    (root / FOLDER).mkdir(parents=True)
    tree, former = MerkleTree(), None
    for number in range(1, entries + 1):
        statement = _make_statement(number, former, _write_reports(root, number), verifier)
        payload = statement.encode()
        signature = private.sign(pre_authenticate(payload))
        content = Envelope(payload, verifier.hash, signature).encode()
        (root / FOLDER / f"{number:08d}.json").write_bytes(content)
        tree, former = tree.append(hash_leaf(content)), _digest(content)
    note = SignedNote(Checkpoint(_ORIGIN, tree.size, tree.root).text)
    note = note.sign(verifier, private.sign(note.text.encode()))
    (root / FOLDER / "checkpoint").write_bytes(note.encode())
    (root / FOLDER / "keys").write_text(f"{verifier.text}\n")


def _make_statement(
    number: int,
    former: str | None,
    reports: tuple[LoggedFile, ...],
    verifier: VerifierKey,
) -> Statement:
    opened = _BEGAN + timedelta(minutes=number)
    record, seq = f"client-{number % _RECORDS:04d}", 1 + 2 * ((number - 1) // _RECORDS)
    return Statement(
        subjects=reports,
        origin=_ORIGIN,
        number=number,
        previous=former,
        key=1,
        kind="run",
        run=_name_run(number),
        command="apply",
        actor=_digest(b"somebody"),
        opened=opened,
        closed=opened + timedelta(seconds=20),
        plan=f"sha256:{_digest(b'plan')}",
        commit="0" * 40,
        events=tuple(_make_event(record, one, opened) for one in (seq, seq + 1)),
        keys=(NewKey(1, verifier.text),) if number == 1 else (),
    )


def _make_event(record: str, seq: int, at: datetime) -> LoggedEvent:
    return LoggedEvent(
        client=record,
        record=record,
        seq=seq,
        at=at,
        kind="rotate-key",
        address=f"client/{record}/key/primary",
        reason="RenewalDue",
        version=seq,
        digest=_digest(f"{record} {seq}".encode()),
    )


def _write_reports(root: Path, number: int) -> tuple[LoggedFile, ...]:
    """Two files of the size that a report of one client has."""
    files = []
    for ending in ("json", "md"):
        name = f"audit/bench/{_name_run(number)}.{ending}"
        content = f"{name}\n".encode() * 100
        (root / name).write_bytes(content)
        files.append(LoggedFile(name, _digest(content)))
    return tuple(files)


def _name_run(number: int) -> str:
    return f"run-{number:06d}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
