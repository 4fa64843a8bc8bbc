"""The verification of a log, entry by entry.

>>> from reconciler.evidence.verification.walk import LogFiles, verify_log
>>> verify_log(LogFiles([], {}.get, keys=b"", checkpoint=b"")).message
'the log has no entries'
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.notes import SignedNote, parse_note
from reconciler.evidence.statement import NewKey, Statement, decode_statement
from reconciler.evidence.tree import MerkleTree, hash_leaf
from reconciler.evidence.verification.anchors import (
    Anchors,
    LiveEvents,
    Whole,
    check_anchors,
    parse_since,
)
from reconciler.evidence.verification.faults import Broken, Fault, break_by
from reconciler.evidence.verification.histories import Histories
from reconciler.evidence.verification.reports import Reports
from reconciler.evidence.verification.succession import Succession, start_succession

KEYS = "keys"
CHECKPOINT = "checkpoint"


def name_entry(number: int) -> str:
    """The name of an entry's file.

    >>> name_entry(12)
    '00000012.json'
    """
    return f"{number:08d}.json"


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The files of a log. ``entries`` are the names and bytes of those in the log's ``folder`` (a
    path from the project's root) in order of their names; they are taken one at a time. ``read``
    gives the bytes of a file by its path from the project's root, None when it is not there.
    ``keys`` and ``checkpoint`` are the bytes of these two, None when they are not there.
    ``present`` are the paths of all files that lie beside the folder, where reports are.
    ``place``: ``<project>/<environment>``, with which the origin has to begin, when it is known.
    ``former`` are the logs that lie beside it because they could not go on, and that it follows;
    ``written`` is the folder where such a log lay as it was written, and that its entries name.
    ``beside`` are the other logs where a former one is verified alone: a report that their entries
    say is gone may be.
    """

    entries: Iterable[tuple[str, bytes]]
    read: Callable[[str], bytes | None]
    keys: bytes | None
    checkpoint: bytes | None
    present: Collection[str] = ()
    folder: str = "log"
    place: str = ""
    former: Sequence[LogFiles] = ()
    written: str = ""
    beside: Sequence[LogFiles] = ()


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log of which everything holds. ``began`` and ``ended`` are the times at which its first and
    its last entry were closed. ``open`` are runs that have no entry yet. ``anchors`` say, in words
    for people, which anchors held. ``former`` are the logs before it, which hold, too, and
    ``folder`` is where it lies. ``gone_later``: so many reports are gone, as entries of the logs
    beside it say."""

    origin: str
    size: int
    root: bytes
    keys: tuple[NewKey, ...]
    began: datetime
    ended: datetime
    events: int
    open: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    folder: str = ""
    former: tuple[VerifiedLog, ...] = ()
    gone_later: int = 0

    @property
    def unanchored(self) -> bool:
        """Nothing outside says that it is the right log: whoever may push could have replaced it as
        a whole."""
        return not self.anchors


def verify_log(files: LogFiles, anchors: Anchors | None = None) -> VerifiedLog | Fault:
    """The first thing that does not hold, or what was verified. Raises nothing."""
    walk = walk_log(files, anchors)
    while True:
        try:
            next(walk)
        except StopIteration as ended:
            result: VerifiedLog | Fault = ended.value
            return result


def walk_log(
    files: LogFiles,
    anchors: Anchors | None = None,
) -> Generator[Statement, None, VerifiedLog | Fault]:
    """Yield what each entry says as soon as the entry is verified, and return what ``verify_log``
    does. Whoever takes the entries must look at what is returned: the end may break what was
    yielded."""
    known = anchors or Anchors()
    walk: _Walk | None = None
    try:
        sizes = {parse_since(note).size for note in known.since}
        walk = _Walk(files, known, sizes | ({known.head.size} if known.head else set()))
        for name, content in files.entries:
            yield walk.step(name, content)
        return walk.finish()
    except Broken as broken:
        number = walk.number if walk else 0
        return broken.at(number, f"{files.folder}/{name_entry(number)}") if number else broken.fault


class _Walk:
    """Where a verification stands. ``number`` is that of the entry that is looked at, 0 before the
    first and after the last."""

    def __init__(self, files: LogFiles, anchors: Anchors, sizes: Collection[int]) -> None:
        self.number = 0
        self._files, self._anchors, self._sizes = files, anchors, sizes
        self._tree = MerkleTree()
        self._roots = {0: self._tree.root}
        self._digests: dict[int, str | None] = {0: None}
        self._former: str | None = None  # digest of the entry before
        self._began: datetime | None = None
        self.ended: datetime | None = None
        self._succession: Succession | None = None
        self._histories, self.reports = Histories(), Reports(files.read)
        self.live = LiveEvents(anchors.head)

    def step(self, name: str, content: bytes) -> Statement:
        """One more entry. Raises ``Broken``."""
        self.number = self._tree.size + 1
        self._check_name(name)
        statement = self._open(content)
        self._check_place(statement)
        self._check_time(statement)
        former = self._former_path() if self.number > 1 else ""
        self.reports.add(statement, self._path(self.number), former)
        self._histories.add(statement)
        self.live.add(statement)
        self._former = hashlib.sha256(content).hexdigest()
        self._tree = self._tree.append(hash_leaf(content))
        if self._tree.size in self._sizes:
            self._roots[self._tree.size] = self._tree.root
            self._digests[self._tree.size] = self._former
        return statement

    def finish(self) -> VerifiedLog:
        """After the last entry: what is derived from all, then the anchors. Raises ``Broken``."""
        self.number = 0
        live = Anchors(head=self._anchors.head)
        walks = [_Walk(files, live, ()) for files in self._files.former]
        former = self._finish_former(walks)
        log, note = self.finish_alone()
        self.live.finish()
        head = self._anchors.head
        pending = (*log.open, *(head.open if head else ()))
        named: set[str] = set()
        for walk in walks:
            named.update(walk.reports.named)
        beside = list(self._walk_beside())
        self.reports.refuse_unvouched([walk.reports.named for walk in (*walks, *beside)])
        gone = self.reports.refuse_missing(_join_removed(beside))
        self.reports.refuse_unnamed(self._files.present, pending, named)
        succession = self._succession
        assert succession is not None  # it has entries
        whole = Whole(
            succession,
            self._histories,
            self._tree.size,
            self._roots,
            self._digests,
            note,
            {one.origin: one.folder for one in former},
        )
        anchors = check_anchors(self._anchors, whole)
        return replace(log, anchors=anchors, former=former, gone_later=gone)

    def _walk_beside(self) -> Iterator[_Walk]:
        """The logs beside this one that hold, where it needs them."""
        for files in self._files.beside if self.reports.needs_others else ():
            walk = _Walk(files, Anchors(), ())
            with suppress(Broken):
                walk.step_all()
                walk.finish_alone()
                yield walk

    def finish_alone(self) -> tuple[VerifiedLog, SignedNote]:
        """What the entries and the derived files say without anything beside them. Raises
        ``Broken``."""
        if self._succession is None or self._began is None or self.ended is None:
            raise Broken("RC653", "the log has no entries", file=self._files.folder)
        note = self._check_derived(self._succession)
        self._histories.finish()
        log = VerifiedLog(
            origin=self._succession.origin,
            size=self._tree.size,
            root=self._tree.root,
            keys=tuple(self._succession.keys),
            began=self._began,
            ended=self.ended,
            events=self._histories.events,
            open=self._histories.pending,
            folder=self._files.folder,
        )
        return log, note

    def _finish_former(self, walks: Sequence[_Walk]) -> tuple[VerifiedLog, ...]:
        """The former logs hold, and the present one or another former one vouches for each: else
        anybody could put one beside it. Raises ``Broken``."""
        for walk in walks:
            walk.step_all()
        for before, after in pairwise((*sorted(walks, key=_find_end), self)):
            after.live.follow(before.live)
        every = (self, *walks)
        removed = _join_removed(every)
        found = []
        for walk in walks:
            log, _ = walk.finish_alone()
            walk.reports.refuse_unvouched([one.reports.named for one in walks])
            walk.reports.refuse_missing(removed)
            derived = {f"{log.folder}/{KEYS}", f"{log.folder}/{CHECKPOINT}"}
            if not any(
                derived <= other.reports.named.keys() for other in every if other is not walk
            ):
                told = f"{log.folder} is no former log of this one: no entry vouches for it"
                raise Broken("RC659", told, file=log.folder)
            found.append(log)
        return tuple(sorted(found, key=lambda log: log.ended))

    def step_all(self) -> None:
        """Take all entries. Raises ``Broken``, at the entry that breaks it."""
        try:
            for name, content in self._files.entries:
                self.step(name, content)
        except Broken as broken:
            fault = broken.at(self.number, self._path(self.number))
            raise Broken(fault.code, fault.message, fault.entry, fault.file) from None
        self.number = 0

    def _former_path(self) -> str:
        """The file of the entry before, where it lay as this one was written."""
        return f"{self._files.written or self._files.folder}/{name_entry(self.number - 1)}"

    def _path(self, number: int) -> str:
        return f"{self._files.folder}/{name_entry(number)}"

    def _check_name(self, name: str) -> None:
        if name != name_entry(self.number):
            told = "the log was cut at the start" if self.number == 1 else "the log has a gap"
            raise Broken("RC653", f"entry {self.number} is missing: {told}, {name} comes next")

    def _open(self, content: bytes) -> Statement:
        """What an entry says, once its signature holds; the first one names its key itself."""
        try:
            envelope = decode_envelope(content)
            if self._succession is None:
                first = decode_statement(envelope.payload)
                self._check_number(first)
                self._succession = start_succession(first)
            self._succession.check_signature(envelope, self.number)
            return decode_statement(envelope.payload)
        except EvidenceError as error:
            raise break_by(error, self.number, self._path(self.number)) from None

    def _check_number(self, statement: Statement) -> None:
        if statement.number != self.number:
            raise Broken(
                "RC653",
                f"in the place of entry {self.number} stands entry {statement.number}: entries were"
                " removed, added or swapped",
            )

    def _check_place(self, statement: Statement) -> None:
        """It is of this log, at this place in it, signed by the key that it names."""
        succession, number = self._succession, self.number
        assert succession is not None
        if statement.origin != succession.origin:
            raise Broken("RC652", f"entry {number} is of another log: {statement.origin}")
        if not statement.origin.startswith(f"{self._files.place}/" if self._files.place else ""):
            raise Broken(
                "RC652", f"this is the log of {statement.origin}, not of {self._files.place}"
            )
        self._check_number(statement)
        if statement.previous != self._former:
            raise Broken(
                "RC654", f"entry {number} does not follow entry {number - 1}: one was replaced"
            )
        if statement.key != succession.version:
            raise Broken(
                "RC651",
                f"entry {number} names key {statement.key}; key {succession.version} is in force",
            )
        if number > 1:
            succession.introduce(statement)

    def _check_time(self, statement: Statement) -> None:
        if self.ended is not None and statement.closed < self.ended:
            raise Broken(
                "RC655",
                f"entry {self.number} was closed before entry {self.number - 1}: the clock was set"
                " back",
            )
        self.ended = statement.closed
        self._began = self._began or statement.closed

    def _check_derived(self, succession: Succession) -> SignedNote:
        """The files ``keys`` and ``checkpoint`` are what the entries make them."""
        keys, file = f"{self._files.folder}/{KEYS}", f"{self._files.folder}/{CHECKPOINT}"
        if self._files.keys is None:
            raise Broken("RC660", f"{keys} is missing", file=keys)
        if self._files.keys != succession.text:
            raise Broken("RC660", f"{keys} holds other keys than the entries introduce", file=keys)
        if self._files.checkpoint is None:
            raise Broken("RC662", f"{file} is missing", file=file)
        try:
            note = parse_note(self._files.checkpoint)
            checkpoint = parse_checkpoint(note)
        except EvidenceError as error:
            raise break_by(error, None, file) from None
        self._check_checkpoint(checkpoint, file)
        if not note.is_signed_by(succession.in_force):
            raise Broken(
                "RC661",
                f"the checkpoint is not signed by key {succession.version}, which is in force",
                file=file,
            )
        return note

    def _check_checkpoint(self, checkpoint: Checkpoint, file: str) -> None:
        size = self._tree.size
        if checkpoint.origin != (self._succession.origin if self._succession else ""):
            raise Broken(
                "RC652", f"the checkpoint is of another log: {checkpoint.origin}", file=file
            )
        if checkpoint.size > size:
            raise Broken(
                "RC662",
                f"the log was cut after {size}: its checkpoint counts {checkpoint.size}",
                file=file,
            )
        if checkpoint.size < size:
            raise Broken(
                "RC662",
                f"entry {checkpoint.size + 1} is past the checkpoint of {checkpoint.size} entries",
                checkpoint.size + 1,
                self._path(checkpoint.size + 1),
            )
        if checkpoint.root != self._tree.root:
            raise Broken("RC663", "the checkpoint has the root of other entries", file=file)


def _find_end(walk: _Walk) -> datetime:
    return walk.ended or datetime.min.replace(tzinfo=UTC)


def _join_removed(walks: Iterable[_Walk]) -> set[str]:
    """What their entries say is gone."""
    return {name for walk in walks for name in walk.reports.removed}
