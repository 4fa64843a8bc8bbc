"""Report files that leave the branch under an entry that says so: a person is to be forgotten, or
years that are closed lie in an archive.

The order is what makes it safe to be killed anywhere and run again:

1. The registry forgets the bytes of the reports, so that no run files them again. The branch and
   its upstream hold them.
2. The entry is written.
3. The entry gets to the disk, then the files go from it; both in one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from datetime import datetime
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogHead
from reconciler.domain.plan.run import RunResult
from reconciler.engine.apply import Stop, make_planless_result, new_run_id, open_driver
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.book import Book, open_book
from reconciler.engine.evidence.drafting import Circumstances
from reconciler.engine.evidence.live import read_live_head
from reconciler.engine.evidence.shelf import Shelf, Spot, read_shelf, refuse_unheld
from reconciler.engine.lease import hold_lease
from reconciler.engine.look.records import readable_runs
from reconciler.engine.runs.reporting import push_rest
from reconciler.errors import AuditError, UsageError
from reconciler.evidence.statement import ARCHIVED, ERASED
from reconciler.registry.codec.log_codec import name_folder
from reconciler.registry.protocol.log import read_claim
from reconciler.registry.protocol.log_removal import drop_files

# So many files are named in one entry, and to git in one command.
MOST_FILES = 2000
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Removed:
    """``runs`` were asked about. ``files`` are those that leave the branch, by path. ``entries``
    are the numbers of the entries that were written. ``before`` maps runs whose reports were erased
    already to the entry that says so, ``archived`` those whose reports lie in an archive, too.
    ``named``: run documents in the registry that name a person, and stay while a plan file may
    still be tried again. ``problem``: why it is not committed or pushed."""

    runs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    entries: tuple[int, ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)
    archived: Mapping[str, int] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    run_id: str | None = None
    commit: str | None = None
    problem: AuditError | None = None


@dataclass(frozen=True, slots=True)
class Clearing:
    """Where files are removed: the log as it is, and what is known of it. ``result`` is the run
    that removes."""

    engine: Engine
    driver: Driver
    book: Book
    shelf: Shelf
    result: RunResult

    def refuse_open(self, runs: Collection[str]) -> None:
        """Raises ``AuditError`` RC678."""
        known, unreadable = readable_runs(self.engine.live)
        waiting = {run.run_id for run in known if not run.closed} | unreadable
        for run in sorted(waiting.intersection(runs)):
            raise AuditError(
                "RC678",
                f"run {run} is still open: its report may not be whole",
                f"run `reconciler apply -e {self.engine.environment.name}`, which closes it, then"
                " the same command again",
            )

    def list_committed(self, names: Collection[str]) -> list[str]:
        """Those of the files that HEAD has."""
        stored = self.engine.ledger.find_files()
        paths = map(PurePosixPath, names)
        return [str(path) for path in paths if path.name in stored.names(path.parent)]

    def note(self, kind: str, files: Mapping[str, str]) -> int:
        """Write the entry that says that ``files`` are gone, once the registry does not keep them
        any more; its number."""
        for entry in sorted({self.shelf.files[name][1] for name in files}):
            head = self.find_log(entry[0])
            if head is not None and entry[1] >= head.kept:
                self.driver.run(drop_files(head, entry[1]))
                self.forget_parts([entry])
        runs, _ = readable_runs(self.engine.live)
        known = Circumstances(
            records={},  # the first entry alone asks for them
            pending=[run.run_id for run in runs if not run.closed],
            folder=str(self.book.folder),
            now=self.driver.clock.now,
            kept=self.book.forget_bytes(),
        )
        self.book.hand_over(self.result, known)
        return self.book.note_removal(self.result, kind, files, known)

    def find_log(self, origin: str) -> LogHead | None:
        """The present log, or a former one; None where the registry does not know it."""
        logs = (self.book.head, *self.book.head.former)
        return next((one for one in logs if one.origin == origin), None)

    def forget_parts(self, entries: Collection[Spot]) -> None:
        """Remove the parts of entries that no claim names: of one whose files are dropped, and of
        runs that tried for the number of another."""
        live = self.engine.live
        for origin, number in entries:
            head = self.find_log(origin)
            if head is None:
                continue
            folder, claim = (
                name_folder(head.prefix, number),
                self.driver.run(read_claim(head, number)),
            )
            needed = claim.parts if claim is not None and number >= head.kept else ()
            for name in live.list_documents(folder):
                if name.startswith("part-") and name not in needed:
                    live.delete_document(f"{folder}/{name}")

    def take_away(self, names: Sequence[str], title: str) -> str | None:
        """Commit what HEAD lacks of the log, and that files are gone; the commit, None where there
        is nothing to commit. Raises ``AuditError``."""
        engine, filed = self.engine, self.book.file()
        committed = [PurePosixPath(name) for name in self.list_committed(names)]
        engine.ledger.write(filed.files)
        engine.ledger.remove([*filed.removed, *map(PurePosixPath, names)])
        message = f"audit({engine.environment.name}): {title}"
        directory = ledger_directory(engine)
        commit = engine.ledger.commit(directory, message, filed.files, [*filed.removed, *committed])
        for note in engine.ledger.notes:
            engine.say(note)
        return commit


@contextmanager
def open_clearing(engine: Engine, command: str, *, changing: bool) -> Iterator[Clearing]:
    """``changing``: under the lease, once every entry that was claimed is written.

    Raises ``AuditError`` RC681, RC683 to RC685, RC679, RC688, ``LeaseHeldError``,
    ``RegistryError``, ``VaultError``.
    """
    now = engine.live.now()
    run_id = new_run_id(now)
    result = make_planless_result(engine, run_id, command, now)
    head = read_live_head(engine.live, engine.environment.name)
    with open_driver(engine, now) as driver:
        if not changing:
            book = Book(engine, driver, head)
            yield Clearing(engine, driver, book, read_shelf(engine, book), result)
            return
        ttl = engine.environment.lease_ttl
        lost = Stop(engine).because
        with hold_lease(driver, run_id, ttl, wait=True, lost=lost, say=engine.say):
            opened = open_book(engine, driver)
            assert opened is not None  # its head was read
            yield Clearing(engine, driver, opened, read_shelf(engine, opened), result)


def erase_reports(
    engine: Engine,
    runs: Sequence[str],
    *,
    push: bool = False,
    dry_run: bool = False,
) -> Removed:
    """Erase the reports of ``runs``: from the branch, the disk and the registry, under an entry
    that says so. What git keeps of former commits stays there. With ``dry_run`` only tell.

    Raises ``UsageError`` RC674, ``AuditError`` RC678, and as ``open_clearing`` does.
    """
    with open_clearing(engine, "audit erase", changing=not dry_run) as clearing:
        shelf = clearing.shelf
        runs = tuple(dict.fromkeys(runs))
        clearing.refuse_open(runs)
        names = _find_reports(shelf, runs)
        entries = {shelf.files[name][1] for name in names}
        refuse_unheld(engine, clearing.book, shelf, entries)
        erased = {name for name, one in shelf.removals.items() if one.kind == ERASED}
        new = {name: shelf.files[name][0].sha256 for name in names if name not in erased}
        removed = _describe_fates(shelf, runs, names)
        texts = engine.ledger.texts
        committed = clearing.list_committed(names)
        present = [name for name in names if name in committed or texts(PurePosixPath(name))]
        removed = replace(removed, files=tuple(present))
        if dry_run:
            return removed
        named = _forget_runs(clearing, runs)
        removed = replace(removed, named=named, run_id=clearing.result.run_id)
        try:
            if new:
                removed = replace(removed, entries=(clearing.note(ERASED, new),))
            clearing.forget_parts(shelf.list_attempts(entries))
            if new or present:
                title = f"erase {len(names)} report files"
                removed = replace(removed, commit=clearing.take_away(names, title))
        except AuditError as error:
            return replace(removed, problem=error)
        problem = push_rest(engine, anyway=removed.commit is not None) if push else None
        return replace(removed, problem=problem)


def archive_reports(
    engine: Engine,
    before: datetime,
    keep: Callable[[Mapping[str, str]], None],
    *,
    push: bool = False,
    dry_run: bool = False,
) -> Removed:
    """Take the reports of all entries that were closed ``before`` out of the branch, under entries
    that say so, once ``keep`` has each of them: it gets their SHA-256 by path, and raises where it
    has not. With ``dry_run`` only tell, and ask nobody to keep them.

    Raises what ``keep`` raises, ``AuditError`` RC678, and as ``open_clearing`` does.
    """
    with open_clearing(engine, "audit archive", changing=not dry_run) as clearing:
        shelf = clearing.shelf
        due = _find_closed(shelf, before)
        committed = clearing.list_committed(due)
        new = [name for name in due if name not in shelf.removals]
        removed = Removed(tuple(_list_runs(committed)), files=tuple(committed))
        if not committed and not new:
            return removed
        clearing.refuse_open(removed.runs)
        refuse_unheld(engine, clearing.book, shelf, {shelf.files[name][1] for name in due})
        if dry_run:
            return removed
        keep({name: shelf.files[name][0].sha256 for name in {*committed, *new}})
        removed = replace(removed, run_id=clearing.result.run_id)
        try:
            for part in _divide(new):
                files = {name: shelf.files[name][0].sha256 for name in part}
                entries = (*removed.entries, clearing.note(ARCHIVED, files))
                removed = replace(removed, entries=entries)
                removed = replace(removed, commit=_archive(clearing, part) or removed.commit)
            for part in _divide([name for name in committed if name in shelf.removals]):
                removed = replace(removed, commit=_archive(clearing, part) or removed.commit)
        except AuditError as error:
            return replace(removed, problem=error)
        problem = push_rest(engine, anyway=removed.commit is not None) if push else None
        return replace(removed, problem=problem)


def _find_closed(shelf: Shelf, before: datetime) -> list[str]:
    """The report files of entries that were closed before then, but for those that are erased."""
    return sorted(
        name
        for name, (_, entry) in shelf.files.items()
        if shelf.find(entry).closed < before
        and (name not in shelf.removals or shelf.removals[name].kind == ARCHIVED)
    )


def _list_runs(names: Collection[str]) -> list[str]:
    return sorted({PurePosixPath(name).stem for name in names})


def _divide(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + MOST_FILES] for start in range(0, len(names), MOST_FILES))


def _archive(clearing: Clearing, names: Sequence[str]) -> str | None:
    return clearing.take_away(names, f"archive {len(names)} report files")


def _find_reports(shelf: Shelf, runs: Sequence[str]) -> list[str]:
    """The files of the reports of ``runs``. Raises ``UsageError`` RC674 for the first that has
    none."""
    reports = shelf.list_reports()
    for run in runs:
        if run not in reports:
            raise _unknown_error(shelf, run, reports)
    return sorted(name for run in runs for name in reports[run])


def _unknown_error(shelf: Shelf, run: str, reports: Collection[str]) -> UsageError:
    # Imported here: nobody mistypes often.
    from difflib import get_close_matches  # noqa: PLC0415

    own = next((one for one in shelf.list_statements() if one.run == run), None)
    if own is not None:
        return UsageError(
            "RC674",
            f"entry {own.number} is of run {run} ({own.kind}), which has no report",
            "there is nothing to erase",
        )
    near = get_close_matches(run, reports, _NEAR, 0.7)
    listed = f"did you mean {' or '.join(near)}?" if near else "`reconciler audit show` lists them"
    return UsageError("RC674", f"the log knows no run {run}", listed)


def _describe_fates(shelf: Shelf, runs: tuple[str, ...], names: Sequence[str]) -> Removed:
    """What became of the reports before."""
    before: dict[str, int] = {}
    archived: dict[str, int] = {}
    for name in names:
        removal = shelf.removals.get(name)
        if removal is not None:
            told = before if removal.kind == ERASED else archived
            told[PurePosixPath(name).stem] = removal.number
    return Removed(runs, before=before, archived=archived)


def _forget_runs(clearing: Clearing, runs: Collection[str]) -> tuple[str, ...]:
    """Remove what the registry has on record of runs that are reported, which names who ran them;
    those that stay, because a plan file may be tried again."""
    engine, kept = clearing.engine, []
    for run in readable_runs(engine.live)[0]:
        if run.run_id in runs:
            age = clearing.driver.clock.now() - run.started_at
            if run.planfile and age <= 2 * engine.project.plan_expires:
                kept.append(run.run_id)
            else:
                engine.live.delete_document(f"runs/{run.run_id}")
    return tuple(sorted(kept))
