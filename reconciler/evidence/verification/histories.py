"""The events of every record: each number once, none left out, and every run with its entry.

A run may close before another that began earlier, so numbers may come late: as long as a run is
open that an entry named, and no longer.
"""

from __future__ import annotations

from reconciler.evidence.statement import LoggedEvent, Statement
from reconciler.evidence.verification.faults import Broken

# More events than an open run may still bring.
_MAX_LATE = 100_000


class Histories:
    """What the entries so far tell of the records."""

    def __init__(self) -> None:
        self.events = 0
        self.last: dict[str, int] = {}  # record -> the highest number that was seen
        self._late: dict[str, dict[int, int]] = {}  # record -> number -> the entry that skipped it
        self._waiting: dict[str, int] = {}  # run without an entry -> the entry that named it first
        self._entered: set[str] = set()  # runs that have their entry
        self.open: tuple[str, ...] = ()  # as the newest entry has them

    @property
    def pending(self) -> tuple[str, ...]:
        """Runs that are still open, and whose events may still come."""
        return tuple(run for run in self._waiting if run in self.open)

    def add(self, statement: Statement) -> None:
        """The events and the open runs of one more entry. Raises ``Broken``."""
        self.open = statement.open
        for run in statement.open:
            if run not in self._entered:  # else it was entered while this entry was written
                self._waiting.setdefault(run, statement.number)
        if statement.run not in statement.open:
            self._waiting.pop(statement.run, None)
            self._entered.add(statement.run)
        if statement.kind == "repair":
            self._count_anew(statement)
        for record, last in statement.bases.items():
            if self.last.setdefault(record, last) != last:
                raise Broken(
                    "RC656",
                    f"entry {statement.number} says that the history of {record} begins after event"
                    f" {last}, and event {self.last[record]} is known",
                )
        for event in statement.events:
            self._count(event, statement.number)
        if not self._waiting:
            self._refuse_late()

    def _count_anew(self, statement: Statement) -> None:
        """The registry was restored from a backup: records count from what it knows, and runs that
        it forgot never get an entry."""
        for record, last in statement.bases.items():
            self.last[record] = last
            self._late.pop(record, None)
        self._waiting = {
            run: entry for run, entry in self._waiting.items() if run in statement.open
        }

    def finish(self) -> None:
        """After the last entry. Raises ``Broken``."""
        for run, entry in self._waiting.items():
            if run not in self.open:
                raise Broken(
                    "RC671",
                    f"run {run} was open at entry {entry} and has no entry of its own",
                    entry,
                )
        if not self.pending:
            self._refuse_late()

    def _count(self, event: LoggedEvent, entry: int) -> None:
        self.events += 1
        last = self.last.get(event.record, 0)
        late = self._late.get(event.record)
        if event.seq > last:
            if event.seq > last + 1:
                if not self._waiting or event.seq - last > _MAX_LATE:
                    raise _skips(event.record, last + 1, entry)
                skipped = self._late.setdefault(event.record, {})
                skipped.update(dict.fromkeys(range(last + 1, event.seq), entry))
            self.last[event.record] = event.seq
        elif late is None or late.pop(event.seq, None) is None:
            raise Broken("RC656", f"entry {entry} names event {event.seq} of {event.record} again")

    def _refuse_late(self) -> None:
        for record, numbers in self._late.items():
            for number, entry in numbers.items():
                raise _skips(record, number, entry)


def _skips(record: str, number: int, entry: int) -> Broken:
    told = f"event {number} of {record} is in no entry: entry {entry} skips it"
    return Broken("RC656", told, entry)
