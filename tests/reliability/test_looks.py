"""A look beside a run, request by request: it finds nothing that is not so when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed, OpenRun
from reconciler.domain.plan.unfinished import UnfinishedKind
from reconciler.domain.values.names import bucket_of
from reconciler.engine.engine import list_names_on_record
from reconciler.engine.look.observe import observe
from reconciler.planning.actions.reasons import RotationRequest
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.guards.unfinished import Books, find_unfinished
from reconciler.registry.protocol.documents import close_run, open_run, release_lease, take_lease
from tests.kit.suite.tally import Tally
from tests.kit.worlds.interleave import Gate, Runs, Work
from tests.kit.worlds.memory import BUCKETS
from tests.kit.worlds.runner import Passes, Runner, drive
from tests.kit.worlds.scenarios import FAR, HOOKED, NEAR, SCENARIOS, Scenario

# Orders that CI takes of each turn: by chance among those where the run is disturbed once, and
# among all.
ONCE, ANYHOW = 30, 15
LEASE = timedelta(minutes=1)
# What a look says of what it cannot confirm is none of these.
JUDGED = (
    "RC301",
    "RC302",
    "RC303",
    "RC305",
    "RC306",
    "RC351",
    "RC352",
    "RC353",
    "RC354",
    "RC356",
    "RC357",
    "RC359",
)


def turn(scenario: Scenario, runner: Passes[Any]) -> Work:
    """The run of a scenario as the engine makes it: with a lease, and on record as long as it is at
    work."""
    observed = runner.look()
    rotations = (
        {HOOKED.name: RotationRequest(HOOKED.name, None, "a person asked")}
        if scenario.rotated
        else {}
    )
    if scenario.revoked:
        owner, command = runner.world.owner, "revoke"
        plan = revocation_plan(observed, "production", owner, scenario.revoked, observed.now, None)
    else:
        command = "apply"
        plan = runner.plan(scenario.after, observed=observed, rotations=rotations)
    assert plan.changes
    own = runner.run_id(runner.runs + 1)

    def work(gate: Gate) -> None:
        if not scenario.revoked:
            assert drive(gate, take_lease(own, LEASE)).holder == own
        drive(gate, open_run(OpenRun(own, command, "ann", observed.now, None, plan.digest)))
        runner.carry_out(plan, None if scenario.revoked else scenario.after, observed, gate)
        drive(gate, close_run(own))
        drive(gate, release_lease(own))

    return work


def told(observed: Observed, runner: Passes[Any], declared: Desired) -> frozenset[str]:
    """What a person reads of foreign, missing, drifted and left behind."""
    plan = runner.plan(declared, observed=observed)
    found = {
        f"{one.code} {one.address} {one.message}" for one in plan.findings if one.code in JUDGED
    }
    found |= {
        f"missing: {one.address}" for one in plan.changes if one.kind is ActionKind.REGISTER_CLIENT
    }
    rest = find_unfinished(observed, Books(), observed.now)
    return frozenset(
        found | {f"stale: {one.message}" for one in rest if one.kind is UnfinishedKind.STALE_CLAIM}
    )


@dataclass
class Stage:
    """One turn, tried from its beginning again and again. ``truths``: what a quiet look tells
    before each of its requests, and after the last one."""

    scenario: Scenario
    prepared: Runner
    truths: list[frozenset[str]]
    length: int

    @classmethod
    def of(cls, scenario: Scenario) -> Stage:
        stage = cls(scenario, scenario.prepared(), [], 0)
        runner, runs = stage._begin([])
        stage.truths.append(told(runner.look(), runner, scenario.after))
        while runs.waiting:
            runs.step(0)
            stage.truths.append(told(runner.look(), runner, scenario.after))
        stage.length = stage._length_of_a_look()
        return stage

    def _begin(self, works: list[Any]) -> tuple[Runner, Runs]:
        runner = deepcopy(self.prepared)
        names = ("payouts", "other", NEAR, FAR)
        apart = sorted({f"buckets/{bucket_of(name, BUCKETS)}" for name in names})
        everybody = [turn(self.scenario, runner), *(work(runner) for work in works)]
        return runner, Runs(runner.world, everybody, apart)

    def _length_of_a_look(self) -> int:
        _, runs = self.start()
        steps = 0
        while 1 in runs.waiting:
            runs.step(1)
            steps += 1
        runs.finish()
        return steps

    def start(self) -> tuple[Runner, Runs]:
        """The turn is run 0, the look run 1."""
        sought = list_names_on_record(self.scenario.after)
        return self._begin(
            [lambda runner: lambda gate: observe(gate, runner.world.owner, BUCKETS, sought=sought)]
        )

    def once(self) -> Iterator[tuple[int, int]]:
        """Every way to let the whole rest of the turn happen in the midst of a look."""
        yield from (
            (begun, looked) for begun in range(len(self.truths)) for looked in range(1, self.length)
        )

    def disturbed(self, begun: int, looked: int) -> None:
        """A look that begins after ``begun`` requests of the turn, and meets the rest of it after
        ``looked`` of its own."""
        order = [0] * begun + [1] * looked + [0] * len(self.truths)
        self.judge(iter(order), f"{begun} requests of the run, {looked} of the look")

    def anyhow(self, seed: str, count: int) -> None:
        for number in range(count):
            random = Random(f"{seed} {number}")
            self.judge((random.randrange(2) for _ in range(100)), f"order {number}")

    def judge(self, order: Iterator[int], how: str) -> None:
        """``order``: whose turn it is; the look comes to its end first. What it found must be so
        when it read the registry for the last time, which begins with ``meta``, or later."""
        runner, runs = self.start()
        done = confirmed = 0
        while 1 in runs.waiting:
            chosen = next(order, 1)
            if chosen not in runs.waiting:
                continue
            confirmed = done if chosen == 1 and runs.waiting[1].what == "meta" else confirmed
            done += chosen == 0
            runs.step(chosen)
        runs.finish()
        truth = frozenset[str]().union(*self.truths[confirmed : done + 1])
        false = told(runs.results[1], runner, self.scenario.after) - truth
        assert not false, f"{how}: {sorted(false)}, and the truth is {sorted(truth)}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_look_beside_a_turn_finds_nothing_that_is_not_so(
    name: str, exhaustive: bool, tally: Tally
) -> None:
    stage = Stage.of(SCENARIOS[name])
    orders = list(stage.once())
    orders = orders if exhaustive else Random(name).sample(orders, min(ONCE, len(orders)))
    for begun, looked in orders:
        stage.disturbed(begun, looked)
    stage.anyhow(name, ANYHOW)
    tally("looks beside a run", len(orders) + ANYHOW)
