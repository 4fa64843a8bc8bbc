"""Tests of webhooks that leave no trace in the registry: what ``reconciler test`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Desired
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord, ClientStatus, Delivery
from reconciler.domain.values import names
from reconciler.engine.apply import open_driver
from reconciler.engine.engine import Engine
from reconciler.errors import Address
from reconciler.planning.actions.inputs import pair_up
from reconciler.registry.protocol.proving import request_proof
from reconciler.registry.requests import Deliver


@dataclass(frozen=True, slots=True)
class Tested:
    """One webhook. ``delivery`` None: it was not tested, and ``skipped`` says why."""

    client: str
    webhook: str
    url: str
    delivery: Delivery | None = None
    skipped: str = ""

    @property
    def address(self) -> Address:
        return names.webhook_address(self.client, self.webhook)

    @property
    def failed(self) -> bool:
        return self.delivery is not None and not self.delivery.accepted


def prove_all(
    engine: Engine,
    desired: Desired,
    observed: Observed,
    addresses: Iterable[str],
    told: Callable[[Tested], None],
) -> list[Tested]:
    """Every one of ``addresses`` (declared webhooks), in their order; many at a time. ``told`` gets
    each as it ends.

    What is declared is tested, with the signing secrets that are issued. The registry is read,
    never written.
    """
    wanted = frozenset(addresses)
    tests = [
        (one, request) for one, request in _requests(desired, observed) if one.address in wanted
    ]
    ended: dict[str, Tested] = {}
    with open_driver(engine, observed.now) as driver:
        begun: dict[Future[Delivery], Tested] = {}
        for one, request in tests:
            if request is None:
                ended[one.address] = one
                told(one)
            else:
                begun[driver.begin(request, unless=engine.stopping)] = one
        for future in as_completed(begun):
            result = (
                replace(begun[future], skipped="stopped before it was begun")
                if future.cancelled()
                else replace(begun[future], delivery=future.result())
            )
            ended[result.address] = result
            told(result)
    return [ended[one.address] for one, _ in tests]


def _requests(desired: Desired, observed: Observed) -> Iterator[tuple[Tested, Deliver | None]]:
    records = pair_up(desired, observed)
    for name, client in sorted(desired.clients.items()):
        record = records.get(name)
        for webhook in client.webhooks:
            request = None if record is None else request_proof(record, webhook, observed.now)
            why = "" if request is not None else _why_not(record)
            yield Tested(name, webhook.name, webhook.url, skipped=why), request


def _why_not(record: ClientRecord | None) -> str:
    if record is None:
        return "the client is not registered yet: reconciler apply registers it"
    if record.status is ClientStatus.RETIRED:
        return "the client is retired"
    return "it has no active signing secret: reconciler apply issues one, unless it is held"
