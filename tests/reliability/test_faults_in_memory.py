"""Every fault at every request of every scenario: nothing is lost, one re-run converges, the next
writes nothing.

Against dictionaries, so that it takes seconds; the same is proven against a real server elsewhere.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy

import pytest

from reconciler.domain.plan.plan import OutcomeStatus
from tests.kit.suite.tally import Tally
from tests.kit.worlds import faults
from tests.kit.worlds.faults import Crash, Fault, Faulty
from tests.kit.worlds.judge import outline
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.scenarios import SCENARIOS, Scenario

FAULTS: dict[str, Fault] = {
    "crash before": faults.crash_before,
    "crash after": faults.crash_after,
    "response lost": faults.response_lost,
    "request lost": faults.request_lost,
    "duplicated": faults.duplicated,
    "noise": faults.noise,
    "overwritten": faults.overwritten,
}
MOST_REQUESTS = 60
SAMPLE_OF_PAIRS = 5  # CI takes every fifth pair of crashes, so each request of both runs


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_request(name: str, fault: str, tally: Tally) -> None:
    scenario = SCENARIOS[name]
    prepared = scenario.prepared()
    undisturbed = deepcopy(prepared)
    scenario.act(undisturbed)
    for at in range(MOST_REQUESTS):
        runner = deepcopy(prepared)
        live = Faulty(runner.world, at, FAULTS[fault])
        with suppress(Crash):
            scenario.act(runner, live)
        if live.hit is None:
            assert at >= 2
            tally("faults, each at one request, in memory", at)
            return
        scenario.judge(runner)
        scenario.converge(runner)
        if not scenario.rotated:  # what a person asked for is asked for again, or not
            assert outline(runner.world) == outline(undisturbed.world), (
                f"it ends elsewhere after {live.hit}"
            )
    pytest.fail(f"{name} never ends")


@pytest.mark.parametrize("first", ["crash before", "crash after"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recovery_crashes_too(name: str, first: str, exhaustive: bool, tally: Tally) -> None:
    """The run crashes at one request, the run that mends it at another."""
    scenario = SCENARIOS[name]
    prepared = scenario.prepared()
    undisturbed = deepcopy(prepared)
    scenario.act(undisturbed)
    end, tried, step = outline(undisturbed.world), 0, 1 if exhaustive else SAMPLE_OF_PAIRS
    for at in range(MOST_REQUESTS):
        crashed = deepcopy(prepared)
        if not crashes(scenario, crashed, at, FAULTS[first]):
            break
        for second in range(at % step, MOST_REQUESTS, step):
            runner = deepcopy(crashed)
            if not crashes(scenario, runner, second, faults.crash_after):
                break
            tried += 1
            scenario.judge(runner)
            scenario.converge(runner)
            if not scenario.rotated:
                assert outline(runner.world) == end, (
                    f"it ends elsewhere after crashes at requests {at} and {second}"
                )
    assert tried
    tally("double crashes in memory", tried)


def crashes(scenario: Scenario, runner: Runner, at: int, fault: Fault) -> bool:
    """Whether the run got as far as the request ``at``, and so met ``fault``."""
    live = Faulty(runner.world, at, fault)
    with suppress(Crash):
        scenario.act(runner, live)
    return live.hit is not None


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_a_fault(name: str) -> None:
    """One run does it all: every outcome is done and the next plan is empty."""
    scenario = SCENARIOS[name]
    runner = scenario.prepared()
    outcomes = scenario.act(runner)
    assert outcomes
    assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
    runner.expect_quiet(scenario.after)
    scenario.judge(runner)
