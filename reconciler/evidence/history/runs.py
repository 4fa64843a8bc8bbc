"""The runs of a log with what they changed, the oldest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ACTIONS, ActionKind, Verb
from reconciler.errors import Address
from reconciler.evidence.history.commits import NO_REVIEW, CommitReview, CommitText, find_review
from reconciler.evidence.history.reports import (
    Fate,
    ReportedOutcome,
    ReportedRun,
    RunReport,
    read_report,
    trace_removals,
)
from reconciler.evidence.statement import REMOVALS, LoggedEvent, LoggedFile, Statement

_JSON = ".json"
_LOG = re.compile(r"/log(-[0-9a-f]{8})?/")
_DONE = "done"
NO_FORMER: Mapping[str, str] = {}
_Identity = tuple[str, str, str, int | None]


class EntryNumber(int):
    """The number of an entry, which knows its log: ``log`` is the folder of a former one, empty for
    the present one.

    >>> str(EntryNumber.of(12)), str(EntryNumber.of(12, "log-0a1b2c3d"))
    ('12', 'log-0a1b2c3d/12')
    """

    log: str = ""

    @classmethod
    def of(cls, number: int, log: str = "") -> EntryNumber:
        found = cls(number)
        found.log = log
        return found

    def __str__(self) -> str:
        return f"{self.log}/{int(self)}" if self.log else str(int(self))


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One event of a client. ``seq`` counts the events of a record; 0: a report from before the log
    tells of it. ``why``, ``result`` and ``detail`` are what the report says, empty without one."""

    at: datetime
    client: str
    record: str
    seq: int
    kind: str
    address: Address
    reason: str
    version: int | None
    why: str = ""
    result: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """One run: that of an entry, or one whose report was made before the log began, which the first
    entry vouches for (``before``).

    ``number`` is the entry's. ``reports`` are the JSON reports that it names, ``told`` is what its
    own says. ``actor`` is None where no report tells it. ``successor`` is the version of the key
    that an entry of kind ``key`` hands over to. ``removed`` are the files that an entry says are
    erased or archived. ``anew``: the records whose events a repair counts
    anew, and after which number; what came after it, the registry had forgotten.
    """

    number: EntryNumber
    kind: str
    run: str
    command: str
    opened: datetime
    closed: datetime
    commit: str | None
    changes: tuple[LoggedChange, ...] = ()
    reports: tuple[RunReport, ...] = ()
    told: ReportedRun | None = None
    before: bool = False
    key: int = 1
    successor: int | None = None
    removed: tuple[str, ...] = ()
    anew: Mapping[str, int] = field(default_factory=dict)
    review: CommitReview = NO_REVIEW

    @property
    def actor(self) -> str | None:
        return None if self.told is None else self.told.actor

    @property
    def dirty(self) -> tuple[str, ...]:
        """Paths of what was used that the commit does not hold, as far as its report tells."""
        return () if self.told is None else self.told.dirty


def read_history(
    statements: Sequence[Statement],
    read: Callable[[str], bytes | None],
    former: Mapping[str, str] = NO_FORMER,
) -> Iterator[LoggedRun]:
    """The runs of a log. ``read`` gives the bytes of a file by its name, None where it is not
    there. ``former``: the folder of each former log by its origin.

    One report is held at a time, so that a log of years needs no memory of them all.
    """
    removals = trace_removals(statements)
    for statement in statements:
        reports = [
            read_report(file, read(file.name), removals) for file in list_report_files(statement)
        ]
        own = [one for one in reports if is_report_of(one.name, statement.run)]
        number = EntryNumber.of(statement.number, former.get(statement.origin, ""))
        for one in sorted(reports, key=lambda report: report.name):
            if one not in own:
                yield _read_earlier(statement, one, number)
        yield _read_own(statement, tuple(own), number)


def list_report_files(statement: Statement) -> list[LoggedFile]:
    """The JSON reports among the subjects of an entry. One that removes names them because they
    are gone."""
    if statement.kind in REMOVALS:
        return []
    return [
        file
        for file in statement.subjects
        if file.name.endswith(_JSON) and not _LOG.search(file.name)
    ]


def is_report_of(name: str, run: str) -> bool:
    """Whether a path is that of the JSON report of a run."""
    return name.rpartition("/")[2] == f"{run}{_JSON}"


def add_reviews(
    runs: Iterable[LoggedRun],
    commits: Mapping[str, CommitText],
) -> Iterator[LoggedRun]:
    """The same runs with what the commits of each apply say. Other commands carry out what was
    reviewed before: for them the commits say nothing."""
    applied: str | None = None
    for run in runs:
        if run.command != "apply" or run.commit is None:
            yield run
            continue
        yield replace(run, review=find_review(commits, run.commit, applied))
        applied = run.commit


