"""The life of every version of every credential, as events and reports tell it.

An event says when a version became active, started its grace or ended; a report says which key it
was: id, hash, expiry. Where a report is gone, its events still tell the times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ActionKind, Verb
from reconciler.domain.kinds.credentials import CredentialKind, find_kind, list_kinds
from reconciler.domain.values.canonical import parse_iso
from reconciler.errors import Address
from reconciler.evidence.history.reports import ReportedClient, ReportedVersion
from reconciler.evidence.history.runs import LoggedChange, LoggedRun, read_verb

_ACTIVATING = (Verb.ISSUE, Verb.ROTATE, Verb.ADOPT)


@dataclass(slots=True)
class VersionLife:
    """One version. Times are None where nothing happened, or nothing tells it.

    ``entry`` is that of the run that made it, ``ended_by`` that of the one that revoked it;
    ``replaced`` is the version that it took over from. ``forgotten_at``: the registry was restored
    from a backup, and did not know the version any more; its number may come again. ``id`` and
    ``sha256`` are empty where no report tells them.
    """

    number: int
    id: str = ""
    sha256: str = ""
    reason: str = ""
    issued_at: datetime | None = None
    active_from: datetime | None = None
    retiring_from: datetime | None = None
    grace_until: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    destroyed_at: datetime | None = None
    forgotten_at: datetime | None = None
    entry: int | None = None
    ended_by: int | None = None
    replaced: int | None = None

    def was_usable(self, first: datetime, last: datetime) -> bool:
        """Whether it was active or retiring at some instant of ``[first, last]``, as the registry
        had it: an expiry or the end of a grace that nobody carried out yet ends nothing there."""
        begun = self.active_from is not None and self.active_from <= last
        ends = [one for one in (self.revoked_at, self.forgotten_at) if one is not None]
        return begun and all(one > first for one in ends)

    def state_at(self, at: datetime) -> str:
        """``active``, ``retiring``, ``revoked`` or ``forgotten``; ``pending`` before it was
        active."""
        if self.forgotten_at is not None and self.forgotten_at <= at:
            return "forgotten"
        if self.revoked_at is not None and self.revoked_at <= at:
            return "revoked"
        if self.active_from is None or self.active_from > at:
            return "pending"
        return (
            "retiring" if self.retiring_from is not None and self.retiring_from <= at else "active"
        )

    def is_over(self, at: datetime) -> bool:
        """Whether its expiry or the end of its grace had passed."""
        ends = [one for one in (self.expires_at, self.grace_until) if one is not None]
        return any(one <= at for one in ends)


@dataclass(slots=True)
class CredentialLife:
    """One key or signing secret. ``path`` is its identity, which a rename of its client does not
    change; ``client`` is the newest name. ``versions`` are those that the registry knows, by number,
    of which ``current`` was activated last; ``forgotten`` are the others."""

    kind: CredentialKind
    path: str
    name: str
    client: str
    versions: dict[int, VersionLife] = field(default_factory=dict)
    forgotten: list[VersionLife] = field(default_factory=list)
    current: int | None = None

    @property
    def record(self) -> str:
        """The name under which its client was first registered."""
        return self.path.removeprefix(f"{self.kind.folder}/").removesuffix(f".{self.name}")

    @property
    def address(self) -> Address:
        return self.kind.address(self.client, self.name)

    def version(self, number: int) -> VersionLife:
        """The life of a version, new where nothing is known of it yet."""
        return self.versions.setdefault(number, VersionLife(number))

    def in_order(self) -> list[VersionLife]:
        every = [*self.forgotten, *self.versions.values()]
        return sorted(every, key=lambda one: one.number)


@dataclass(frozen=True, slots=True)
class _Told:
    """A change, and the entry that tells it."""

    entry: int
    change: LoggedChange


def trace_lives(runs: Iterable[LoggedRun]) -> list[CredentialLife]:
    """Every credential that the log knows, by client and name."""
    lives: dict[str, CredentialLife] = {}
    changes: dict[str, list[_Told]] = {}
    for run in runs:
        for record, last in run.anew.items():
            for path in [path for path, life in lives.items() if life.record == record]:
                _forget_after(lives[path], changes.pop(path, []), last, run.closed)
        for client in (run.told.clients or ()) if run.told is not None else ():
            _take_snapshot(lives, client)
        for change in run.changes:
            kind = find_kind(change.address)
            if kind is not None:
                path = kind.path(change.record, change.address.item)
                life = lives.get(path)
                if life is None:
                    life = CredentialLife(kind, path, change.address.item, change.client)
                    lives[path] = life
                life.client = change.client
                told = _Told(run.number, change)
                changes.setdefault(path, []).append(told)
    for path, every in changes.items():
        _tell_events(lives[path], every)
    for life in lives.values():
        _fill_gaps(life)
    return sorted(lives.values(), key=lambda one: (one.client, one.kind.word, one.name, one.path))


def find_usable(
    lives: Iterable[CredentialLife],
    first: datetime,
    last: datetime,
    client: str | None = None,
) -> Iterator[tuple[CredentialLife, VersionLife]]:
    """The versions that were active or retiring at some instant of ``[first, last]``."""
    for life in lives:
        if client is None or client in (life.client, life.record):
            for version in life.in_order():
                if version.was_usable(first, last):
                    yield life, version


def _take_snapshot(lives: dict[str, CredentialLife], client: ReportedClient) -> None:
    for kind in list_kinds():
        for told in client.of_kind(kind):
            life = lives.get(told.path)
            if life is None:
                life = lives[told.path] = CredentialLife(kind, told.path, told.name, client.name)
            life.client = client.name
            for version in told.series:
                _know(life.version(version.version), version)


def _know(life: VersionLife, told: ReportedVersion) -> None:
    life.id, life.sha256 = told.id, told.sha256
    life.reason = told.reason
    life.issued_at, life.expires_at = told.issued_at, told.expires_at
    life.grace_until = told.grace_until or life.grace_until
    life.revoked_at = told.revoked_at or life.revoked_at
    life.destroyed_at = told.destroyed_at or life.destroyed_at
    if told.state != "pending" and life.active_from is None:
        life.active_from = told.issued_at


def _forget_after(life: CredentialLife, told: list[_Told], last: int, at: datetime) -> None:
    """The registry was restored: it knows nothing of the events after number ``last``."""
    _tell_events(life, told)
    for one in sorted(told, key=_number, reverse=True):
        made = read_verb(one.change.kind) in _ACTIVATING and one.change.seq > last
        gone = life.versions.pop(one.change.version or 0, None) if made else None
        if gone is not None:
            gone.forgotten_at = at
            life.forgotten.append(gone)
            life.current = gone.replaced
            former = life.versions.get(gone.replaced or 0)
            if former is not None and former.retiring_from == gone.active_from:
                former.retiring_from = former.grace_until = None


def _number(told: _Told) -> int:
    return told.change.seq


def _tell_events(life: CredentialLife, told: list[_Told]) -> None:
    """Of one record the numbers of events are the order, whichever run reported them first."""
    for one in sorted(told, key=_number):
        entry, change = one.entry, one.change
        if change.version is None:
            continue
        version, verb = life.version(change.version), read_verb(change.kind)
        _know_detail(version, change)
        if verb in _ACTIVATING:
            version.active_from, version.entry = change.at, entry
            version.reason = version.reason or change.reason
            current = life.current
            former = life.versions.get(current) if current is not None else None
            if former is not None and former.number != version.number and not former.revoked_at:
                former.retiring_from = former.retiring_from or change.at
            if current is not None and current != version.number:
                version.replaced = current
            life.current = version.number
        elif verb == Verb.RETIRE:
            version.retiring_from = change.at
        elif verb == Verb.REVOKE:
            version.revoked_at, version.ended_by = change.at, entry
        elif change.kind == ActionKind.DESTROY_VERSION:
            version.destroyed_at = version.destroyed_at or change.at


def _know_detail(version: VersionLife, change: LoggedChange) -> None:
    """What the event of a version keeps of it: enough where the report has no state of clients."""
    key_id, sha256, expires = (change.detail.get(name) for name in ("id", "sha256", "expires_at"))
    if isinstance(key_id, str) and isinstance(sha256, str):
        version.id, version.sha256 = version.id or key_id, version.sha256 or sha256
    if version.expires_at is None and isinstance(expires, str):
        try:
            version.expires_at = parse_iso(expires)
        except ValueError:
            return


def _fill_gaps(life: CredentialLife) -> None:
    """Of a version whose events are older than the log, the states of reports must do: it retired
    as its successor became active."""
    for version, following in zip(life.in_order(), life.in_order()[1:], strict=False):
        replaced = version.grace_until is not None and version.retiring_from is None
        if replaced and following.active_from is not None:
            version.retiring_from = following.active_from
