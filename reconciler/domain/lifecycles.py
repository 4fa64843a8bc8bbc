"""Which life cycle a series follows: the declared one, else the one that was recorded last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from reconciler.domain.canonical import JsonObject
from reconciler.domain.desired import DesiredClient, Lifecycle
from reconciler.domain.duration import parse_duration
from reconciler.domain.record import ClientRecord, SeriesKind

DEFAULT_LIFETIME = {SeriesKind.KEY: timedelta(days=90), SeriesKind.WEBHOOK: timedelta(days=180)}
DEFAULT_GRACE = {SeriesKind.KEY: timedelta(hours=72), SeriesKind.WEBHOOK: timedelta(hours=24)}


def lifecycle_of(desired: DesiredClient | None, record: ClientRecord, kind: SeriesKind, item: str) -> Lifecycle:
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
    if kind is SeriesKind.KEY:
        declared = (record.spec.get("keys") or {}).get(item) or _dropped_key(record, item)
    else:
        declared = ((record.spec.get("webhooks") or {}).get(item) or {}).get("secret") or {}
    try:
        grace = parse_duration(str(declared["grace"]))
    except (KeyError, ValueError):  # not said, or the record was edited by hand
        grace = DEFAULT_GRACE[kind]
    lifetime = DEFAULT_LIFETIME[kind]
    return Lifecycle(lifetime, lifetime / 3, grace)


def recorded_reissue(record: ClientRecord, kind: SeriesKind, item: str) -> int:
    """The ``reissueAfter`` that was applied last, 0 when there was none."""
    if kind is SeriesKind.KEY:
        declared = (record.spec.get("keys") or {}).get(item) or {}
    else:
        declared = ((record.spec.get("webhooks") or {}).get(item) or {}).get("secret") or {}
    number = declared.get("reissueAfter", 0) if isinstance(declared, Mapping) else 0
    return number if isinstance(number, int) else 0


def _dropped_key(record: ClientRecord, item: str) -> JsonObject:
    """What the update that dropped a key says it was: a run that was cut short after it did not start the grace yet."""
    for event in reversed(record.events):
        keys = (event.detail.get("before") or {}).get("keys") or {}
        if item in keys:
            dropped: JsonObject = keys[item]
            return dropped
    return {}
