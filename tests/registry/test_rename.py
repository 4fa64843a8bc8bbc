"""A rename moves the record and nothing else, whatever happens at the same time."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace

import pytest

from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds import credentials
from reconciler.domain.live import transitions
from reconciler.domain.live.record import ClientRecord, ClientStatus, VersionState
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.plan.plan import OutcomeStatus
from reconciler.domain.values.names import bucket_of
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.registry.protocol.rename import arrive
from reconciler.registry.requests import Request, Response
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.faults import Crash, Fault, Faulty, crash_after, crash_before
from tests.kit.worlds.judge import judge_secrets, usable
from tests.kit.worlds.memory import BUCKETS, START, World
from tests.kit.worlds.runner import Runner

OLD = client(webhooks=[webhook()])
NEAR, FAR = "payouts-27", "payouts-2"
ENOUGH = 40


def prepared() -> Runner:
    runner = Runner(World())
    runner.settle(desired(OLD))
    return runner


def target(name: str) -> Desired:
    return desired(client(name, webhooks=[webhook()], renamed_from="payouts"))


def test_near_and_far() -> None:
    assert bucket_of("payouts", BUCKETS) == bucket_of(NEAR, BUCKETS) != bucket_of(FAR, BUCKETS)


@pytest.mark.parametrize("name", [NEAR, FAR])
def test_nothing_but_the_name_changes(name: str) -> None:
    runner = prepared()
    before = deepcopy(runner.world.secrets)
    (old,) = runner.world.records().values()
    runner.settle(target(name))
    (new,) = runner.world.records().values()
    assert (new.name, new.storage_name, new.status) == (name, "payouts", ClientStatus.ACTIVE)
    assert (new.series, new.webhooks, new.moving_to) == (old.series, old.webhooks, None)
    assert new.events[: len(old.events)] == old.events
    assert [event.reason for event in new.events[len(old.events) :]] == ["Renamed"]
    assert runner.world.secrets == before


@pytest.mark.parametrize("name", [NEAR, FAR])
@pytest.mark.parametrize("whom", ["payouts", "new"])
def test_a_revocation_at_any_moment_is_never_lost(name: str, whom: str) -> None:
    """Somebody revokes everything, under the name that has a record then, before each request of
    the rename."""
    start = prepared()
    for at in range(ENOUGH):
        runner = deepcopy(start)
        asked = [False]

        def revoked(
            world: World, request: Request, runner: Runner = runner, asked: list[bool] = asked
        ) -> Response:
            present = world.records()
            client_name = "payouts" if whom == "payouts" else name
            if client_name in present:
                asked[0] = True
                other = Runner(world, runs=500)
                other.revoke(RevocationRequest(client_name, None, "compromise"))
            return world.answer(request)

        live = Faulty(runner.world, at, revoked)
        runner.apply(target(name), live)
        if live.hit is None:
            assert at > 4
            return
        runner.apply(target(name))
        runner.expect_quiet(target(name))
        (record,) = runner.world.records().values()
        assert record.name == name
        if asked[0]:
            states = {
                version.state for _, _, series in record.all_series() for version in series.versions
            }
            assert states == {VersionState.REVOKED}, f"revocation lost before {live.hit}"
            assert all(series.hold for _, _, series in record.all_series())
    pytest.fail("it never ends")


@pytest.mark.parametrize("name", [NEAR, FAR])
@pytest.mark.parametrize("fault", [crash_before, crash_after])
def test_a_rename_that_was_cut_short_may_be_taken_back(name: str, fault: Fault) -> None:
    """The declaration goes back to the old name: no key is revoked, wherever the first run died."""
    start = prepared()
    secrets = deepcopy(start.world.secrets)
    for at in range(ENOUGH):
        runner = deepcopy(start)
        live = Faulty(runner.world, at, fault)
        with suppress(Crash):
            runner.apply(target(name), live)
        if live.hit is None:
            assert at > 4
            return
        if set(runner.world.records()) == {name}:
            continue  # it is renamed: going back is another rename
        runner.settle(desired(OLD))
        (record,) = runner.world.records().values()
        assert (record.name, record.moving_to, record.status) == (
            "payouts",
            None,
            ClientStatus.ACTIVE,
        )
        assert runner.world.secrets == secrets
    pytest.fail("it never ends")


@pytest.mark.parametrize("name", [NEAR, FAR])
def test_taking_back_may_be_cut_short_as_well(name: str) -> None:
    start = prepared()
    secrets = deepcopy(start.world.secrets)
    for first in range(ENOUGH):
        begun = deepcopy(start)
        live = Faulty(begun.world, first, crash_before)
        with suppress(Crash):
            begun.apply(target(name), live)
        if live.hit is None:
            return
        if set(begun.world.records()) == {name}:
            continue
        for second in range(ENOUGH):
            runner = deepcopy(begun)
            live = Faulty(runner.world, second, crash_before)
            with suppress(Crash):
                runner.apply(desired(OLD), live)
            runner.settle(desired(OLD))
            assert set(runner.world.records()) == {"payouts"}
            assert runner.world.secrets == secrets
            if live.hit is None:
                break


@pytest.mark.parametrize("third", [NEAR, FAR])
def test_a_rename_that_was_cut_short_and_then_goes_elsewhere(third: str) -> None:
    """Two runs and the keys are where they were; none is revoked."""
    start = prepared()
    secrets = deepcopy(start.world.secrets)
    for at in range(ENOUGH):
        runner = deepcopy(start)
        live = Faulty(runner.world, at, crash_before)
        with suppress(Crash):
            runner.apply(target("first-choice"), live)
        if live.hit is None:
            return
        if set(runner.world.records()) == {"first-choice"}:
            continue
        runner.apply(target(third))
        names = set(runner.world.records())
        if names == {
            "first-choice"
        }:  # finished first; the declaration now has to say what it is renamed from
            runner.apply(desired(client(third, webhooks=[webhook()], renamed_from="first-choice")))
            names = set(runner.world.records())
        assert names == {third}
        assert runner.world.secrets == secrets
        judge_secrets(runner.world)


@pytest.mark.parametrize("name", [NEAR, FAR])
def test_an_apply_to_the_old_name_at_any_moment(name: str) -> None:
    """A run that was planned before the rename goes on: what it commits is not lost, and no key
    is."""
    start = prepared()
    widened = desired(client(webhooks=[webhook()], scopes=("ledger:read", "payouts:write")))
    observed = start.look()
    plan = start.plan(widened, observed=observed)
    for at in range(ENOUGH):
        runner = deepcopy(start)

        def applied(world: World, request: Request) -> Response:
            Runner(world, runs=700).carry_out(plan, widened, observed)
            return world.answer(request)

        live = Faulty(runner.world, at, applied)
        runner.apply(target(name), live)
        if live.hit is None:
            return
        runner.apply(target(name))
        runner.expect_quiet(target(name))
        (record,) = runner.world.records().values()
        assert usable(runner.world, record) == 1
        judge_secrets(runner.world)


def test_the_name_of_another_project_is_not_taken() -> None:
    """Not even when it was registered after the plan was made."""
    runner = prepared()
    observed = runner.look()
    plan = runner.plan(target(FAR), observed=observed)
    theirs = Runner(World(owner="another-project"))
    theirs.world.documents = runner.world.documents
    theirs.settle(desired(client(FAR)))
    outcomes = runner.carry_out(plan, target(FAR), observed)
    assert {outcome.status for outcome in outcomes} == {OutcomeStatus.SKIPPED}
    assert theirs.world.records()[FAR].owner == "another-project"
    assert runner.world.records()["payouts"].status is ClientStatus.ACTIVE
    findings = runner.plan(target(FAR)).findings
    assert [finding.code for finding in findings if finding.level == "error"] == ["RC301"]


def pair(op: str) -> tuple[ClientRecord, ClientRecord]:
    """The old record, and the new one that an earlier pass of the rename wrote; ``op`` is its
    latest commit."""
    (old,) = prepared().world.records().values()
    return replace(old, moving_to=FAR), replace(old, name=FAR, revision=old.revision + 1, op=op)


def end_all(record: ClientRecord) -> ClientRecord:
    series = transitions.hold(
        transitions.revoke_version(record.series[credentials.KEY, "primary"], 1, START),
        "compromise",
        None,
        START,
    )
    return replace(
        record, series={(credentials.KEY, "primary"): series}, revision=record.revision + 1
    )


def test_a_new_record_that_nobody_touched_follows_the_old_one() -> None:
    """All that was committed to the old name meanwhile, not only revocations."""
    old, new = pair("run.moved0")
    assert arrive(new, old, FAR, START) == new
    later = replace(old, status=ClientStatus.SUSPENDED, seq=old.seq + 1, revision=old.revision + 1)
    found = arrive(new, later, FAR, START)
    assert (found.name, found.moving_to, found.status, found.seq) == (
        FAR,
        None,
        ClientStatus.SUSPENDED,
        old.seq + 1,
    )
    assert found.revision == new.revision


def test_a_new_record_that_somebody_changed_stays_but_for_what_was_revoked() -> None:
    old, new = pair("other.claim")
    kept = replace(new, status=ClientStatus.SUSPENDED)
    assert arrive(kept, old, FAR, START) == kept
    found = arrive(kept, end_all(old), FAR, START)
    assert found.status is ClientStatus.SUSPENDED
    assert [version.state for version in found.series[credentials.KEY, "primary"].versions] == [
        VersionState.REVOKED
    ]
    assert found.series[credentials.KEY, "primary"].hold is not None
    assert arrive(end_all(kept), old, FAR, START) == end_all(kept), (
        "what is revoked there stays revoked"
    )


@pytest.mark.parametrize("op", ["run.moved0", "other.claim"])
def test_a_name_with_secrets_of_its_own_is_taken(op: str) -> None:
    old, new = pair(op)
    with pytest.raises(TransitionError, match="taken"):
        arrive(replace(new, storage_name=FAR), old, FAR, START)
