"""Two runs at the same time, their requests in every order: of both, one wins each version and
nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from reconciler.domain.declared.desired import Desired
from reconciler.domain.live.record import USABLE
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.engine.emergency import REVOKE_TRIES
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest
from reconciler.planning.actions.renames import merge_revocations
from reconciler.planning.emergency import revocation_plan
from tests.kit.suite.tally import Tally
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.faults import Crash, Faulty, crash_before
from tests.kit.worlds.interleave import Gate, Runs, Work, every_order, some_orders, touch
from tests.kit.worlds.judge import judge_secrets, usable
from tests.kit.worlds.memory import World
from tests.kit.worlds.real import RealRunner, RealWorld
from tests.kit.worlds.runner import Passes, Runner
from tests.kit.worlds.scenarios import (
    FAR,
    HOOKED,
    LONG,
    MOVED,
    NEAR,
    PLAIN,
    SCENARIOS,
    SUSPENDED,
    TWO,
)

# Orders that CI takes of each pair: in memory the first ones that differ, on the server by chance.
ORDERS, ORDERS_BY_CHANCE, REAL_ORDERS, REAL_ORDERS_ALL = 40, 20, 1, 150
THREE_ORDERS, THREE_ORDERS_ALL = 30, 3000
NEAREST = "payouts-44"  # of the same bucket, too

Actor = Callable[[Passes[Any]], Work]


def applying(what: Desired, rotate: bool = False) -> Actor:
    """A run whose plan was made before any of them began."""

    def prepare(runner: Passes[Any]) -> Work:
        observed = runner.look()
        rotations = (
            {HOOKED.name: RotationRequest(HOOKED.name, None, "a person asked")} if rotate else {}
        )
        plan = runner.plan(what, observed=observed, rotations=rotations)
        assert plan.changes
        assert not plan.blocked
        return lambda gate: runner.carry_out(plan, what, observed, gate)

    return prepare


def revoking(runner: Passes[Any]) -> Work:
    """An emergency: it looks again whenever another run was faster."""

    def work(gate: Gate) -> tuple[Outcome, ...]:
        done: list[Outcome] = []
        for _ in range(REVOKE_TRIES):
            observed = runner.look(gate)
            (name, *_) = observed.records
            request = RevocationRequest(name, None, "compromise")
            plan = revocation_plan(
                observed, "production", runner.world.owner, request, observed.now, None
            )
            outcomes = runner.carry_out(plan, None, observed, gate)
            done += [outcome for outcome in outcomes if outcome.status is OutcomeStatus.DONE]
            if all(outcome.status is OutcomeStatus.DONE for outcome in outcomes):
                expect_no_usable(runner)
                return tuple(done)
        raise AssertionError("the revocation never got through")

    return work


def moving_on(runner: Passes[Any]) -> Work:
    """Finishes a rename that was cut short, and then renames the client again."""

    def work(gate: Gate) -> tuple[Outcome, ...]:
        outcomes: tuple[Outcome, ...] = ()
        for wanted in (
            desired(client(FAR, renamed_from="payouts")),
            desired(client(NEAR, renamed_from=FAR)),
        ):
            observed = runner.look(gate)
            outcomes += runner.carry_out(
                runner.plan(wanted, observed=observed), wanted, observed, gate
            )
        return outcomes

    return work


@dataclass(frozen=True)
class Pair:
    """Runs that begin at the same moment; afterwards ``after`` is what is declared.

    ``apart``: they are about different clients, so both of them must do everything.
    """

    before: tuple[Desired | timedelta, ...]
    actors: tuple[Actor, ...]
    after: Desired
    live: bool = True
    apart: bool = False
    cut: Desired | None = None  # a run that was to apply this crashed at its second write before

    @property
    def revokes(self) -> bool:
        return revoking in self.actors

    def prepare(self, runner: Passes[Any]) -> None:
        for one in self.before:
            if isinstance(one, timedelta):
                runner.world.pass_time(one)
            else:
                runner.apply(one)
        if self.cut is not None:
            writes = count()
            live = Faulty(
                runner.world,
                lambda request: touch(request).writes and next(writes) == 1,
                crash_before,
            )
            with suppress(Crash):
                runner.apply(self.cut, live)
            assert live.hit is not None

    def start(
        self, make: Callable[[], Passes[Any]], kind: type[Passes[Any]]
    ) -> tuple[Passes[Any], Runs]:
        runner = make()
        # Each run has ids of its own, as if it had been begun by another process.
        own = [kind(runner.world, runs=100 * (number + 1)) for number in range(len(self.actors))]
        works = [actor(one) for actor, one in zip(self.actors, own, strict=True)]
        return runner, Runs(runner.world, works)

    def judge(self, runner: Passes[Any], runs: Runs) -> None:
        judge_secrets(runner.world)
        records = runner.world.records()
        outcomes = [outcome for result in runs.results for outcome in result]
        assert all(outcome.status is not OutcomeStatus.FAILED for outcome in outcomes), outcomes
        if self.apart:
            assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        if self.live and not self.revokes:
            assert all(
                usable(runner.world, record) for record in records.values() if not record.moving_to
            ), "I3"
        if self.revokes:
            self.judge_revocation(runner, runs)
        runner.runs = 1000
        runner.settle(self.after)
        judge_secrets(runner.world)
        if self.revokes:
            self.judge_revocation(runner, runs)

    def judge_revocation(self, runner: Passes[Any], runs: Runs) -> None:
        """A revocation that said that it was done stays so: what the other run was about to make is
        not usable."""
        outcomes = runs.results[self.actors.index(revoking)]
        assert outcomes
        assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        expect_no_usable(runner)


@dataclass
class Stage:
    """Where the orders of one pair are tried, each from the beginning.

    ``make``: the world as both runs find it.
    """

    pair: Pair
    make: Callable[[], Passes[Any]]
    kind: type[Passes[Any]]

    def start(self) -> Runs:
        self.runner, runs = self.pair.start(self.make, self.kind)
        return runs

    def judge(self, runs: Runs) -> None:
        self.pair.judge(self.runner, runs)


def in_memory(pair: Pair) -> Stage:
    prepared = Runner(World())
    pair.prepare(prepared)
    return Stage(pair, lambda: deepcopy(prepared), Runner)


def expect_no_usable(runner: Passes[Any]) -> None:
    """From the moment on in which a revocation says that it is done."""
    for record in merge_revocations(runner.world.records()).values():
        for _, item, series in record.all_series():
            assert not series.in_state(*USABLE), f"{record.name}.{item} can still be used"


def twice(name: str) -> Pair:
    """The same plan, carried out by two processes at the same moment."""
    scenario = SCENARIOS[name]
    actor = applying(scenario.after, rotate=scenario.rotated)
    return Pair(scenario.before, (actor, actor), scenario.after, scenario.live)


TWICE = [
    name
    for name, scenario in SCENARIOS.items()
    if not (
        scenario.revoked
        or scenario.cut
        or "by hand" in name
        or "deleted" in name
        or "edited" in name
    )
]
REVOKED = (desired(HOOKED),)
DUE = (desired(HOOKED), LONG)
PAIRS: dict[str, Pair] = {
    **{f"{name}, twice": twice(name) for name in TWICE},
    "rotate and revoke": Pair(DUE, (applying(desired(HOOKED)), revoking), desired(HOOKED)),
    "rotate two keys and revoke": Pair((desired(TWO), LONG), (applying(desired(TWO)), revoking), desired(TWO)),
    "rotate on request and revoke": Pair(REVOKED, (applying(desired(HOOKED), rotate=True), revoking), desired(HOOKED)),
    "suspend and revoke": Pair(REVOKED, (applying(desired(SUSPENDED)), revoking), desired(SUSPENDED)),
    "move a webhook and revoke": Pair(REVOKED, (applying(desired(MOVED)), revoking), desired(MOVED)),
    "rotate by plan and on request": Pair(
        DUE, (applying(desired(HOOKED)), applying(desired(HOOKED), rotate=True)), desired(HOOKED)
    ),
    "two declarations": Pair(
        (desired(PLAIN),),
        (applying(desired(HOOKED)), applying(desired(client(scopes=["ledger:read", "payouts:write"])))),
        desired(HOOKED),
    ),
    "rotate and suspend": Pair(DUE, (applying(desired(HOOKED)), applying(desired(SUSPENDED))), desired(SUSPENDED)),
    "rotate and remove the webhook": Pair(DUE, (applying(desired(HOOKED)), applying(desired(PLAIN))), desired(PLAIN)),
    "rotate and retire": Pair(
        DUE,
        (applying(desired(HOOKED)), applying(desired(client(webhooks=[webhook()], state="retired")))),
        desired(client(webhooks=[webhook()], state="retired")),
        live=False,
    ),
    "rename and suspend": Pair(
        REVOKED,
        (applying(desired(client(FAR, webhooks=[webhook()], renamed_from="payouts"))), applying(desired(SUSPENDED))),
        desired(client(FAR, webhooks=[webhook()], renamed_from="payouts")),
    ),
    "finish a rename, and rename on": Pair(
        (desired(PLAIN),),
        (applying(desired(client(FAR, renamed_from="payouts"))), moving_on),
        desired(client(NEAR, renamed_from=FAR)),
        cut=desired(client(FAR, renamed_from="payouts")),
    ),
    "rename far and revoke": Pair(
        REVOKED,
        (applying(desired(client(FAR, webhooks=[webhook()], renamed_from="payouts"))), revoking),
        desired(client(FAR, webhooks=[webhook()], renamed_from="payouts")),
    ),
    "rename near and revoke": Pair(
        (desired(PLAIN),),
        (applying(desired(client(NEAR, renamed_from="payouts"))), revoking),
        desired(client(NEAR, renamed_from="payouts")),
    ),
    "rename two ways": Pair(
        (desired(PLAIN),),
        (
            applying(desired(client(FAR, renamed_from="payouts"))),
            applying(desired(client(NEAR, renamed_from="payouts"))),
        ),
        desired(client(NEAR, renamed_from=FAR)),
    ),
    "two clients of one bucket": Pair(
        (), (applying(desired(HOOKED)), applying(desired(client(NEAR)))), desired(HOOKED, client(NEAR)), apart=True
    ),
}  # fmt: skip


def test_every_pair_conflicts_or_is_about_two_clients() -> None:
    assert len(PAIRS) > 30
    assert sum(pair.revokes for pair in PAIRS.values()) >= 5


@pytest.mark.parametrize("name", PAIRS)
def test_every_order_in_memory(name: str, exhaustive: bool, tally: Tally) -> None:
    pair = PAIRS[name]
    stage = in_memory(pair)

    tried = 0
    for runs in every_order(stage.start):
        stage.judge(runs)
        tried += 1
        if tried == ORDERS and not exhaustive:
            for more in some_orders(stage.start, name, ORDERS_BY_CHANCE):
                stage.judge(more)
                tried += 1
            break
    tally("orders of two runs' requests, in memory", tried)


@pytest.mark.parametrize("name", PAIRS)
def test_orders_on_a_real_server(
    name: str, world: RealWorld, exhaustive: bool, tally: Tally
) -> None:
    pair = PAIRS[name]

    def prepared() -> RealRunner:
        world.wipe()
        runner = RealRunner(world)
        pair.prepare(runner)
        return runner

    stage = Stage(pair, prepared, RealRunner)
    count = REAL_ORDERS_ALL if exhaustive else REAL_ORDERS
    for runs in some_orders(stage.start, name, count):
        stage.judge(runs)
    tally("orders of two runs' requests, on a real server", count)


THREE: dict[str, Pair] = {
    "rotate, rotate on request and revoke": Pair(
        DUE, (applying(desired(HOOKED)), applying(desired(HOOKED), rotate=True), revoking), desired(HOOKED)
    ),
    "rotate, suspend and remove the webhook": Pair(
        DUE, (applying(desired(HOOKED)), applying(desired(SUSPENDED)), applying(desired(PLAIN))), desired(PLAIN)
    ),
    "rename, suspend and revoke": Pair(
        REVOKED,
        (
            applying(desired(client(FAR, webhooks=[webhook()], renamed_from="payouts"))),
            applying(desired(SUSPENDED)),
            revoking,
        ),
        desired(client(FAR, webhooks=[webhook()], renamed_from="payouts")),
    ),
    "three clients of one bucket": Pair(
        (),
        (applying(desired(HOOKED)), applying(desired(client(NEAR))), applying(desired(client(NEAREST)))),
        desired(HOOKED, client(NEAR), client(NEAREST)),
        apart=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", THREE)
def test_three_writers(name: str, exhaustive: bool, tally: Tally) -> None:
    pair = THREE[name]
    stage = in_memory(pair)

    count = THREE_ORDERS_ALL if exhaustive else THREE_ORDERS
    for runs in some_orders(stage.start, name, count):
        stage.judge(runs)
    tally("orders of three runs' requests, in memory", count)
