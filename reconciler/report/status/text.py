"""Live state for the terminal: a table with what is urgent first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.credentials import SIGNING_SECRET
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Series,
    VersionState,
    WebhookRecord,
)
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.domain.values.canonical import iso
from reconciler.planning.guards.keeping import keeping_findings
from reconciler.report.status.json import choose_clients
from reconciler.report.status.unfinished import pick_unfinished, unfinished_text
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import (
    DEFAULT_WIDTH,
    columns,
    count_words,
    time_distance,
    wrap_lines,
)
from reconciler.report.text.paint import Paint

_HEAD = ("", "CLIENT", "STATUS", "ITEM", "VERSIONS", "EXPIRES", "NOTE")
# Two of the marks of a row, and their order in the table.
_ALARM, _WAITING, _FINE, _ENDED = "!", "~", " ", "-"
_ORDER = (_ALARM, _WAITING, _FINE, _ENDED)
_STYLES = {_ALARM: "alarm", _WAITING: "change", _FINE: "plain", _ENDED: "dim"}
SOON = timedelta(days=7)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Row:
    mark: str
    expires_at: datetime | None
    cells: tuple[str, ...]


def status_text(
    environment: str,
    observed: Observed,
    unfinished: Sequence[Unfinished] = (),
    *,
    only: Collection[str] = (),
    width: int = DEFAULT_WIDTH,
    colour: bool = False,
) -> str:
    """One row for each key and each webhook.

    ``!`` needs a person or a run now, ``~`` waits, ``-`` has ended.
    """
    paint = Paint(colour)
    shown = choose_clients(observed, only)
    rows = [row for record in shown for row in _rows(record, observed)]
    rows.sort(key=lambda row: (_ORDER.index(row.mark), row.expires_at or _NEVER))
    alarms = sum(row.mark == _ALARM for row in rows)
    alarms += len(observed.policies_edited) + sum(1 for _ in keeping_findings(observed))
    retired = sum(record.status is ClientStatus.RETIRED for record in shown)
    total = count_words(len(shown) - retired, "client") + (
        f" and {retired} retired" if retired else ""
    )
    left = pick_unfinished(unfinished, only)
    state = _attention(alarms, len(left))
    lines = [f"{paint('bold', terminal(environment))} at {iso(observed.now)}: {total}, {state}"]
    if rows:
        cells = [_HEAD, *((row.mark, *row.cells) for row in rows)]
        lines += [
            "",
            *columns(
                cells,
                lambda row, _, text: paint(_STYLES[rows[row - 1].mark] if row else "dim", text),
            ),
        ]
    rest = list(unfinished_text(left, observed.now, width=width, paint=paint))
    notes = [line for note in _notes(observed) for line in wrap_lines(note, width, "", "  ")]
    parts = ["\n".join(part) for part in (lines, rest, notes) if part]
    return "\n\n".join(parts) + "\n"


def _attention(alarms: int, unfinished: int) -> str:
    said = [f"{count_words(alarms, 'item needs', 'items need')} attention"] if alarms else []
    said += [f"{unfinished} unfinished"] if unfinished else []
    return ", ".join(said) or "nothing needs attention"


def _rows(record: ClientRecord, observed: Observed) -> Iterator[_Row]:
    series = record.all_series()
    if not series:
        note = "the record was edited by hand" if record.edited else ""
        yield _Row(
            _ALARM if record.edited else _FINE,
            None,
            (record.name, record.status.value, "", "", "", note),
        )
    for kind, name, versions in series:
        current = versions.active or versions.pending
        path = record.secret_path(kind, name)
        gone = observed.secrets.get(path) is None and versions.active is not None
        webhook = record.webhooks.get(name) if kind is SIGNING_SECRET else None
        mark, note = _judge(record, versions, webhook, observed.now, gone=gone)
        expires = time_distance(current.expires_at, observed.now) if current else ""
        cells = (
            record.name,
            record.status.value,
            f"{kind.word}/{name}",
            _versions(versions),
            expires,
            note,
        )
        yield _Row(mark, current.expires_at if current else None, cells)


def _versions(series: Series) -> str:
    """``v3 active, v2 retiring``: the newest first, revoked ones only when there is nothing
    else."""
    usable = [
        version
        for version in reversed(series.versions)
        if version.state is not VersionState.REVOKED
    ]
    shown = usable or series.versions[-1:]
    return ", ".join(f"v{version.number} {version.state.value}" for version in shown)


def _judge(
    record: ClientRecord,
    series: Series,
    webhook: WebhookRecord | None,
    now: datetime,
    *,
    gone: bool,
) -> tuple[str, str]:
    """Mark and note of a row.

    The list is in the order of urgency and the first that holds is told.
    """
    ended = record.status is ClientStatus.RETIRED
    active, retiring = series.active, series.in_state(VersionState.RETIRING)
    delivery = webhook.last_delivery if webhook else None
    hold = series.hold
    table = [
        (_ALARM, record.edited or series.edited, "the record was edited by hand"),
        (_ENDED, ended, ""),
        (_ALARM, gone, "no secret is stored"),
        (_ALARM, active is not None and active.expires_at <= now, "expired"),
        (
            _ALARM,
            delivery is not None and not delivery.accepted,
            f"not proven: {delivery.message}" if delivery else "",
        ),
        (
            _ALARM,
            hold is not None,
            (
                f"revoked: {hold.reason}; reissueAfter: {hold.version} has it issued anew"
                if hold
                else ""
            ),
        ),
        (_ALARM, active is None and series.pending is None, "no usable version"),
        (
            _WAITING,
            series.pending is not None,
            f"claimed by run {series.pending.run}" if series.pending else "",
        ),
        (_WAITING, webhook is not None and webhook.verified_at is None, "not verified yet"),
        (_WAITING, bool(retiring), _grace(series, now)),
        (_WAITING, active is not None and active.expires_at - now <= SOON, "expires soon"),
        (_FINE, webhook is not None, _describe_verified(webhook, now)),
    ]
    return next(((mark, note) for mark, holds, note in table if holds), (_FINE, ""))


def _grace(series: Series, now: datetime) -> str:
    return ", ".join(
        f"v{version.number} is valid until {iso(version.grace_until)}"
        f" ({time_distance(version.grace_until, now)})"
        for version in series.in_state(VersionState.RETIRING)
        if version.grace_until is not None
    )


def _describe_verified(webhook: WebhookRecord | None, now: datetime) -> str:
    return (
        f"verified {time_distance(webhook.verified_at, now)}"
        if webhook and webhook.verified_at
        else ""
    )


def _notes(observed: Observed) -> Iterator[str]:
    lease = (
        observed.lease
        if observed.lease is not None and observed.lease.until > observed.now
        else None
    )
    if lease is not None:
        yield f"lease held by run {lease.holder} until {iso(lease.until)}"
    for policy in observed.policies_edited:
        yield f"Vault policy {policy} differs from what bootstrap writes"
    for finding in keeping_findings(observed):
        yield f"{finding.message}: {finding.remedy}"
    for client, owner in sorted(observed.foreign.items()):
        yield f"client {client} belongs to {owner} and is left alone"
    for path in observed.unmanaged:
        yield f"{path} is not ours and is left alone"
