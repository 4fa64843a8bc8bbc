"""When a run began and ended, by the servers' clocks, which differ: a standby's may be ahead of the
active node's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.folder import FolderLedger
from reconciler.app.reports import SearchedReports
from reconciler.engine.apply import Options, run_plan
from reconciler.engine.engine import Engine
from reconciler.planning.actions.inputs import Question, pair_up
from reconciler.planning.planner import make_plan
from reconciler.registry.requests import Request, Response
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.memory import BUCKETS, World

AHEAD = timedelta(minutes=1)


class TwoNodes(World):
    """Looks are answered by a node whose clock is ahead, writes and single reads by another one."""

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        answers: list[Any] = super().answer_all(requests)
        return [replace(one, at=one.at + AHEAD) for one in answers]


def test_a_run_never_ends_before_the_look_that_it_began_with(tmp_path: Path) -> None:
    world = TwoNodes()
    world.begin_log()
    declared = desired(client("partner"))
    engine = Engine(
        project=declared.project,
        environment=declared.environment,
        buckets=BUCKETS,
        live=world,
        minter=world,
        sender=world,
        ledger=FolderLedger(GitCommand(tmp_path)),
        reporter=SearchedReports("audit"),
    )
    question = Question(declared, applying=True)
    world.at += timedelta(minutes=5)
    observed = replace(
        engine.look(declared), now=world.at
    )  # the plan was made by the other node's time
    inputs = engine.inputs(question, observed, pair_up(declared, observed))
    result, problem = run_plan(engine, inputs, make_plan(inputs), Options(commit=False))
    assert problem is None
    assert {outcome.status for outcome in result.outcomes} == {"done"}
    assert result.started_at == world.at + AHEAD
    assert result.finished_at >= result.started_at
