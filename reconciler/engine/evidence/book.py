"""The log of one environment as a run meets it: entries are written, and filed in git."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

from reconciler.domain.live.log import LogDocument, LogHead
from reconciler.domain.plan.run import RunResult
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.archives import (
    Filed,
    file_archives,
    has_archives,
    is_held,
    release_archives,
    remove_parts,
)
from reconciler.engine.evidence.doubts import refuse_other_log
from reconciler.engine.evidence.drafting import (
    Circumstances,
    draft_again,
    draft_heartbeat,
    draft_key,
    draft_removal,
    draft_repair,
    draft_run,
)
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.ports import StoredFiles
from reconciler.errors import AuditError, RegistryError
from reconciler.evidence.statement import REMOVALS, Statement
from reconciler.evidence.verification.walk import name_entry
from reconciler.registry.codec.log_codec import name_folder
from reconciler.registry.codec.stored import garbled_error
from reconciler.registry.protocol.log import (
    Draft,
    append_entry,
    digest_texts,
    has_key_in_force,
    lost_key_error,
    read_claim,
    read_entry,
    read_entry_alone,
    read_head,
    settle_log,
)
from reconciler.registry.requests import LogKeys, ReadLogKeys
from reconciler.registry.steps import expect

# After a week without an entry one says that the log is alive.
QUIET = timedelta(days=7)
_NO_GIT = ("RC601", "RC602")


class Book:
    """``head`` is the log as it is. Methods raise ``AuditError``, ``RegistryError``,
    ``VaultError``."""

    def __init__(self, engine: Engine, driver: Driver, head: LogHead) -> None:
        self.head = head
        # the reports of the runs that were entered, which need not be read back
        self._given: dict[str, Mapping[str, str]] = {}
        self._engine = engine
        self._driver = driver
        self._where = LogPlaces(ledger_directory(engine))

    @property
    def folder(self) -> PurePosixPath:
        """Of the log's files, below the project."""
        return self._where.folder

    def has_entry_of(self, run_id: str) -> bool:
        return run_id in self.head.runs

    def is_quiet(self) -> bool:
        """Whether the last entry is so old that a heartbeat is due."""
        last = self.head.closed_at
        return last is not None and self._driver.clock.now() - last >= QUIET

    def lacks_files(self) -> bool:
        """Whether git lacks files of the log that the registry can give: neither HEAD nor its
        upstream has them all."""
        ledger = self._engine.ledger
        return bool(self.head.size) and not (
            self._is_complete(ledger.find_files())
            or self._is_complete(ledger.find_files(pushed=True))
        )

    def enter(
        self,
        result: RunResult,
        files: Mapping[PurePosixPath, str],
        known: Circumstances,
    ) -> None:
        """Write the entry of a run, unless it has one."""
        texts = {str(path): text for path, text in files.items()}
        draft = draft_run(result, texts, known)
        self._given[result.run_id] = texts
        self._append(draft, lambda head: result.run_id not in head.runs)

    def beat(self, result: RunResult, known: Circumstances) -> None:
        """Write a heartbeat, unless somebody else wrote an entry meanwhile."""
        self._append_next(draft_heartbeat(result, known))

    def note_repair(
        self,
        result: RunResult,
        files: Mapping[PurePosixPath, str],
        bases: Mapping[str, int],
        known: Circumstances,
    ) -> None:
        """Say in the log that the registry was restored. ``files`` are the report, which says who
        repaired it."""
        texts = {str(path): text for path, text in files.items()}
        self._append_next(draft_repair(result, texts, bases, known))

    def note_removal(
        self,
        result: RunResult,
        kind: str,
        files: Mapping[str, str],
        known: Circumstances,
    ) -> int:
        """Say in the log that ``files`` (SHA-256 by path) are gone, as ``kind`` says; the number of
        the entry. Other runs may write theirs before it."""
        return self._append_once(draft_removal(result, kind, files, known), result.run_id)

    def enter_again(
        self,
        statement: Statement,
        files: Mapping[str, str],
        known: Circumstances,
    ) -> None:
        """Write an entry under a new number, unless its run has one. A run that removes files may
        have several."""
        draft = draft_again(statement, files, known)
        if statement.kind in REMOVALS:
            self._append_once(draft, statement.run)
        else:
            self._append(draft, lambda head: statement.run not in head.runs)

    def hand_over(self, result: RunResult, known: Circumstances) -> None:
        """When somebody rotated the log's key, let each version sign its successor. The first entry
        introduces a key itself, and hands over to none.
        """
        keys = self._read_keys()
        for version in sorted(keys):
            if self.head.size and version > self.head.key:
                draft = draft_key(result, version, keys[version], known)
                self._append(draft, _is_older_than(version))

    def _append(self, draft: Draft, needed: Callable[[LogHead], bool]) -> None:
        self.head = self._driver.run(append_entry(draft, needed))

    def _append_once(self, draft: Draft, run: str) -> int:
        """An entry of ``run``, which says so in its claim; its number. Others may come before."""
        while True:
            number = self.head.size + 1
            self._append_next(draft)
            claim = self._driver.run(read_claim(self.head, number))
            if claim is not None and claim.run == run:
                return number

    def _append_next(self, draft: Draft) -> None:
        """As the next entry, or not at all."""
        self._read_keys()
        size = self.head.size
        self._append(draft, lambda head: head.size == size)

    def _read_keys(self) -> Mapping[int, bytes]:
        """The public keys of the log's key, by version. Raises ``AuditError`` RC682 when the one in
        force may not sign: the server says so with an error that looks like trouble of its own."""
        keys = read_keys_in_force(self._driver, self.head)
        if keys.least > self.head.key:
            raise _retired_error(self.head.key)
        return keys.versions

    def forget_bytes(self) -> int:
        """Remove the bytes of the entries that the upstream holds together with their successor;
        the number of the first entry whose bytes stay."""
        stored = self._engine.ledger.find_files(pushed=True)
        live = self._engine.live
        self.head = release_archives(self._driver, live, self.head, stored, self._where)
        kept = self.head.kept
        while kept < self.head.size and self._is_held(stored, kept + 1):
            if not self._is_held(stored, kept):
                break
            remove_parts(live, self.head.prefix, kept)
            kept += 1
        return kept

    def read(self, number: int) -> LogDocument | None:
        """An entry as its files; None: the registry does not have its bytes any more."""
        entry = self._driver.run(read_entry(self.head, number))
        names = entry.files if entry else ()
        if entry and not all(self._where.is_report(name, entry.run) for name in names):
            folder = name_folder(self.head.prefix, number)
            raise garbled_error(folder, "it holds files that are not its report")
        return entry

    def file(self) -> Filed:
        """What HEAD lacks of the log."""
        stored = self._engine.ledger.find_files()
        names = stored.names(self.folder)
        filed = file_archives(self._driver, self.head, stored, self._where)
        files = dict(filed.files)
        missing = list(filed.missing)
        for number in range(1, self.head.size + 1):
            absent = name_entry(number) not in names
            kept = number >= self.head.kept and (absent or not self._is_held(stored, number))
            entry = self._read_for_filing(number) if kept else None
            if entry is not None:
                files |= self._where.files_of(entry)
            elif absent:
                missing.append(self._where.entry(number))
        if self.head.size:
            files |= self._where.derive(self.head)
        same = {path for path, text in files.items() if stored.read([path]) == [text.encode()]}
        for path in same:
            del files[path]
        return Filed(files, filed.removed, tuple(missing))

    def _read_for_filing(self, number: int) -> LogDocument | None:
        alone = self._driver.run(read_entry_alone(self.head, number))
        given = None if alone is None else self._given.get(alone.run)
        claim = self._driver.run(read_claim(self.head, number))
        if alone is None or given is None or claim is None:
            return self.read(number)
        if claim.files != digest_texts(given):
            return self.read(number)
        return replace(alone, files=given)

    def _is_complete(self, stored: StoredFiles) -> bool:
        derived = self._where.derive(self.head)
        if stored.read(list(derived)) != [text.encode() for text in derived.values()]:
            return False
        names = stored.names(self.folder)
        kept = range(self.head.kept, self.head.size + 1)
        return has_archives(self.head, stored, self._where) and all(
            name_entry(number) in names for number in kept
        )

    def _is_held(self, stored: StoredFiles, number: int) -> bool:
        return is_held(self._driver, self.head, number, stored, self._where)


