"""``audit erase`` and ``audit archive``: reports leave the branch, and the log says so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reconciler.app.evidence.history import parse_day
from reconciler.app.project import load_environment
from reconciler.app.wiring import engine_for
from reconciler.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.app.workplace import Workplace
    from reconciler.engine.engine import Engine
    from reconciler.engine.removal import Removed


def erase_runs(
    workplace: Workplace,
    environment: str,
    runs: Sequence[str],
    *,
    push: bool,
    dry_run: bool,
) -> Removed:
    """Erase the reports of ``runs``, under an entry that says so.

    Raises ``UsageError`` RC674, ``AuditError`` RC678, RC679, RC681, RC683 to RC685, RC688,
    ``LeaseHeldError``, ``RegistryError``, ``VaultError``.
    """
    from reconciler.engine.removal import erase_reports

    with _open_engine(workplace, environment, push=None if dry_run else push) as engine:
        return erase_reports(engine, runs, push=push, dry_run=dry_run)


def archive_before(
    workplace: Workplace,
    environment: str,
    day: str,
    out: Path,
    *,
    push: bool,
    dry_run: bool,
) -> Removed:
    """Write the auditor's pack to ``out``, then take the reports of entries that were closed before
    ``day`` out of the branch. What an earlier try has written to ``out`` is used, where it holds
    everything that is to go.

    Raises ``UsageError`` RC675, RC677, ``AuditError`` RC689, and as ``erase_runs`` does.
    """
    from reconciler.engine.removal import archive_reports

    before = parse_day(day, "--before")[0]

    def keep(files: Mapping[str, str]) -> None:
        keep_pack(workplace, environment, out, files)

    with _open_engine(workplace, environment, push=None if dry_run else push) as engine:
        return archive_reports(engine, before, keep, push=push, dry_run=dry_run)


def keep_pack(workplace: Workplace, environment: str, out: Path, files: Mapping[str, str]) -> None:
    """See that the pack in ``out``, which is written where nothing is yet, verifies by itself and
    holds ``files`` (SHA-256 by path).

    Raises ``UsageError`` RC677, ``AuditError`` RC689.
    """
    from reconciler.adapters.git.report_files import read_bytes
    from reconciler.app.evidence.export import export_pack
    from reconciler.app.evidence.verifying import Given, verify_folder
    from reconciler.evidence.verification.faults import Fault

    if not out.is_dir() or not any(out.iterdir()):
        export_pack(workplace, environment, out)
    try:
        found = verify_folder(out, environment, Given())
    except AuditError as error:
        raise _archive_error(out, error.message) from None
    if isinstance(found, Fault):
        raise _archive_error(out, f"its log does not hold: {found.message} ({found.code})")
    for name, digest in files.items():
        content = read_bytes(out, PurePosixPath(name))
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise _archive_error(out, f"it does not hold {name} as the log knows it")


@contextmanager
def _open_engine(workplace: Workplace, environment: str, *, push: bool | None) -> Iterator[Engine]:
    """With ``push`` None nothing is to be committed. Else raises the ``AuditError`` that a commit
    would meet, and with ``push`` a push."""
    from reconciler.engine.engine import ledger_directory

    project, chosen = load_environment(workplace.root, environment)
    with (
        workplace.console.interruptible() as stopping,
        engine_for(workplace, project, chosen, stopping) as engine,
    ):
        if push is not None:
            engine.ledger.refuse_unready(ledger_directory(engine), push=push)
        yield engine


def _archive_error(out: Path, why: str) -> AuditError:
    return AuditError(
        "RC689",
        f"{out} is no archive of what is to be removed: {why}",
        "name another folder, which does not exist yet: the archive is written there anew",
    )
