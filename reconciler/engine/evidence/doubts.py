"""Is the log in git the beginning of the one in the registry?"""

from __future__ import annotations

import hashlib

from reconciler.domain.live.log import LogHead
from reconciler.engine.drive import Driver
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.ports import StoredFiles
from reconciler.errors import AuditError, EvidenceError
from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.envelope import Envelope, decode_envelope, pre_authenticate
from reconciler.evidence.notes import SignedNote, VerifierKey, parse_note
from reconciler.evidence.statement import Statement, decode_statement
from reconciler.registry.protocol.log import read_claim


def refuse_other_log(driver: Driver, head: LogHead, stored: StoredFiles, where: LogPlaces) -> None:
    """``stored`` are the files of HEAD or of its upstream.

    Only what the log's own keys signed counts: whoever may push can write other files, and they
    must not stop anybody. Raises ``AuditError`` RC683 (the log of another registry), RC684 (it is
    longer: the registry was restored from a backup), RC685 (it has other entries).
    """
    found = _read_checkpoint(stored, where)
    if found is None:
        return
    note, checkpoint = found
    if checkpoint.origin in {former.origin for former in head.former}:
        return  # git does not have the beginning of this log yet
    if checkpoint.origin != head.origin:
        if _verifies_itself(note, stored, where):
            raise _origin_error(checkpoint, head)
        return
    if checkpoint.size > head.size:
        if _goes_on(head, stored, where):
            raise _length_error(checkpoint, head)
        return
    content = stored.read([where.entry(checkpoint.size)])[0] if checkpoint.size else None
    claim = driver.run(read_claim(head, checkpoint.size)) if content is not None else None
    if content is None or claim is None:
        return
    if hashlib.sha256(content).hexdigest() == claim.entry:
        return
    keys = [VerifierKey.parse(text) for text in head.verifiers.values()]
    statement = _read_entry(content, keys)
    # a signed entry of another place proves nothing: anybody can copy a file
    if statement is not None and statement.number == checkpoint.size:
        raise _fork_error(checkpoint.size)


def _read_checkpoint(stored: StoredFiles, where: LogPlaces) -> tuple[SignedNote, Checkpoint] | None:
    content = stored.read([where.checkpoint])[0]
    try:
        note = parse_note(content or b"")
        return note, parse_checkpoint(note)
    except EvidenceError:
        return None


def _verifies_itself(note: SignedNote, stored: StoredFiles, where: LogPlaces) -> bool:
    """Whether the keys beside a checkpoint signed it: it is the log of some registry."""
    content = stored.read([where.keys])[0] or b""
    try:
        keys = [VerifierKey.parse(line) for line in content.decode().splitlines()]
    except (EvidenceError, UnicodeDecodeError):
        return False
    return any(note.is_signed_by(key) for key in keys)


def _goes_on(head: LogHead, stored: StoredFiles, where: LogPlaces) -> bool:
    """Whether there is an entry that follows the newest one of ``head``, signed by its key."""
    content = stored.read([where.entry(head.size + 1)])[0]
    if content is None:
        return False
    statement = _read_entry(content, [VerifierKey.parse(head.verifiers[head.key])])
    return statement is not None and (statement.number, statement.previous) == (
        head.size + 1,
        head.last,
    )


def _read_entry(content: bytes, keys: list[VerifierKey]) -> Statement | None:
    """What an entry says; None when none of ``keys`` signed it."""
    try:
        envelope: Envelope = decode_envelope(content)
        statement = decode_statement(envelope.payload)
    except EvidenceError:
        return None
    signed = pre_authenticate(envelope.payload)
    return statement if any(key.verify(signed, envelope.signature) for key in keys) else None


def _origin_error(checkpoint: Checkpoint, head: LogHead) -> AuditError:
    return AuditError(
        "RC683",
        f"the log in git is that of another registry: it is {checkpoint.origin}, and the registry's"
        f" is {head.origin}",
        "if the registry was made anew, run `reconciler audit repair`: it goes on with the log in"
        " git, or says why it cannot; if not, correct vault.address, vault.namespace or"
        " vault.mounts",
    )


def _length_error(checkpoint: Checkpoint, head: LogHead) -> AuditError:
    return AuditError(
        "RC684",
        f"the log in git has {checkpoint.size} entries and the registry knows {head.size}: the"
        " registry was restored from a backup. Nothing but revocations is written until it is"
        " repaired",
        "run `reconciler audit repair`",
    )


def _fork_error(number: int) -> AuditError:
    return AuditError(
        "RC685",
        f"entry {number} of the log in git is another one than the registry's, and both are signed:"
        " the log has two branches",
        "run `git pull` if the branch is behind, then `reconciler audit repair`; `reconciler audit"
        " verify --live` shows which entries differ",
    )
