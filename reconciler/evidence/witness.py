"""What a witness does: it cosigns the checkpoint of a log that holds and that only grew since it
looked last (C2SP tlog-cosignature), and remembers what it cosigned.

Its memory is what counts. Whoever has the log's key, the repository and Vault can make another log
in which everything fits; a witness that saw the former one refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.notes import SignedNote, VerifierKey, parse_note
from reconciler.evidence.signatures import (
    join_cosignature,
    text_to_cosign,
    time_of_cosignature,
)
from reconciler.evidence.verification.anchors import Anchors
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import LogFiles, verify_log

STATE_FORMAT = 1
_KIND = "witness-state"
# Faults of a log that may hold in itself, and is not the one that was seen before.
_NO_EXTENSION = frozenset({"RC652", "RC664", "RC665"})


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What a witness remembers of one log: the checkpoints that it cosigned, one at least, with the
    signatures of the log and its own, smallest first."""

    notes: tuple[SignedNote, ...]

    @property
    def newest(self) -> SignedNote:
        return self.notes[-1]

    @property
    def checkpoint(self) -> Checkpoint:
        """What the newest note says."""
        return parse_checkpoint(self.newest)

    def encode(self) -> bytes:
        """The bytes of the file: JSON with one note a line."""
        notes = [one.encode().decode() for one in self.notes]
        whole = {"format_version": STATE_FORMAT, "kind": _KIND, "notes": notes}
        return f"{json.dumps(whole, ensure_ascii=False, indent=1)}\n".encode()


def decode_state(content: bytes, key: VerifierKey) -> WitnessState:
    """The inverse of ``WitnessState.encode``. Every note must have the cosignature of ``key``.

    Raises ``EvidenceError`` RC692.
    """
    state = _parse_state(content)
    seen = [parse_checkpoint(note) for note in state.notes]
    if any(one.origin != seen[0].origin for one in seen):
        raise _state_error("it is of two logs")
    if any(former.size >= later.size for former, later in pairwise(seen)):
        raise _state_error("its checkpoints are not in order of their sizes")
    for checkpoint, note in zip(seen, state.notes, strict=True):
        if not note.is_signed_by(key):
            raise _state_error(
                f"the checkpoint of {checkpoint.size} entries is not cosigned by {key.text}"
            )
    return state


def _parse_state(content: bytes) -> WitnessState:
    """Notes that are checkpoints, one at least, in exactly the form in which they are written."""
    try:
        notes = json.loads(content)["notes"]
        state = WitnessState(tuple(parse_note(one.encode()) for one in notes))
        if state.checkpoint.size and state.encode() == content:
            return state
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, EvidenceError):
        pass
    raise _state_error("it is not what a witness of this version writes")


def check_growth(
    files: LogFiles,
    seen: WitnessState | None,
    pinned: Sequence[VerifierKey] = (),
) -> SignedNote:
    """The checkpoint of a log that holds, has the ``pinned`` keys, and begins with what was
    ``seen``: with the good signatures of the log, and with no others.

    Raises ``EvidenceError`` RC690 for a log that does not hold, RC691 for one that holds, maybe,
    and is no extension of what was seen.
    """
    found = verify_log(files, Anchors(pinned=pinned, since=[seen.newest] if seen else []))
    if isinstance(found, Fault):
        raise _refuse(found, seen)
    assert files.checkpoint is not None
    note = parse_note(files.checkpoint)
    signed = SignedNote(note.text)
    for key in [VerifierKey.parse(one.verifier) for one in found.keys]:
        signature = note.signature_of(key)
        if signature is not None and key.verify(note.text.encode(), signature):
            signed = signed.sign(key, signature)
    return signed


def cosign_growth(
    note: SignedNote,
    seen: WitnessState | None,
    *,
    key: VerifierKey,
    sign: Callable[[bytes], bytes],
    at: int,
) -> WitnessState:
    """What the witness knows once it has cosigned ``note``, which ``check_growth`` returned; the
    same as before when that is as large as what was ``seen``. ``sign`` makes ed25519 signatures,
    ``at`` is now, in seconds since 1970.

    Raises ``EvidenceError`` RC696 when ``at`` is before the former cosignature.
    """
    if seen is not None:
        if parse_checkpoint(note).size == seen.checkpoint.size:
            return seen
        _refuse_clock(seen.newest.signature_of(key), at)
    cosigned = note.sign(key, join_cosignature(at, sign(text_to_cosign(note.text, at))))
    return replace(seen, notes=(*seen.notes, cosigned)) if seen else WitnessState((cosigned,))


def _refuse_clock(former: bytes | None, at: int) -> None:
    if former is not None and at < time_of_cosignature(former):
        raise EvidenceError(
            "RC696",
            f"this machine's clock is {time_of_cosignature(former) - at} s before the last"
            " cosignature of this witness",
            "set the clock, and run it again",
        )


def _refuse(fault: Fault, seen: WitnessState | None) -> EvidenceError:
    where = f" (at {fault.file})" if fault.file else ""
    if seen is None or fault.code not in _NO_EXTENSION:
        return EvidenceError(
            "RC690",
            f"not cosigned: {fault.message}{where}; {fault.code}",
            fault.remedy,
        )
    return EvidenceError(
        "RC691",
        f"not cosigned: {fault.message}{where}; {fault.code}",
        "keep the state file: its notes prove what the log was. Ask who changed the log, with which"
        " key, and restore the one that was seen",
    )


def _state_error(why: str) -> EvidenceError:
    return EvidenceError(
        "RC692",
        f"the state file cannot be used: {why}",
        "restore it from the witness's own history, with the key that wrote it; to begin anew is to"
        " trust whatever log is there",
    )
