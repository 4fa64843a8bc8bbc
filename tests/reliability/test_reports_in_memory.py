"""What a run says of itself, and what another one folds from its history and run document, are the
same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest

from reconciler.domain.live.observed import OpenRun
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.engine.runs.history import find_unrecorded, fold_run, sort_outcomes
from reconciler.registry.codec.run_codec import MAX_UNRECORDED, decode_run, fit_outcomes
from reconciler.registry.protocol.documents import finish_run, open_run
from reconciler.report.run.report import outcome_document
from tests.kit.suite.tally import Tally
from tests.kit.worlds import faults
from tests.kit.worlds.faults import Crash, Fault, Faulty
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner, drive
from tests.kit.worlds.scenarios import SCENARIOS

SURVIVED: dict[str, Fault] = {
    "response lost": faults.response_lost,
    "request lost": faults.request_lost,
    "duplicated": faults.duplicated,
    "overwritten": faults.overwritten,
}


def shown(outcomes: tuple[Outcome, ...]) -> list[Any]:
    return [outcome_document(outcome) for outcome in outcomes]


def told_by_another(
    run_id: str, outcomes: tuple[Outcome, ...], records: Mapping[str, ClientRecord]
) -> list[Any]:
    """What somebody who has only the registry makes of the run."""
    world = World()
    drive(world, open_run(OpenRun(run_id, "apply", "Ada", START, None, "sha256:0")))
    rest = find_unrecorded(run_id, outcomes, records)
    drive(world, finish_run(run_id, START, rest, interrupted=False))
    entry = world.documents[f"runs/{run_id}"]
    run = decode_run(entry.versions[entry.current]["doc"])
    assert run.omitted == 0
    return shown(fold_run(run, records))


@pytest.mark.parametrize("name", SCENARIOS)
def test_of_an_undisturbed_run_history_tells_everything(name: str) -> None:
    scenario = SCENARIOS[name]
    runner = scenario.prepared()
    outcomes = sort_outcomes(scenario.act(runner))
    assert outcomes
    records = runner.world.records()
    run = OpenRun(Runner.run_id(runner.runs), "apply", "Ada", START, None, "", finished_at=START)
    assert shown(fold_run(run, records)) == shown(outcomes)
    assert told_by_another(run.run_id, outcomes, records) == shown(outcomes)


@pytest.mark.parametrize("fault", SURVIVED)
@pytest.mark.parametrize("name", SCENARIOS)
def test_of_a_disturbed_run_history_and_its_document_tell_everything(
    name: str, fault: str, tally: Tally
) -> None:
    scenario = SCENARIOS[name]
    prepared = scenario.prepared()
    for at in range(60):
        runner = deepcopy(prepared)
        live = Faulty(runner.world, at, SURVIVED[fault])
        with suppress(Crash):
            outcomes = sort_outcomes(scenario.act(runner, live))
            told = told_by_another(Runner.run_id(runner.runs), outcomes, runner.world.records())
            assert told == shown(outcomes), f"after {live.hit}"
        if live.hit is None:
            tally("reports of runs with a fault, told by another", at)
            return
    pytest.fail(f"{name} never ends")


def test_a_run_document_holds_what_fits_and_counts_the_rest() -> None:
    scenario = SCENARIOS["register, issue, prove, activate"]
    runner = scenario.prepared()
    [*_, last] = scenario.act(runner)
    skipped = Outcome(last.action, OutcomeStatus.SKIPPED, "x" * 10_000)
    failed = Outcome(last.action, OutcomeStatus.FAILED, "y")
    world = World()
    drive(world, open_run(OpenRun("r", "apply", "Ada", START, None, "")))
    drive(world, finish_run("r", START, [skipped] * 10_000 + [failed], interrupted=True))
    entry = world.documents["runs/r"]
    text = entry.versions[entry.current]["doc"]
    run = decode_run(text)
    assert len(text.encode()) < 2 * MAX_UNRECORDED
    assert run.unrecorded[0].status is OutcomeStatus.FAILED
    assert len(run.unrecorded) + run.omitted == 10_001
    assert run.omitted > 0
    assert fit_outcomes([failed]) == (failed,)
