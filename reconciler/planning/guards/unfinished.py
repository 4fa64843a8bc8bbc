"""Finds unfinished business, and says of each piece what the next apply does about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ISSUES, Verb
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import Lease, Observed, OpenRun
from reconciler.domain.live.record import ClientRecord, ClientStatus, Series, Version, VersionState
from reconciler.domain.plan.plan import Action
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.domain.values import names
from reconciler.domain.values.canonical import iso
from reconciler.errors import Address
from reconciler.planning.actions.checks import describe_revoked
from reconciler.planning.actions.reasons import Reason
from reconciler.planning.actions.renames import Heirs, find_heirs

# An emergency revocation takes no lease: this long it is taken to be still at work.
UNLEASED_RUN = timedelta(minutes=2)
_DOES = {
    Verb.ADOPT: "the next apply adopts it: it becomes the active version",
    Verb.ABANDON: "the next apply abandons it",
    Verb.REVOKE: "the next apply revokes and destroys it",
    Verb.DESTROY: "the next apply destroys it",
}
_LEFT = "this plan leaves it as it is"
_REPORTS = {
    "new": (
        "is on disk and not committed",
        "no open run has this report: commit it by hand, or remove it",
    ),
    "changed": (
        "was changed after it was committed",
        "no apply commits that: `git diff` shows the change, `git restore` takes it back",
    ),
    "removed": (
        "is committed and was removed from the disk",
        "no apply commits that: `git restore` brings it back",
    ),
}


@dataclass(frozen=True, slots=True)
class Books:
    """What git knows of this environment's reports. ``uncommitted``: new, changed or removed, by
    path below the project; ``unpushed``: commits that the upstream is not known to have."""

    uncommitted: Mapping[str, str] = field(default_factory=dict)
    unpushed: int = 0


@dataclass(frozen=True, slots=True)
class _View:
    """What is looked at, when (``now`` decides what is due), and what a plan does about versions
    and series (``planned``: there is a plan). A plan knows a client by the name that it will
    have."""

    observed: Observed
    now: datetime
    planned: bool
    renamed: Mapping[str, str]
    done: Mapping[tuple[Address, int | None], Verb]
    issued: frozenset[Address]

    def address(self, kind: CredentialKind, client: str, item: str) -> Address:
        return kind.address(self.renamed.get(client, client), item)


def find_unfinished(
    observed: Observed,
    books: Books,
    now: datetime,
    actions: Sequence[Action] | None = None,
) -> tuple[Unfinished, ...]:
    """Everything unfinished at ``now``, in the order of its kinds, oldest first. ``actions``: those
    of a plan, None when there is none to look at."""
    view = _view(observed, now, actions)
    found = [*_runs(view.observed), *_reports(view.observed, books)]
    taken_over = find_heirs(view.observed.records)
    for record in view.observed.records.values():
        if record.moving_to is not None or record.name in taken_over:
            found.append(_rename(record, taken_over))
        if record.name in taken_over:  # its versions are those of the record that took over
            continue
        for kind, name, series in record.all_series():
            found += _versions(view, record, kind, name, series)
    order = list(UnfinishedKind)
    return tuple(
        sorted(
            found,
            key=lambda one: (
                order.index(one.kind),
                one.since or view.now,
                one.subject,
                one.message,
            ),
        )
    )


def _view(observed: Observed, now: datetime, actions: Sequence[Action] | None) -> _View:
    planned = actions or ()
    return _View(
        observed,
        now,
        planned=actions is not None,
        renamed={
            str((one.before or {})["name"]): one.client
            for one in planned
            if one.reason == Reason.RENAMED and "name" in (one.before or {})
        },
        done={
            (one.address, one.version): one.kind.verb for one in planned if one.kind.verb in _DOES
        },
        issued=frozenset(one.address for one in planned if one.kind in ISSUES),
    )


def at_work(run: OpenRun, lease: Lease | None, now: datetime) -> bool:
    """Whether ``run`` may still be working: it holds the lease, or is an emergency that has just
    begun."""
    if lease is not None and lease.holder == run.run_id:
        return True
    return run.command == "revoke" and now - run.started_at < UNLEASED_RUN


def _runs(observed: Observed) -> Iterator[Unfinished]:
    for run in observed.open_runs:
        if run.closed:
            continue
        who = f"{run.command} by {run.actor}"
        if at_work(run, observed.lease, observed.now):
            message, then = f"{who} is at work", "it commits its report itself"
        elif run.finished_at is None:
            message, then = (
                f"{who} was cut short",
                "the next apply settles what it began and commits its report",
            )
        else:
            ended = "was stopped with work left" if run.interrupted else "has ended"
            message, then = (
                f"{who} {ended}; its report is not committed",
                "the next apply commits its report",
            )
        yield Unfinished(
            UnfinishedKind.OPEN_RUN,
            message,
            then,
            run.started_at,
            run_id=run.run_id,
        )


def _rename(record: ClientRecord, taken_over: Heirs) -> Unfinished:
    heir = taken_over.get(record.name)
    new = record.moving_to if heir is None else heir.name
    message = f"its rename to {new} was begun and not finished"
    then = "the next apply finishes it, or takes it back if the declaration has the old name"
    return Unfinished(
        UnfinishedKind.RENAME, message, then, address=names.client_address(record.name)
    )


def _versions(
    view: _View,
    record: ClientRecord,
    kind: CredentialKind,
    name: str,
    series: Series,
) -> Iterator[Unfinished]:
    address = kind.address(record.name, name)
    planned = view.address(kind, record.name, name)
    for version in series.versions:
        path = record.secret_path(kind, name)
        judged, due = _version(view, path, series, version)
        if judged is None or (
            judged.kind is UnfinishedKind.STALE_CLAIM and path in view.observed.unsettled
        ):
            continue
        does = view.done.get((planned, version.number))
        then = judged.next if does is None else _DOES[does]
        left = view.planned and due and does is None
        yield replace(judged, next=_LEFT if left else then, address=address)
    if series.hold is not None and record.status is not ClientStatus.RETIRED:
        yield replace(_hold(series, issued=planned in view.issued), address=address)


def _version(
    view: _View,
    path: str,
    series: Series,
    version: Version,
) -> tuple[Unfinished | None, bool]:
    """What is unfinished about a version, and whether it is due now."""
    if version.state is VersionState.PENDING and version.run not in find_busy_runs(view.observed):
        message, then = _claim(view.observed, path, series, version)
        return Unfinished(UnfinishedKind.STALE_CLAIM, message, then, version.issued_at), True
    if version.state is VersionState.RETIRING:
        end = version.grace_until or version.expires_at
        due = end <= view.now or series.edited
        message = f"version {version.number} is retiring and valid until {iso(end)}"
        then = (
            _DOES[Verb.REVOKE]
            if due
            else f"the next apply after {iso(end)} revokes and destroys it"
        )
        return (
            Unfinished(
                UnfinishedKind.RETIRING, message, then, _find_replacement_time(series, version)
            ),
            due,
        )
    if version.state is VersionState.REVOKED and _is_there(view.observed, path, version):
        message = f"version {version.number} is revoked and its secret is not known to be destroyed"
        then = _DOES[Verb.DESTROY]
        return Unfinished(UnfinishedKind.NOT_DESTROYED, message, then, version.revoked_at), True
    return None, False


def _find_replacement_time(series: Series, version: Version) -> datetime | None:
    """When the successor of a version was made, None when it has none."""
    return min(
        (one.issued_at for one in series.versions if one.number > version.number), default=None
    )


def _claim(
    observed: Observed,
    path: str,
    series: Series,
    pending: Version,
) -> tuple[str, str]:
    claimed = f"version {pending.number} was claimed by run {pending.run}, which is not at work"
    written = pending.id in observed.claims.get(path, frozenset())
    if written and not series.edited:
        return f"{claimed}; its secret is stored", _DOES[Verb.ADOPT]
    stored = "stored, and the record was edited by hand" if written else "not stored"
    return f"{claimed}; its secret is {stored}", _DOES[Verb.ABANDON]


def who_works(observed: Observed) -> str:
    """In words: the run that is at work, as far as it is known which one it is."""
    runs = [
        run
        for run in observed.open_runs
        if not run.closed and at_work(run, observed.lease, observed.now)
    ]
    if runs:
        return " and ".join(
            f"run {run.run_id} ({run.command} by {run.actor}) is at work" for run in runs
        )
    return (
        "a run is at work" if observed.lease is None else f"run {observed.lease.holder} is at work"
    )


def unless_open(observed: Observed, remedy: str) -> str:
    """``remedy``, which removes something, unless it may be the work of a run that is not
    closed."""
    runs = sorted(
        {run.run_id for run in observed.open_runs if not run.closed} | observed.unreadable_runs
    )
    if observed.lease is not None:
        runs = sorted({*runs, observed.lease.holder})
    if not runs:
        return remedy
    are, them = ("is", "it") if len(runs) == 1 else ("are", "them")
    return (
        f"leave it alone while run {' and '.join(runs)} {are} open: it may be the work of {them}; "
        "reconciler status says what becomes of an open run"
    )


def find_busy_runs(observed: Observed) -> frozenset[str]:
    """The runs that may still be working."""
    runs = {run.run_id for run in observed.open_runs if at_work(run, observed.lease, observed.now)}
    return frozenset(runs | ({observed.lease.holder} if observed.lease is not None else set()))


def _is_there(observed: Observed, path: str, revoked: Version) -> bool:
    info = observed.secrets.get(path)
    return revoked.destroyed_at is None or (info is not None and bool(info.holds(revoked.number)))


def _hold(series: Series, *, issued: bool) -> Unfinished:
    hold = series.hold
    assert hold is not None  # the caller looked
    incident = f", {hold.incident}" if hold.incident else ""
    message = f"{describe_revoked(series)} by a person ({hold.reason}{incident})"
    declare = f"nothing is issued until the declaration says reissueAfter: {hold.version}"
    then = "the next apply issues a new version, as declared" if issued else declare
    return Unfinished(UnfinishedKind.HOLD, message, then, hold.at)


def _reports(observed: Observed, books: Books) -> Iterator[Unfinished]:
    """One for each run, though its report is two files."""
    waiting = {run.run_id for run in observed.open_runs if not run.closed}
    told = set()
    for path, state in sorted(books.uncommitted.items()):
        stem = path.rpartition("/")[2].partition(".")[0]
        if (stem, state) in told:
            continue
        told.add((stem, state))
        message, then = _REPORTS[state]
        if stem in waiting:
            then = (
                "the next apply commits it if it is what the history says, else it writes it anew"
            )
        yield Unfinished(UnfinishedKind.REPORT, f"the report {message}", then, path=path)
    if books.unpushed:
        message = f"commits with audit reports that are not pushed: {books.unpushed}"
        yield Unfinished(UnfinishedKind.PUSH, message, "the next apply --push pushes them")
