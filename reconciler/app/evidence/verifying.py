"""``audit verify``: does the log in this work tree hold?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.app.wiring import engine_for
from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Environment, Project
    from reconciler.engine.engine import Engine
    from reconciler.evidence.notes import SignedNote, VerifierKey
    from reconciler.evidence.policy import WitnessPolicy
    from reconciler.evidence.verification.anchors import RegistryHead
    from reconciler.evidence.verification.faults import Fault
    from reconciler.evidence.verification.walk import LogFiles, VerifiedLog


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody outside knows. ``keys`` are verifier keys or files of them; ``since`` are files
    of checkpoints, ``policy`` is one of a witness policy; ``live``: ask Vault."""

    keys: Sequence[str] = ()
    since: Sequence[Path] = ()
    policy: Path | None = None
    live: bool = False


def verify_log_of(workplace: Workplace, environment: str, given: Given) -> VerifiedLog | Fault:
    """The first thing that does not hold of the log in the work tree, or what was verified. Vault
    is asked only with ``given.live``.

    Raises ``UsageError`` RC035 for an anchor that cannot be read, ``DeclarationError``,
    ``VaultError``.
    """
    from reconciler.evidence.verification.anchors import Anchors
    from reconciler.evidence.verification.walk import verify_log

    project, chosen = load_environment(workplace.root, environment)
    _refuse_beside(workplace.root / project.audit_path / environment / "log", given)
    anchors = Anchors(
        pinned=[key for one in given.keys for key in read_keys(one, "--key")],
        since=[_read_note(path) for path in given.since],
        policy=None if given.policy is None else _read_policy(given.policy),
        head=_read_head(workplace, project, chosen) if given.live else None,
    )
    return verify_log(read_log_files(workplace.root, project, environment), anchors)


def read_log_files(root: Path, project: Project, environment: str) -> LogFiles:
    """The files of a log as they lie in the work tree. Raises ``AuditError``."""
    from reconciler.adapters.git.stored_files import FolderFiles
    from reconciler.engine.evidence.places import LogPlaces
    from reconciler.engine.evidence.reading import gather_log_files

    where = LogPlaces(PurePosixPath(project.audit_path) / environment)
    return gather_log_files(FolderFiles(root), where, f"{project.name}/{environment}")


def _read_head(workplace: Workplace, project: Project, chosen: Environment) -> RegistryHead:
    with engine_for(workplace, project, chosen) as engine:
        return ask_registry(engine)


def ask_registry(engine: Engine) -> RegistryHead:
    """What Vault knows of the log, and every record's history.

    Raises ``AuditError`` RC681 where there is no log, ``RegistryError``, ``VaultError``.
    """
    from reconciler.engine.evidence.live import read_registry_head

    return read_registry_head(engine)


def _refuse_beside(folder: Path, given: Given) -> None:
    """A key or a checkpoint of the log's own folder anchors nothing. Raises ``UsageError``."""
    for option, paths in (("--key", map(Path, given.keys)), ("--since", given.since)):
        for path in paths:
            if path.exists() and path.resolve().parent == folder.resolve():
                raise UsageError(
                    "RC035",
                    f"{option} {path} lies beside the log: whoever may push could have replaced"
                    " both",
                    "give what was kept elsewhere; `reconciler audit key` prints the key that Vault"
                    " has",
                )


def read_keys(given: str, option: str) -> list[VerifierKey]:
    """A key, or a file with one a line. Raises ``UsageError`` RC035."""
    from reconciler.evidence.notes import VerifierKey

    path = Path(given)
    try:
        lines = path.read_text().splitlines() if path.is_file() else [given]
        return [VerifierKey.parse(line.strip()) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, EvidenceError) as error:
        raise _unreadable(option, given, error) from None


def _read_note(path: Path) -> SignedNote:
    from reconciler.evidence.notes import parse_note

    try:
        return parse_note(path.read_bytes())
    except (OSError, EvidenceError) as error:
        raise _unreadable("--since", str(path), error) from None


def _read_policy(path: Path) -> WitnessPolicy:
    from reconciler.evidence.policy import parse_policy

    try:
        return parse_policy(path.read_bytes())
    except (OSError, EvidenceError) as error:
        raise _unreadable("--policy", str(path), error) from None


def _unreadable(option: str, given: str, error: Exception) -> UsageError:
    why = error.message if isinstance(error, EvidenceError) else getattr(error, "strerror", error)
    return UsageError(
        "RC035",
        f"{option} {given:.200}: {why}",
        "give the line that `reconciler audit key` printed, or a file that was kept",
    )
