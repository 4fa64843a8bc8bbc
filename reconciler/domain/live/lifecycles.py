"""Which life cycle a series follows: the declared one, else the one that was recorded last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from reconciler.domain.declared.desired import DesiredClient, Lifecycle
from reconciler.domain.live.record import ClientRecord, SeriesKind
from reconciler.domain.values.canonical import Json, JsonObject
from reconciler.domain.values.duration import parse_duration

DEFAULT_LIFETIME = {SeriesKind.KEY: timedelta(days=90), SeriesKind.WEBHOOK: timedelta(days=180)}
DEFAULT_GRACE = {SeriesKind.KEY: timedelta(hours=72), SeriesKind.WEBHOOK: timedelta(hours=24)}


def lifecycle_of(
    desired: DesiredClient | None, record: ClientRecord, kind: SeriesKind, item: str
) -> Lifecycle:
    """The life cycle of one key or signing secret of a client."""
    if desired is not None and kind is SeriesKind.KEY:
        for key in desired.keys:
            if key.name == item:
                return key.lifecycle
    if desired is not None and kind is SeriesKind.WEBHOOK:
        for webhook in desired.webhooks:
            if webhook.name == item:
                return webhook.secret
    return recorded_lifecycle(record, kind, item)


def recorded_lifecycle(record: ClientRecord, kind: SeriesKind, item: str) -> Lifecycle:
    """The life cycle of a series that is not declared any more: only its grace still matters."""
    declared = _recorded(record.spec, kind, item) or (
        _dropped_key(record, item) if kind is SeriesKind.KEY else {}
    )
    try:
        grace = parse_duration(str(declared["grace"]))
    except (KeyError, ValueError):  # not said, or the record was edited by hand
        grace = DEFAULT_GRACE[kind]
    lifetime = DEFAULT_LIFETIME[kind]
    return Lifecycle(lifetime, lifetime / 3, grace)


def recorded_reissue(record: ClientRecord, kind: SeriesKind, item: str) -> int:
    """The ``reissueAfter`` that was applied last, 0 when there was none."""
    number = _recorded(record.spec, kind, item).get("reissueAfter", 0)
    return number if isinstance(number, int) else 0


def _recorded(spec: Json, kind: SeriesKind, item: str) -> JsonObject:
    """What a specification says of the life of a series; empty when it says nothing, or was edited
    into nonsense."""
    if kind is SeriesKind.KEY:
        return _inner(spec, "keys", item)
    return _inner(spec, "webhooks", item, "secret")


def _inner(value: Json, *names: str) -> JsonObject:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _dropped_key(record: ClientRecord, item: str) -> JsonObject:
    """What the update that dropped a key says it was: a run that was cut short after it did not
    start the grace yet."""
    told = (_inner(event.detail, "before", "keys", item) for event in reversed(record.events))
    return next((dropped for dropped in told if dropped), {})
