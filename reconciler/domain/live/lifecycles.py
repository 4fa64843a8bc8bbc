"""Which life cycle a series follows: the declared one, else the one that was recorded last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.domain.declared.desired import DesiredClient, Lifecycle
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.values.duration import parse_duration


def lifecycle_of(
    desired: DesiredClient | None,
    record: ClientRecord,
    kind: CredentialKind,
    item: str,
) -> Lifecycle:
    """The life cycle of one credential of a client."""
    for declared, name, lifecycle in desired.lives() if desired is not None else ():
        if declared is kind and name == item:
            return lifecycle
    return read_lifecycle(record, kind, item)


def read_lifecycle(record: ClientRecord, kind: CredentialKind, item: str) -> Lifecycle:
    """The life cycle of a series that is not declared any more: only its grace still matters."""
    declared = kind.lives(record.spec).get(item) or _find_dropped(record, kind, item)
    try:
        grace = parse_duration(str(declared["grace"]))
    except (KeyError, ValueError):  # not said, or the record was edited by hand
        grace = kind.grace
    return Lifecycle(kind.lifetime, kind.lifetime / 3, grace)


def read_reissue(record: ClientRecord, kind: CredentialKind, item: str) -> int:
    """The ``reissueAfter`` that was applied last, 0 when there was none."""
    number = kind.lives(record.spec).get(item, {}).get("reissueAfter", 0)
    return number if isinstance(number, int) else 0


def _find_dropped(record: ClientRecord, kind: CredentialKind, item: str) -> Mapping[str, Any]:
    """What the update that dropped a credential says it was: a run that was cut short after it did
    not start the grace yet. Of one that ends at once nobody asks."""
    if kind.retire is None:
        return {}
    told = (
        kind.lives(event.detail.get("before")).get(item, {}) for event in reversed(record.events)
    )
    return next((dropped for dropped in told if dropped), {})
