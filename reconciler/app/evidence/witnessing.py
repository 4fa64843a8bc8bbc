"""``audit witness``: cosign the log of somebody else's project, if it only grew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.evidence.verifying import read_keys, read_log_files
from reconciler.app.project import load_environment
from reconciler.dataclass import dataclass
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace
    from reconciler.evidence.notes import SignedNote, VerifierKey
    from reconciler.evidence.witness import WitnessState


@dataclass(frozen=True, slots=True)
class WitnessPlace:
    """The files of a witness: its private ``key``, and the ``state`` that it saw last."""

    key: Path
    state: Path


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The cosigned ``note``, of ``size`` entries. ``former`` is the size that was cosigned before,
    0 when this was the first time."""

    note: SignedNote
    size: int
    former: int


def witness_log(
    workplace: Workplace,
    environment: str,
    place: WitnessPlace,
    *,
    log_keys: Sequence[str] = (),
    first: bool = False,
) -> Witnessed:
    """Verify the log in the work tree, refuse what is no extension of what ``place`` knows, cosign
    its checkpoint and remember it. What is remembered is on the disk before this returns.

    Raises ``UsageError`` RC693 when ``first`` does not fit the state file, RC694 for a key that
    cannot be used, RC695 for files in the project's repository, RC035 for a log's key that is none;
    ``EvidenceError`` RC690, RC691, RC692, RC696; ``DeclarationError``, ``AuditError``.
    """
    from reconciler.adapters.witness.key_file import read_key_file
    from reconciler.adapters.witness.state_file import hold_state_file, write_state_file
    from reconciler.evidence.witness import check_growth, cosign_growth

    project, _ = load_environment(workplace.root, environment)
    pinned = [key for one in log_keys for key in read_keys(one, "--log-key")]
    state = place.state.resolve()  # what a link names is replaced, not the link
    _refuse_inside(workplace.root, place)
    signing = read_key_file(place.key)
    with hold_state_file(state):
        seen = _recall(state, signing.verifier, first=first)
        files = read_log_files(workplace.root, project, environment)
        note = check_growth(files, seen, pinned)
        known = cosign_growth(
            note,
            seen,
            key=signing.verifier,
            sign=signing.sign,
            at=int(time.time()),
        )
        if known is not seen:
            write_state_file(state, known.encode())
    return Witnessed(known.newest, known.checkpoint.size, seen.checkpoint.size if seen else 0)


def make_witness_key(path: Path, name: str) -> VerifierKey:
    """Write a new private key to ``path``; what verifies it. Raises ``UsageError`` RC694."""
    from reconciler.adapters.witness.key_file import make_key_file

    return make_key_file(path, name).verifier


def _recall(state: Path, key: VerifierKey, *, first: bool) -> WitnessState | None:
    """What the witness saw. A state that was lost never passes for a first time, with a pinned key
    either: whoever signs with the log's key can rewrite the log."""
    from reconciler.adapters.witness.state_file import read_state_file
    from reconciler.evidence.witness import decode_state

    content = read_state_file(state)
    if content is None and not first:
        raise UsageError(
            "RC693",
            f"--state {state} is not there: nothing says what this witness saw last",
            "restore it; the very first time say --first, with --log-key and the key that was"
            " handed to you",
        )
    if content is not None and first:
        raise UsageError(
            "RC693",
            f"--first, and --state {state} is there: this witness has seen the log before",
            "leave --first out; in a job that runs again it would trust anew whenever the state is"
            " lost",
        )
    return None if content is None else decode_state(content, key)


def _refuse_inside(root: Path, place: WitnessPlace) -> None:
    """Whoever may push to the project could change the witness. Raises ``UsageError`` RC695."""
    top = next((one for one in (root, *root.parents) if (one / ".git").exists()), root).resolve()
    for option, path in (("--key", place.key), ("--state", place.state)):
        if path.resolve().is_relative_to(top) and _top_of(path) in {top, None}:
            raise UsageError(
                "RC695",
                f"{option} {path} lies in the repository of the log: whoever may push there could"
                " change what the witness knows",
                "run the witness from another repository, or keep its files in a folder of your"
                " own",
            )


def _top_of(path: Path) -> Path | None:
    """The repository that a file lies in."""
    above = path.resolve().parents
    return next((one for one in above if (one / ".git").exists()), None)
