"""``audit show``: the history of an environment, from the files of the work tree alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.dataclass import dataclass
from reconciler.errors import AuditError, EvidenceError, UsageError

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace
    from reconciler.evidence.history.commits import CommitText
    from reconciler.evidence.history.lives import CredentialLife
    from reconciler.evidence.history.runs import LoggedRun
    from reconciler.evidence.statement import Statement

_ENTRY = re.compile(r"[0-9]{8}\.json")
_NO_GIT = ("RC601", "RC602")


@dataclass(frozen=True, slots=True)
class WorkTreeLog:
    """The log of ``environment`` as it lies in the work tree ``root``, its signatures not verified.

    ``folder`` is that of the log, below ``root``. ``statements`` are what its entries say, those of
    former logs first. ``former``: the name of the folder of each of these, by its origin.
    """

    environment: str
    root: Path
    folder: PurePosixPath
    statements: Sequence[Statement]
    former: Mapping[str, str] = field(default_factory=dict)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file by its path below ``root``; None where there is none, or its path
        leads out of the project."""
        from reconciler.adapters.git.report_files import read_bytes

        try:
            return read_bytes(self.root, PurePosixPath(name))
        except AuditError:
            return None

    def list_files(self) -> list[PurePosixPath]:
        """The files of the log and of the former ones, below ``root``. Raises ``AuditError``."""
        from reconciler.adapters.git.report_files import names_in

        folders = (self.folder, *(self.folder.with_name(one) for one in self.former.values()))
        return [folder / name for folder in folders for name in names_in(self.root, folder)]

    def runs(self, commits: dict[str, CommitText] | None = None) -> Iterator[LoggedRun]:
        """Its runs, the oldest first; with ``commits`` what they say of each."""
        from reconciler.evidence.history.runs import add_reviews, read_history

        return add_reviews(read_history(self.statements, self.read, self.former), commits or {})

    @property
    def last(self) -> Statement:
        return self.statements[-1]


def open_log(workplace: Workplace, environment: str) -> WorkTreeLog:
    """The log of ``environment`` in the work tree. That entries are missing is told, not refused.

    Raises ``AuditError`` RC681 where there is none, ``EvidenceError`` for an entry that is none of
    ours, with its file; ``DeclarationError``, ``UsageError``.
    """
    from reconciler.adapters.git.report_files import names_in
    from reconciler.engine.evidence.places import is_archive

    project, _ = load_environment(workplace.root, environment)
    folder = PurePosixPath(project.audit_path, environment, "log")
    log = WorkTreeLog(environment, workplace.root, folder, ())
    archives = filter(is_archive, names_in(workplace.root, folder.parent))
    logs = [(name, _read_statements(workplace, log, folder.with_name(name))) for name in archives]
    logs = [(name, said) for name, said in logs if said]
    logs.sort(key=lambda one: one[1][0].closed)
    statements = _read_statements(workplace, log, folder)
    if not statements:
        raise AuditError(
            "RC681",
            f"there is no evidence log in {folder} of this work tree",
            f"run `git pull` if others have it; if nobody has, run `reconciler bootstrap -e"
            f" {environment}`, and the next run begins it",
        )
    former: dict[str, str] = {}
    every: list[Statement] = []
    for name, said in logs:
        former[said[0].origin] = name
        every += said
    return replace(log, statements=[*every, *statements], former=former)


def _read_statements(
    workplace: Workplace,
    log: WorkTreeLog,
    folder: PurePosixPath,
) -> list[Statement]:
    """What the entries in ``folder`` say. That entries are missing is told, not refused."""
    from reconciler.adapters.git.report_files import names_in
    from reconciler.evidence.envelope import decode_envelope
    from reconciler.evidence.statement import decode_statement
    from reconciler.report.text.layout import shorten_paths

    statements = []
    for name in filter(_ENTRY.fullmatch, names_in(log.root, folder)):
        path = f"{folder}/{name}"
        try:
            statements.append(decode_statement(decode_envelope(log.read(path) or b"").payload))
        except EvidenceError as error:
            message = f"{path}: {error.message}"
            raise EvidenceError(error.code, message, error.remedy) from None
    last = statements[-1].number if statements else 0
    absent = {*range(1, last + 1)} - {one.number for one in statements}
    if absent:
        which = shorten_paths([str(number) for number in sorted(absent)])
        what = "the log" if folder == log.folder else str(folder)
        workplace.console.warn(f"entries of {what} are not in this work tree: {which}")
    return statements


def read_reviews(workplace: Workplace, log: WorkTreeLog) -> dict[str, CommitText]:
    """The commits that its entries name, as far as this clone has them. Without git, none.

    Raises ``AuditError``.
    """
    from reconciler.adapters.git.messages import read_commits

    wanted = {one.commit for one in log.statements if one.commit is not None}
    try:
        return read_commits(workplace.git, wanted)
    except AuditError as error:
        if error.code not in _NO_GIT:
            raise
        return {}


def trace_log(log: WorkTreeLog) -> list[CredentialLife]:
    """The life of every version of every credential that the log knows."""
    from reconciler.evidence.history.lives import trace_lives

    return trace_lives(log.runs())


def parse_start(text: str, option: str = "--since") -> datetime:
    """The instant that ``90d`` (before now), a date (its first second, UTC) or an instant names.

    Raises ``UsageError`` RC675.
    """
    from reconciler.domain.values.duration import parse_duration

    try:
        return datetime.now(UTC).replace(microsecond=0) - parse_duration(text)
    except ValueError:
        return parse_day(text, option)[0]


def parse_day(text: str, option: str) -> tuple[datetime, datetime]:
    """The first and the last second that ``text`` names: of a date (UTC) its whole day, of an
    instant itself.

    Raises ``UsageError`` RC675.
    """
    from reconciler.domain.values.canonical import parse_iso

    try:
        if "T" not in text.upper() and " " not in text:
            first = datetime.combine(datetime.fromisoformat(text).date(), time(), UTC)
            return first, first + timedelta(days=1, seconds=-1)
        return (at := parse_iso(text)), at
    except (ValueError, OverflowError):
        raise UsageError(
            "RC675",
            f"{option}: {text!r} is no date and no instant with a time zone",
            "write 2026-03-03 (a day in UTC) or 2026-03-03T09:30:00Z",
        ) from None