def open_book(engine: Engine, driver: Driver) -> Book | None:
    """The log, with every claimed entry finished; None where this environment has none.

    Git is looked at first: in a registry that was restored from a backup a claim may stand whose
    entry git has, and finishing it would make another one. Raises ``AuditError`` RC683 to RC685
    when git has a log that is not the beginning of this one, ``RegistryError``, ``VaultError``.
    """
    if not engine.logged:
        return None
    head = driver.run(read_head())
    if head is None:
        raise _no_head(engine)
    if head.repair is not None:
        raise _unfinished_error(engine)
    while (moved := _find_moved(engine, driver, head)) is not None:
        head = moved
    settled = driver.run(settle_log())
    return Book(engine, driver, settled or head)


def read_keys_in_force(driver: Driver, head: LogHead) -> LogKeys:
    """The versions of the log's key in the transit engine. Raises ``AuditError`` RC680 where the
    one in force is not among them, ``VaultError``."""
    keys = expect(driver.answer(ReadLogKeys()), LogKeys)
    if keys.least <= head.key and not has_key_in_force(head, keys):
        raise lost_key_error(head)
    return keys


def _find_moved(engine: Engine, driver: Driver, head: LogHead) -> LogHead | None:
    """The head as another run left it that wrote and committed an entry since ``head`` was read;
    None: git has the beginning of the log. Raises ``AuditError`` as ``open_book`` does."""
    where = LogPlaces(ledger_directory(engine))
    try:
        committed, pushed = engine.ledger.find_files(), engine.ledger.find_files(pushed=True)
        refuse_other_log(driver, head, committed, where)
        if pushed.commit != committed.commit:
            refuse_other_log(driver, head, pushed, where)
    except AuditError:
        again = driver.run(read_head())
        if again is None or again.version == head.version:
            raise
        return again
    return None


