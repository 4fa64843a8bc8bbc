"""Many webhooks proven at the same time: over real HTTP, with records and secrets in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, cast

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.domain.declared.proof import Demand, Probe
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS
from reconciler.engine import testing
from reconciler.engine.engine import Engine
from reconciler.engine.look.observe import observe
from reconciler.webhooks.signature.verification import verify
from tests.kit.suite.tally import Tally
from tests.kit.webhooks.receivers import Handler, receiving
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

EACH = 20  # webhooks of a client
CLIENTS, ALL_CLIENTS = 8, 50  # in a sample, and with --exhaustive


@dataclass
class Crowd:
    """The receiver of all webhooks: a tenth of them accept everything.

    Knows how many it served at the same time.
    """

    world: World
    busy: int = 0
    most: int = 0
    paths: set[str] = field(default_factory=set)

    def __call__(self, handler: Handler) -> None:
        self.busy += 1
        self.most = max(self.most, self.busy)
        name = handler.arrived.path.strip("/").replace("/", ".")
        self.paths.add(name)
        secret = self.world.read_secret(f"webhooks/{name}", 1)
        assert secret is not None
        judged = verify(
            STANDARD_WEBHOOKS,
            [secret],
            handler.arrived.headers,
            handler.arrived.body,
            datetime.now(UTC),
        )
        careless = name.endswith("0")
        self.busy -= 1
        handler.reply(204 if judged.accepted or careless else 401)


def test_many_webhooks_are_proven_at_once_with_progress(tally: Tally, *, exhaustive: bool) -> None:
    clients = ALL_CLIENTS if exhaustive else CLIENTS
    world = World()
    world.at = datetime.now(UTC).replace(microsecond=0)
    crowd = Crowd(world)
    with receiving(crowd) as receiver:

        def hook(owner: str, number: int) -> Any:
            name = f"hook-{number}"
            probes = {Probe.TAMPERED: Demand.REQUIRE}
            made = webhook(name, f"{receiver.url}/{owner}/{name}")
            return replace(made, probes=probes, events=("payout.settled",))

        owners = [f"partner-{number}" for number in range(clients)]
        declared = desired(
            *(client(name, webhooks=[hook(name, n) for n in range(EACH)]) for name in owners)
        )
        Runner(world).apply(declared)
        told: list[testing.Tested] = []
        engine = Engine(
            project=declared.project,
            environment=replace(
                declared.environment, deliveries=DeliverySettings(concurrency=16, per_host=16)
            ),
            buckets=16,
            live=world,
            minter=world,
            sender=WebhookSender(("127.0.0.0/8",), DeliverySettings(concurrency=16, per_host=16)),
            ledger=cast("Any", PurePosixPath()),  # a test writes no report
            reporter=cast("Any", PurePosixPath()),
        )
        observed = observe(world, declared.project.name, 16)
        addresses = [
            f"client/{one}/webhook/hook-{number}" for one in owners for number in range(EACH)
        ]
        tested = testing.prove_all(engine, declared, observed, addresses, told.append)
    careless = [one for one in tested if one.failed]
    assert len(tested) == len(told) == clients * EACH
    assert {one.address for one in told} == set(addresses)
    assert {one.webhook for one in careless} == {"hook-0", "hook-10"}
    assert len(careless) == clients * 2
    assert all(one.delivery is not None and one.delivery.code == "RC530" for one in careless)
    assert len(crowd.paths) == clients * EACH
    assert 1 < crowd.most <= 16
    tally("webhooks proven at the same time", len(tested))
