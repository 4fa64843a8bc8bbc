"""The report files that a log vouches for: which entry names each, and which are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogDocument
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.archives import has_archives
from reconciler.engine.evidence.book import Book
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.evidence.reading import gather_log_files
from reconciler.errors import AuditError
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.history.reports import Removal, trace_removals
from reconciler.evidence.statement import REMOVALS, LoggedFile, Statement, decode_statement
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import LogFiles, name_entry, walk_log

_ENDINGS = (".json", ".md")
_PART = 256


# The origin of a log, and the number of an entry in it.
Spot = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Shelf:
    """``logs`` hold what all entries say, by the origins of the present log and of the former ones,
    in order of time; of the present one HEAD has ``committed``. ``files`` are the report files by
    path, each with the entry that vouches for it; ``removals`` those that are erased or
    archived."""

    logs: Mapping[str, tuple[Statement, ...]]
    committed: int
    files: Mapping[str, tuple[LoggedFile, Spot]]
    removals: Mapping[str, Removal] = field(default_factory=dict)

    def find(self, entry: Spot) -> Statement:
        origin, number = entry
        return self.logs[origin][number - 1]

    def list_statements(self) -> list[Statement]:
        """What the entries of all logs say, the oldest first."""
        return [one for log in self.logs.values() for one in log]

    def list_reports(self) -> dict[str, list[str]]:
        """The paths of the report files by the run that they are about."""
        found: dict[str, list[str]] = {}
        for name in self.files:
            found.setdefault(PurePosixPath(name).stem, []).append(name)
        return found

    def list_attempts(self, entries: Collection[Spot]) -> set[Spot]:
        """The entries for whose numbers the runs of ``entries`` may have tried: those that were
        written while they were open, and their own."""
        found: set[Spot] = set()
        for origin, number in entries:
            log, before = self.logs[origin], number
            while before and log[before - 1].closed >= log[number - 1].opened:
                found.add((origin, before))
                before -= 1
        return found


def read_shelf(engine: Engine, book: Book) -> Shelf:
    """The log is verified as it is once the next run filed it: with the entries that the registry
    alone has, and what follows from them. What else lies beside the reports is no matter.

    Raises ``AuditError`` RC688 when it does not hold, RC679 for an entry that neither HEAD nor the
    registry has; ``RegistryError``, ``VaultError``.
    """
    where = LogPlaces(ledger_directory(engine))
    place = f"{engine.project.name}/{engine.environment.name}"
    stored = engine.ledger.find_files()
    if not has_archives(book.head, stored, where):
        raise _unfiled_error(engine.environment.name)
    files = gather_log_files(stored, where, place)
    unfiled: list[LogDocument] = []
    derived = where.derive(book.head)
    whole = replace(
        files,
        entries=_complete_entries(files, book, unfiled),
        read=lambda name: files.read(name) or _find_text(name, unfiled),
        keys=derived[where.keys].encode(),
        checkpoint=derived[where.checkpoint].encode(),
        present=(),
    )
    walk = walk_log(whole)
    statements: list[Statement] = []
    while True:
        try:
            statements.append(next(walk))
        except StopIteration as ended:
            if isinstance(ended.value, Fault):
                raise _broken_error(ended.value) from None
            break
    logs = {**_read_former(engine, where, place), book.head.origin: tuple(statements)}
    every = [one for log in logs.values() for one in log]
    reports = {
        file.name: (file, (one.origin, one.number))
        for one in every
        if one.kind not in REMOVALS
        for file in one.subjects
        if _is_report(where, file.name)
    }
    committed = len(statements) - len(unfiled)
    return Shelf(logs, committed, reports, trace_removals(every))


def _read_former(engine: Engine, where: LogPlaces, place: str) -> dict[str, tuple[Statement, ...]]:
    """What the entries of former logs in HEAD say, which were verified with the present one."""
    found = []
    for files in gather_log_files(engine.ledger.find_files(), where, place).former:
        contents = [content for _, content in files.entries]
        found.append(tuple(decode_statement(decode_envelope(one).payload) for one in contents))
    return {log[0].origin: log for log in sorted(found, key=lambda log: log[0].closed)}


def _complete_entries(
    files: LogFiles,
    book: Book,
    unfiled: list[LogDocument],
) -> Iterator[tuple[str, bytes]]:
    """Those of HEAD, then those that it lacks, which are added to ``unfiled``."""
    count = 0
    for entry in files.entries:
        count += 1
        yield entry
    for lacking in range(count + 1, book.head.size + 1):
        document = book.read(lacking)
        if document is None:
            raise AuditError(
                "RC679",
                f"entry {lacking} of the log is not in this branch, and not in the registry any"
                " more",
                "run `git pull`, then the same command again",
            )
        unfiled.append(document)
        yield name_entry(lacking), document.entry


def _find_text(name: str, unfiled: Iterable[LogDocument]) -> bytes | None:
    texts = (one.files[name] for one in unfiled if name in one.files)
    text = next(texts, None)
    return None if text is None else text.encode()


def _is_report(where: LogPlaces, name: str) -> bool:
    """Whether it is named as a report is, in the folder where they are now or were before."""
    path = PurePosixPath(name)
    return path.suffix in _ENDINGS and path.parent.name == where.reports.name


def refuse_unheld(engine: Engine, book: Book, shelf: Shelf, entries: Collection[Spot]) -> None:
    """Raises ``AuditError`` RC679 for an entry that HEAD does not hold, or not its upstream: its
    bytes are in the registry for the sake of it."""
    where = LogPlaces(ledger_directory(engine))
    paths: dict[PurePosixPath, Spot] = {}
    for origin, number in sorted(entries):
        present = origin == book.head.origin
        if present and number > shelf.committed:
            raise _unheld_error(shelf, (origin, number), "HEAD does not hold it yet", "git pull")
        paths[(where if present else where.archive(origin)).entry(number)] = origin, number
    stored, pushed = engine.ledger.find_files(), engine.ledger.find_files(pushed=True)
    if stored.commit == pushed.commit:
        return
    asked = list(paths)
    for start in range(0, len(asked), _PART):
        part = asked[start : start + _PART]
        for path, mine, theirs in zip(part, stored.read(part), pushed.read(part), strict=True):
            if mine != theirs:
                why = "no upstream of this branch is known to hold it yet"
                raise _unheld_error(shelf, paths[path], why, "git push")


def _unfiled_error(environment: str) -> AuditError:
    return AuditError(
        "RC679",
        "a former log could be lost: HEAD does not hold all of it in a folder of its own",
        f"run `git pull`, or `reconciler apply -e {environment}`, which commits it, then the same"
        " command again",
    )


def _broken_error(fault: Fault) -> AuditError:
    return AuditError(
        "RC688",
        f"the log in HEAD does not hold, so nothing is removed: {fault.message} ({fault.code})",
        fault.remedy,
    )


def _unheld_error(shelf: Shelf, entry: Spot, why: str, command: str) -> AuditError:
    return AuditError(
        "RC679",
        f"entry {entry[1]} of the log, of run {shelf.find(entry).run}, could be lost: {why}",
        f"run `{command}`, then the same command again",
    )
