"""The entries of the evidence log that a run writes as it reports: its own, and those of earlier
runs that have none."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import OpenRun
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.run import RunResult
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.archives import Filed
from reconciler.engine.evidence.book import Book, open_book
from reconciler.engine.evidence.drafting import Circumstances
from reconciler.engine.ports import Ledger
from reconciler.engine.runs.earlier import EarlierReport, Files
from reconciler.errors import AuditError, ReconcilerError


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry has after a run. ``whole``: nothing of it was unreadable. ``entries``: so
    many the log had before it was looked at."""

    records: Mapping[str, ClientRecord]
    runs: tuple[OpenRun, ...]
    whole: bool
    entries: int = 0


class Entries:
    """Without a log nothing is entered and nothing filed. Methods raise ``AuditError``."""

    def __init__(self, engine: Engine, driver: Driver, registered: Registered | None) -> None:
        """``registered`` None: Vault cannot be reached, and later runs write the entries."""
        self._engine = engine
        self._driver = driver
        self._registered = registered
        self._begun: int | None = None

    @cached_property
    def _book(self) -> Book | None:
        if self._registered is None:
            return None
        with _as_audit_error():
            book = open_book(self._engine, self._driver)
        if book is None:
            return None
        self._begun = book.head.size
        if not (book.head.size or self._registered.whole):
            raise AuditError(
                "RC687",
                "the evidence log cannot begin while a part of the registry cannot be read",
                "see `reconciler doctor`; the next run after that writes the entries of this one",
            )
        return book

    def find(self, run_id: str) -> EarlierReport | None:
        """The report of an earlier run as its entry has it; None: it has no entry."""
        book = self._book
        if book is None or not book.has_entry_of(run_id):
            return None
        number = book.head.runs[run_id]
        with _as_audit_error():
            entry = book.read(number) if number else None
        if entry is None:
            return EarlierReport({}, differed=False)
        files = {PurePosixPath(name): text for name, text in entry.files.items()}
        return EarlierReport(files, differed=_differs(files, self._engine.ledger))

    def enter(self, result: RunResult, files: Files) -> None:
        """Write the entry of a run, unless it has one."""
        book = self._book
        if book is not None and not book.has_entry_of(result.run_id):
            with _as_audit_error():
                book.hand_over(result, self._known)
                book.enter(result, files, self._known)

    def close(self, result: RunResult, files: Files) -> Filed:
        """Write the entry of the run itself, or a heartbeat where one is due; what is to be
        committed of the log."""
        if result.outcomes:
            self.enter(result, files)
        book = self._book
        if book is None:
            return Filed()
        with _as_audit_error():
            if book.head.size == self._begun and book.is_quiet():
                book.beat(result, self._known)
            filed = book.file()
        if filed.missing:
            self._engine.say(_say_missing(filed.missing))
        return filed

    @cached_property
    def _known(self) -> Circumstances:
        book, registered = self._book, self._registered
        assert book is not None  # nothing is entered without a log
        assert registered is not None
        pending = [run.run_id for run in registered.runs if not run.closed]
        return Circumstances(
            records=registered.records,
            pending=pending,
            entries=registered.entries,
            folder=str(book.folder),
            now=self._driver.clock.now,
            kept=book.forget_bytes(),
            before={} if book.head.size else _digest_reports(self._engine, pending),
        )


@contextmanager
def _as_audit_error() -> Iterator[None]:
    """What keeps an entry from being written keeps a report from being committed, and nothing
    else."""
    try:
        yield
    except AuditError:
        raise
    except ReconcilerError as error:
        raise AuditError(
            "RC687",
            f"this run is not in the evidence log yet: {error.message} ({error.code})",
            error.remedy or "run the same command again: the next run writes its entry",
        ) from None


def _digest_reports(engine: Engine, pending: Collection[str]) -> dict[str, str]:
    """The SHA-256 of each report that was committed before the log began, by path."""
    directory, stored = ledger_directory(engine), engine.ledger.find_files()
    paths = [
        directory / name
        for name in sorted(stored.names(directory))
        if name.rpartition(".")[0] not in pending
    ]
    return {
        str(path): hashlib.sha256(content).hexdigest()
        for path, content in zip(paths, stored.read(paths), strict=True)
        if content is not None
    }


def _differs(files: Files, ledger: Ledger) -> bool:
    return any(other != text for path, text in files.items() for other in ledger.texts(path))


def _say_missing(paths: tuple[PurePosixPath, ...]) -> str:
    which, what = str(paths[0]), "1 entry of the evidence log is"
    if len(paths) > 1:
        which = f"{paths[0]} to {paths[-1]}"
        what = f"{len(paths)} entries of the evidence log are"
    return (
        f"{what} not in this branch and not in the registry any more ({which}): get them from a"
        " clone that has them, then `reconciler audit verify`"
    )
