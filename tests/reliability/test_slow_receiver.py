"""A receiver that does not answer, beside others that do: theirs is delivered all the same, whatever
waits for it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.declared.desired import DeliverySettings, Desired
from reconciler.domain.plan.plan import OutcomeStatus
from reconciler.engine import executor
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.lanes import Lanes, Pauses
from tests.kit.webhooks.receivers import Handler, receiving
from tests.kit.webhooks.sending import LOOPBACK
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import BUCKETS, World
from tests.kit.worlds.runner import Runner

PATIENCE_SECONDS = 20
LIMITS = DeliverySettings(concurrency=3, per_host=2)


class Locked:
    """A world that many threads ask."""

    def __init__(self, world: World) -> None:
        self._world, self._lock = world, threading.RLock()

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._world, name)

        def call(*values: Any, **named: Any) -> Any:
            with self._lock:
                return called(*values, **named)

        return call if callable(called) else called


class Two:
    """A receiver that is held until the other one has got everything."""

    def __init__(self, awaited: set[str]) -> None:
        self._awaited = set(awaited)
        self._all_there = threading.Event()
        self._lock = threading.Lock()
        self._held = self.most_held = 0
        self.given_up = False

    def hold(self, handler: Handler) -> None:
        with self._lock:
            self._held += 1
            self.most_held = max(self.most_held, self._held)
        if not self._all_there.wait(PATIENCE_SECONDS):
            self.given_up = True
            self._all_there.set()
        with self._lock:
            self._held -= 1
        handler.reply(204)

    def answer(self, handler: Handler) -> None:
        with self._lock:
            self._awaited.discard(handler.arrived.path)
            if not self._awaited:
                self._all_there.set()
        handler.reply(204)


def carry_out(runner: Runner, wanted: Desired) -> list[OutcomeStatus]:
    observed = runner.look()
    plan = runner.plan(wanted, observed=observed)
    live: Any = Locked(runner.world)
    with ThreadPoolExecutor(LIMITS.concurrency) as pool, Pauses(lambda: True) as pauses:
        lanes = Lanes(pool, pauses, threads=LIMITS.concurrency, per_host=LIMITS.per_host)
        sender = WebhookSender(LOOPBACK, LIMITS)
        driver = Driver(live, live, sender, ServerClock(runner.world.at), lanes)
        run = runner.new_run(observed)
        outcomes = executor.execute(plan, wanted.clients, driver, run, BUCKETS)
    return [one.status for one in outcomes]


def test_one_receiver_that_is_held_keeps_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twice as many deliveries are for it, in every bucket; there are two threads for buckets and
    three for deliveries. No time decides: it is released by the last delivery to the others."""
    monkeypatch.setattr(executor, "BUCKET_WORKERS", 2)
    quick = [f"quick-{number}" for number in range(24)]
    two = Two({f"/{name}" for name in quick})
    with receiving(two.hold) as slow, receiving(two.answer) as other:
        urls = {name: f"{other.url}/{name}" for name in quick}
        urls |= {f"slow-{number}": f"{slow.url}/{number}" for number in range(48)}
        wanted = desired(*(client(name, webhooks=[webhook(url=url)]) for name, url in urls.items()))
        statuses = carry_out(Runner(World()), wanted)
    assert not two.given_up
    assert two.most_held <= LIMITS.per_host
    assert set(statuses) == {OutcomeStatus.DONE}
