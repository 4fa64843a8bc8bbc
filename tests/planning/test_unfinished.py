"""Unfinished business: what is found of each kind, and that what is said of it comes true."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.live.observed import Lease, Observed, OpenRun
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.planning.guards.unfinished import Books, at_work, find_unfinished
from reconciler.registry.requests import PutSecret, Request, Response
from tests.kit.suite.tally import Tally
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.faults import Crash, Fault, Faulty, crash_after, crash_before
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.scenarios import SCENARIOS

EMPTY = Observed(START, {}, {}, 16)
RUN = OpenRun("20261123t224500z-a", "apply", "Ada", START - timedelta(hours=1), None, "sha256:0")
LEASE = Lease(RUN.run_id, START + timedelta(seconds=20))
SETTLED = {UnfinishedKind.STALE_CLAIM, UnfinishedKind.NOT_DESTROYED, UnfinishedKind.RENAME}


def of_run(run: OpenRun, lease: Lease | None = None) -> list[Unfinished]:
    return list(find_unfinished(replace(EMPTY, open_runs=(run,), lease=lease), Books(), START))


def test_nothing_is_unfinished_in_an_empty_environment() -> None:
    assert find_unfinished(EMPTY, Books(), START) == ()


@pytest.mark.parametrize(
    ("run", "lease", "message"),
    [
        (RUN, None, "apply by Ada was cut short"),
        (RUN, LEASE, "apply by Ada is at work"),
        (replace(RUN, finished_at=START), None, "apply by Ada has ended; its report is not committed"),
        (
            replace(RUN, finished_at=START, interrupted=True), None,
            "apply by Ada was stopped with work left; its report is not committed",
        ),
        (replace(RUN, command="revoke", started_at=START), None, "revoke by Ada is at work"),
        (replace(RUN, command="revoke"), None, "revoke by Ada was cut short"),
    ],
)  # fmt: skip
def test_a_run_that_never_reported(run: OpenRun, lease: Lease | None, message: str) -> None:
    [one] = of_run(run, lease)
    assert (one.kind, one.message, one.run_id) == (UnfinishedKind.OPEN_RUN, message, RUN.run_id)
    assert at_work(run, lease, START) == ("it commits" in one.next)


def test_a_closed_run_is_finished() -> None:
    assert of_run(replace(RUN, closed=True)) == []


def test_reports_are_told_once_for_both_files() -> None:
    folder = "audit/production"
    files = dict.fromkeys(
        (f"{folder}/x.json", f"{folder}/x.md", f"{folder}/{RUN.run_id}.json"), "new"
    )
    found = find_unfinished(replace(EMPTY, open_runs=(RUN,)), Books(files, 1), START)
    reports = [one for one in found if one.kind is UnfinishedKind.REPORT]
    assert [one.path for one in reports] == [
        f"audit/production/{RUN.run_id}.json",
        "audit/production/x.json",
    ]
    assert [one.next for one in reports] == [
        "the next apply commits it if it is what the history says, else it writes it anew",
        "no open run has this report: commit it by hand, or remove it",
    ]  # fmt: skip
    assert [one.kind for one in found][-1] is UnfinishedKind.PUSH


def test_a_claim_is_stale_when_its_run_is_not_at_work() -> None:
    """While the run holds the lease, or has only just begun, it may still write what it claimed."""
    runner = Runner(World())

    class DiesBeforeWriting(Faulty):
        def answer(self, request: Request) -> Response:
            if isinstance(request, PutSecret):
                raise Crash
            return self.world.answer(request)

    with suppress(Crash):
        runner.apply(desired(client()), DiesBeforeWriting(runner.world, -1, crash_before))
    observed = runner.look()
    (version,) = observed.records["payouts"].series[KEY, "primary"].versions
    claims = [one.kind for one in find_unfinished(observed, Books(), observed.now)]
    assert claims == [UnfinishedKind.STALE_CLAIM]
    until = observed.now + timedelta(seconds=20)
    by = {
        "that run": Lease(version.run, until),
        "another": Lease("another", until),
    }
    kinds = {
        name: [
            one.kind
            for one in find_unfinished(replace(observed, lease=lease), Books(), observed.now)
        ]
        for name, lease in by.items()
    }
    assert kinds == {"that run": [], "another": [UnfinishedKind.STALE_CLAIM]}


@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_said_after_a_crash_comes_true(name: str, fault: Fault, tally: Tally) -> None:
    """The plan does something about every piece that is due, and afterwards none of them is
    left."""
    scenario = SCENARIOS[name]
    prepared = scenario.prepared()
    for at in range(60):
        runner = deepcopy(prepared)
        live = Faulty(runner.world, at, fault)
        with suppress(Crash):
            scenario.act(runner, live)
        if live.hit is None:
            tally("crashes whose unfinished business was told", at)
            return
        observed = runner.look()
        plan = runner.plan(scenario.after, observed=observed)
        for one in find_unfinished(observed, Books(), observed.now, plan.actions):
            assert one.kind not in SETTLED or "leaves" not in one.next, (live.hit, one)
        runner.settle(scenario.after)
        observed = runner.look()
        left = find_unfinished(observed, Books(), observed.now, ())
        assert not [one for one in left if one.kind in SETTLED or "leaves" in one.next], live.hit
    pytest.fail(f"{name} never ends")