def is_log_due(engine: Engine, driver: Driver) -> bool:
    """Whether a run that changes nothing has something to write to the log, or to file of it.

    Raises as ``open_book`` does.
    """
    book = _open_where_git_is(engine, driver)
    return book is not None and (book.is_quiet() or book.lacks_files())


def refuse_parted_log(engine: Engine, driver: Driver) -> None:
    """Look, before a run plans, whether the log can go on: what a registry forgot that was restored
    from a backup would look like the work of somebody else, and a run whose key is lost would have
    no entry.

    Raises as ``open_book`` does, and ``AuditError`` RC680.
    """
    book = _open_where_git_is(engine, driver)
    if book is not None:
        read_keys_in_force(driver, book.head)


def _open_where_git_is(engine: Engine, driver: Driver) -> Book | None:
    """None also without git: a run that commits nothing needs none, and one that does says so."""
    try:
        return open_book(engine, driver)
    except AuditError as error:
        if error.code in _NO_GIT:
            return None
        raise


def _no_head(engine: Engine) -> RegistryError:
    name = engine.environment.name
    return RegistryError(
        "RC444",
        "the head of the evidence log is gone: somebody removed `ledger` from the registry with all"
        " its versions",
        f"run `reconciler bootstrap -e {name}` with an administrator's token, then"
        f" `reconciler audit repair -e {name}`",
    )


def _unfinished_error(engine: Engine) -> AuditError:
    return AuditError(
        "RC647",
        "a repair of the evidence log was begun and did not finish",
        f"run `reconciler audit repair -e {engine.environment.name}`: it goes on from there",
    )


def _retired_error(version: int) -> AuditError:
    return AuditError(
        "RC682",
        f"the log's signing key may not sign with version {version} any more, which the log still"
        " uses: its min_encryption_version was raised",
        f"write min_encryption_version={version} to the config of the key `ledger` in the transit"
        " mount and run the same command again: the log then hands over to the newest version by"
        " itself",
    )


def _is_older_than(version: int) -> Callable[[LogHead], bool]:
    return lambda head: head.key < version
