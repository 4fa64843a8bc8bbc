"""``audit verify``: does the log in this work tree hold?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.app.wiring import engine_for
from reconciler.dataclass import dataclass
from reconciler.errors import AuditError, EvidenceError, UsageError

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Environment, Project
    from reconciler.engine.engine import Engine
    from reconciler.evidence.notes import SignedNote, VerifierKey
    from reconciler.evidence.policy import WitnessPolicy
    from reconciler.evidence.verification.anchors import Anchors, RegistryHead
    from reconciler.evidence.verification.faults import Fault
    from reconciler.evidence.verification.walk import LogFiles, VerifiedLog


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody outside knows. ``keys`` are verifier keys or files of them; ``since`` are files
    of checkpoints, ``policy`` is one of a witness policy; ``live``: ask Vault. ``log`` names the
    folder of a former log, which is verified instead."""

    keys: Sequence[str] = ()
    since: Sequence[Path] = ()
    policy: Path | None = None
    live: bool = False
    log: str | None = None


def verify_log_of(workplace: Workplace, environment: str, given: Given) -> VerifiedLog | Fault:
    """The first thing that does not hold of the log in the work tree, or what was verified. Vault
    is asked only with ``given.live``.

    Raises ``UsageError`` RC035 for an anchor that cannot be read, ``DeclarationError``,
    ``VaultError``.
    """
    from reconciler.evidence.verification.walk import verify_log

    project, chosen = load_environment(workplace.root, environment)
    reports = workplace.root / project.audit_path / environment
    _refuse_beside(reports, given)
    if given.log is not None:
        _refuse_log(reports, given)
    head = _read_head(workplace, project, chosen) if given.live else None
    files = read_log_files(workplace.root, project, environment, given.log)
    return verify_log(files, _read_anchors(given, head))


def read_log_files(
    root: Path,
    project: Project,
    environment: str,
    former: str | None = None,
) -> LogFiles:
    """The files of a log as they lie in the work tree; of that in the folder ``former`` alone.
    Raises ``AuditError``."""
    place = f"{project.name}/{environment}"
    return _gather(root, PurePosixPath(project.audit_path) / environment, place, former)


def _gather(root: Path, reports: PurePosixPath, place: str, former: str | None) -> LogFiles:
    from reconciler.adapters.git.stored_files import FolderFiles
    from reconciler.engine.evidence.places import LogPlaces
    from reconciler.engine.evidence.reading import gather_former_log, gather_log_files

    stored, where = FolderFiles(root), LogPlaces(reports)
    if former is not None:
        return gather_former_log(stored, where, former, place)
    return gather_log_files(stored, where, place)


def verify_folder(folder: Path, environment: str, given: Given) -> VerifiedLog | Fault:
    """As ``verify_log_of``, of the log of ``environment`` that lies in ``folder``: a pack or an
    archive, which needs no project. Its origin says of which project it is.

    Raises ``UsageError`` RC035, ``AuditError`` RC681 where there is no such log.
    """
    from reconciler.evidence.verification.walk import verify_log

    reports = folder / find_log_folder(folder, environment).parent
    _refuse_beside(reports, given)
    if given.log is not None:
        _refuse_log(reports, given)
    return verify_log(read_folder_files(folder, environment, given.log), _read_anchors(given, None))


def find_log_folder(folder: Path, environment: str) -> PurePosixPath:
    """Where the log of ``environment`` lies in ``folder``, from there: the project of a pack may
    have its audit folder anywhere. Raises ``AuditError`` RC681."""
    found = sorted(
        path.parent.relative_to(folder)
        for path in folder.glob("**/log/checkpoint")
        if path.parent.parent.name == environment
    )
    if len(found) != 1:
        told = "there is no evidence log" if not found else f"{len(found)} folders hold a log"
        raise AuditError(
            "RC681",
            f"{told} of {environment} in {folder}",
            "name the folder that `audit export` or `audit archive` wrote",
        )
    return PurePosixPath(found[0].as_posix())


def read_folder_files(folder: Path, environment: str, former: str | None = None) -> LogFiles:
    """The files of the log of ``environment`` that lies in ``folder``; of the one in the folder
    ``former`` beside it alone. Raises ``AuditError``."""
    log = find_log_folder(folder, environment)
    first = (folder / log / "checkpoint").read_bytes().partition(b"/")[0]
    place = f"{first.decode('utf-8', 'replace')}/{environment}"
    return _gather(folder, log.parent, place, former)


def _read_anchors(given: Given, head: RegistryHead | None) -> Anchors:
    """Raises ``UsageError`` RC035."""
    from reconciler.evidence.verification.anchors import Anchors

    return Anchors(
        pinned=[key for one in given.keys for key in read_keys(one, "--key")],
        since=[_read_note(path) for path in given.since],
        policy=None if given.policy is None else _read_policy(given.policy),
        head=head,
    )


def _read_head(workplace: Workplace, project: Project, chosen: Environment) -> RegistryHead:
    with engine_for(workplace, project, chosen) as engine:
        return ask_registry(engine)


def ask_registry(engine: Engine) -> RegistryHead:
    """What Vault knows of the log, and every record's history.

    Raises ``AuditError`` RC681 where there is no log, ``RegistryError``, ``VaultError``.
    """
    from reconciler.engine.evidence.live import read_registry_head

    return read_registry_head(engine)


def _refuse_log(folder: Path, given: Given) -> None:
    """Raises ``UsageError`` RC035 for a folder that is none of a former log, and for ``live``."""
    from reconciler.engine.evidence.places import is_archive

    name = given.log or ""
    if not is_archive(name) or not (folder / name).is_dir():
        known = sorted(path.name for path in folder.glob("log-*") if is_archive(path.name))
        raise UsageError(
            "RC035",
            f"--log {name}: there is no such former log in {folder.name}",
            f"give one of {', '.join(known)}" if known else "leave --log out: there is one log",
        )
    if given.live:
        raise UsageError(
            "RC035",
            "--live asks Vault about the present log, and --log names a former one",
            "leave --log out: the present log vouches for the former ones, which are verified too",
        )


def _refuse_beside(folder: Path, given: Given) -> None:
    """A key or a checkpoint that lies in the folder of a log anchors nothing. ``folder`` is that of
    the reports. Raises ``UsageError``."""
    for option, paths in (("--key", map(Path, given.keys)), ("--since", given.since)):
        for path in paths:
            if path.exists() and path.resolve().is_relative_to(folder.resolve()):
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
