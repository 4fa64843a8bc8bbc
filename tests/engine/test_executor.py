"""A plan is carried out: what becomes of each action, in which order, and who stops whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Stage
from reconciler.domain.plan.shard import Shard
from reconciler.domain.values.names import bucket_names, bucket_of
from reconciler.engine import executor
from reconciler.engine.drive import Driver, ServerClock
from reconciler.registry.protocol.work import Run
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.memory import BUCKETS, Entry, World
from tests.kit.worlds.runner import Runner, inline_buckets, inline_lanes

A, B = client("a"), client("b")
DONE, FAILED, SKIPPED = OutcomeStatus.DONE, OutcomeStatus.FAILED, OutcomeStatus.SKIPPED


@dataclass
class Disturbed(Runner):
    """``wanted`` is planned, something happens, and the plan is carried out. ``stops_at``: how
    often the run may ask whether to stop before it is told so."""

    wanted: tuple[DesiredClient, ...] = ()
    stops_at: int | None = None
    asked: int = 0
    told: list[Outcome] = field(default_factory=list)

    def carry_out_after(
        self, happens: Callable[[], object] = list, *, stops_at: int | None = None
    ) -> list[Outcome]:
        wanted = desired(*self.wanted)
        observed = self.look()
        plan = self.plan(wanted, observed=observed)
        happens()
        self.stops_at = stops_at
        run = replace(self.new_run(observed), report=self.told.append, stopping=self._stopping)
        driver = Driver(
            self.world, self.world, self.world, ServerClock(self.world.at), inline_lanes()
        )
        with inline_buckets:
            outcomes = executor.execute(plan, wanted.clients, driver, run, BUCKETS)
        assert [one.action for one in outcomes] == list(plan.changes), "one each, in plan order"
        assert sorted(map(id, self.told)) == sorted(map(id, outcomes)), "each is reported once"
        return list(outcomes)

    def _stopping(self) -> bool:
        self.asked += 1
        return self.stops_at is not None and self.asked > self.stops_at


def runner(*wanted: DesiredClient) -> Disturbed:
    return Disturbed(World(), wanted=wanted)


def of(name: str, outcomes: list[Outcome]) -> set[OutcomeStatus]:
    return {one.status for one in outcomes if one.action.client == name}


def test_a_bucket_that_cannot_be_read_stops_its_own_clients_only() -> None:
    assert bucket_of("a", BUCKETS) != bucket_of("b", BUCKETS)
    run = runner(A, B)

    def garble() -> None:
        entry = run.world.documents.setdefault(f"buckets/{bucket_of('a', BUCKETS)}", Entry())
        entry.put({"doc": "{"}, entry.current)

    outcomes = run.carry_out_after(garble)
    assert of("a", outcomes) == {FAILED}
    assert of("b", outcomes) == {DONE}
    problems = [one.problem for one in outcomes if one.action.client == "a"]
    assert all(problem is not None and problem.code.startswith("RC4") for problem in problems)


def test_a_client_that_changed_since_the_plan_is_left_alone_and_the_others_are_not() -> None:
    run = runner(client("a", scopes=("x:read",)), client("b", scopes=("x:read",)))
    run.settle(desired(A, B))
    changed = client("a", scopes=("y:read",))
    outcomes = run.carry_out_after(lambda: Runner(run.world, 50).apply(desired(changed, B)))
    assert of("a", outcomes) == {SKIPPED}
    assert of("b", outcomes) == {DONE}
    assert run.world.records()["a"].spec["scopes"] == ["y:read"]


def test_a_run_that_is_stopped_before_it_begins_writes_nothing() -> None:
    run = runner(A, B)
    outcomes = run.carry_out_after(stops_at=0)
    assert {(one.status, one.reached) for one in outcomes} == {(SKIPPED, Stage.NOT_BEGUN)}
    assert (run.world.documents, run.world.secrets) == ({}, {})


@pytest.mark.parametrize("stops_at", range(1, 12))
def test_a_run_that_is_stopped_anywhere_leaves_what_the_next_one_completes(stops_at: int) -> None:
    run = runner(A, B)
    outcomes = run.carry_out_after(stops_at=stops_at)
    assert {one.status for one in outcomes} <= {DONE, SKIPPED}
    record = run.world.records()
    for name in ("a", "b"):
        if of(name, outcomes) == {DONE}:
            assert record[name].series[credentials.KEY, "primary"].active is not None
    run.settle(desired(A, B))


def test_a_rename_comes_before_what_is_done_under_the_new_name() -> None:
    run = runner(client("z", renamed_from="a", scopes=("x:read",)))
    run.settle(desired(A))
    outcomes = run.carry_out_after()
    assert {one.status for one in outcomes} == {DONE}
    records = run.world.records()
    assert set(records) == {"z"}
    assert records["z"].spec["scopes"] == ["x:read"]
    assert records["z"].storage_name == "a", "its secrets stay where they are"


def test_after_a_rename_that_failed_nothing_else_is_done_to_the_client() -> None:
    """What follows would be done to another client."""
    run = runner(client("z", renamed_from="a", scopes=("x:read",)), client("b", scopes=("x:read",)))
    run.settle(desired(A, B))
    outcomes = run.carry_out_after(
        lambda: Runner(run.world, 50).apply(desired(A, B, client("z", scopes=("y:read",))))
    )
    assert of("z", outcomes) == {SKIPPED}
    assert of("b", outcomes) == {DONE}
    records = run.world.records()
    assert set(records) == {"a", "b", "z"}
    assert records["z"].spec["scopes"] == ["y:read"]
    Runner(run.world, 90).settle(desired(A, B, client("z", scopes=("y:read",))))
    assert run.world.records()["a"].moving_to is None, "the next run takes the rename back"
    kinds = [one.action.kind for one in outcomes if one.action.client == "z"]
    assert ActionKind.UPDATE_CLIENT in kinds


@pytest.mark.parametrize("count", [1, 2, 3, 5, BUCKETS])
def test_every_bucket_is_in_one_shard(count: int) -> None:
    shards = [Shard(index, count) for index in range(1, count + 1)]
    for bucket in bucket_names(BUCKETS):
        assert sum(shard.holds(bucket, BUCKETS) for shard in shards) == 1
    assert all(any(shard.holds(one, BUCKETS) for one in bucket_names(BUCKETS)) for shard in shards)


def test_a_run_shares_what_it_was_given() -> None:
    """Without words of its own it reports to nobody and is never stopped."""
    run = Run("run-1", "owner")
    assert not run.stopping()
    assert run.seen("keys/a.primary") is None
