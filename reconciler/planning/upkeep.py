"""Which clients need nobody's decision: what is declared of them was applied already."""

from __future__ import annotations

from reconciler.domain.declared.desired import Desired, DesiredClient
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.planning.actions.inputs import Pairs


def settled_clients(desired: Desired, pairs: Pairs) -> frozenset[str]:
    """The clients whose record holds what is declared. All that a plan does for them comes from
    time, from drift or from a run that was cut short: renewals, the ends of graces, repairs. A
    change of the declaration is none of it."""
    return frozenset(
        name for name, record in pairs.items() if _settled(name, desired.clients.get(name), record)
    )


def _settled(name: str, declared: DesiredClient | None, record: ClientRecord | None) -> bool:
    if record is None or record.name != name or record.moving_to is not None:
        return False
    if declared is None:  # its end was applied; what is left of it may be cleaned up
        return record.status is ClientStatus.RETIRED
    return (record.digest, record.base_digest) == (declared.digest, declared.base_digest)