def is_change_of(change: LoggedChange, kind: str) -> bool:
    """Whether ``kind`` is what a change is: its kind (``rotate-key``) or its verb (``rotate``)."""
    return kind == change.kind or kind == read_verb(change.kind)


def read_verb(kind: str) -> str:
    """The verb of a kind of action; of one that this version does not know the kind itself."""
    try:
        return ACTIONS[ActionKind(kind)].verb.value
    except ValueError:
        return kind


def choose_runs(
    runs: Iterable[LoggedRun],
    *,
    client: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[LoggedRun]:
    """Those that closed in ``[since, until)``, with the changes of ``client`` (by any name that it
    has or had) and of ``kind``: a kind of change, a verb, or a kind of entry. A run without any
    such change is left out."""
    for run in runs:
        if (since is not None and run.closed < since) or (
            until is not None and run.closed >= until
        ):
            continue
        whole = kind is None or kind == run.kind
        changes = tuple(
            one
            for one in run.changes
            if (client is None or client in (one.client, one.record))
            and (whole or is_change_of(one, kind or ""))
        )
        if changes or (whole and client is None):
            yield replace(run, changes=changes)


def list_kind_words() -> tuple[str, ...]:
    """What ``choose_runs`` takes as a kind."""
    verbs = [verb.value for verb in Verb if verb is not Verb.NO_OP]
    kinds = [kind.value for kind in ActionKind if kind is not ActionKind.NO_OP]
    return (*verbs, *kinds, "run", "heartbeat", "key", "repair", *REMOVALS)


def _read_own(
    statement: Statement,
    reports: tuple[RunReport, ...],
    number: EntryNumber,
) -> LoggedRun:
    texts = (one.told for one in reports)
    told = next(filter(None, texts), None)
    outcomes = _by_identity(told.outcomes if told is not None else ())
    return LoggedRun(
        number=number,
        kind=statement.kind,
        run=statement.run,
        command=statement.command,
        opened=statement.opened,
        closed=statement.closed,
        commit=statement.commit,
        changes=tuple(_join(event, outcomes) for event in statement.events),
        reports=reports,
        told=told,
        key=statement.key,
        successor=statement.keys[-1].version if statement.kind == "key" else None,
        removed=_list_removed(statement),
        anew=statement.bases if statement.kind == "repair" else {},
    )


def _list_removed(statement: Statement) -> tuple[str, ...]:
    removes = statement.kind in REMOVALS
    return tuple(one.name for one in statement.subjects) if removes else ()


def _read_earlier(statement: Statement, report: RunReport, number: EntryNumber) -> LoggedRun:
    """A run whose report was there before the log; without the report its times are not known."""
    told = report.told
    name = report.name.rpartition("/")[2].removesuffix(_JSON)
    return LoggedRun(
        number=number,
        kind="run",
        run=told.run_id if told is not None else name,
        command=told.command if told is not None else "",
        opened=told.started_at if told is not None else statement.opened,
        closed=told.finished_at if told is not None else statement.opened,
        commit=told.git_commit if told is not None else None,
        changes=tuple(_list_earlier(told)) if told is not None else (),
        reports=(report,),
        told=told,
        before=True,
        key=statement.key,
    )


def _by_identity(outcomes: Iterable[ReportedOutcome]) -> dict[_Identity, ReportedOutcome]:
    return {(one.kind, one.address, one.reason, one.version): one for one in outcomes}


def _join(event: LoggedEvent, outcomes: Mapping[_Identity, ReportedOutcome]) -> LoggedChange:
    same = event.kind, event.address, event.reason
    told = outcomes.get((*same, event.version)) or outcomes.get((*same, None))
    return LoggedChange(
        at=event.at,
        client=event.client,
        record=event.record,
        seq=event.seq,
        kind=event.kind,
        address=Address.read(event.address),
        reason=event.reason,
        version=event.version,
        why=told.why if told is not None else "",
        result=told.message if told is not None else "",
        detail=told.detail if told is not None else {},
    )


def _list_earlier(told: ReportedRun) -> Iterator[LoggedChange]:
    for one in told.outcomes:
        if one.status != _DONE and one.detail.get("accepted") is not False:
            continue
        address = Address.read(one.address)
        client = address.client or one.client
        yield LoggedChange(
            at=told.finished_at,
            client=client,
            record=client,
            seq=0,
            kind=one.kind,
            address=address,
            reason=one.reason,
            version=one.version,
            why=one.why,
            result=one.message,
            detail=one.detail,
        )


def list_untold(runs: Iterable[LoggedRun]) -> dict[Fate, list[RunReport]]:
    """The reports that tell nothing, by what became of them."""
    found: dict[Fate, list[RunReport]] = {}
    for run in runs:
        for report in run.reports:
            if report.fate is not Fate.THERE:
                found.setdefault(report.fate, []).append(report)
    return found
