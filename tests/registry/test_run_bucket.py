"""The stages of a run against what others did before it or do meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import Raw

from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed, SecretInfo
from reconciler.domain.live.record import ClientRecord, ClientStatus, VersionState
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Stage
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultUnavailable
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest
from reconciler.registry.codec.record_codec import encode_record
from reconciler.registry.protocol.changes import claim_version, commit_version, number_claim
from reconciler.registry.protocol.work import Claim, ClientRun, ClientWork, Run
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    Done,
    PutSecret,
    ReadDocument,
    Request,
    Response,
    WriteDocument,
)
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.faults import Crash, Faulty, crash_before
from tests.kit.worlds.judge import judge_secrets, usable
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

DECLARED = desired(client(webhooks=[webhook()]))
KEY = "keys/payouts.primary"


def issued() -> Runner:
    runner = Runner(World())
    runner.settle(DECLARED)
    return runner


def states(runner: Runner) -> list[VersionState]:
    return [
        version.state
        for version in runner.world.records()["payouts"].series[credentials.KEY, "primary"].versions
    ]


def statuses(outcomes: tuple[Outcome, ...]) -> set[OutcomeStatus]:
    return {outcome.status for outcome in outcomes}


def test_a_client_that_changed_since_it_was_planned_is_left_alone() -> None:
    """A rotation that was planned before somebody revoked the client brings no key back."""
    runner = issued()
    runner.world.at += timedelta(days=65)
    observed = runner.look()
    plan = runner.plan(DECLARED, observed=observed)
    runner.revoke(RevocationRequest("payouts", None, "compromise"))
    writes = runner.world.writes
    outcomes = runner.carry_out(plan, DECLARED, observed)
    assert statuses(outcomes) == {OutcomeStatus.SKIPPED}
    assert all("changed since it was planned" in outcome.message for outcome in outcomes)
    assert runner.world.writes == writes
    assert states(runner) == [VersionState.REVOKED]


class Counting(Faulty):
    """Counts what is asked of buckets; counts what was encoded, too."""

    def __init__(self, world: World) -> None:
        super().__init__(world, -1, crash_before)
        self.reads: Counter[str] = Counter()
        self.commits: Counter[str] = Counter()

    def answer(self, request: Request) -> Response:
        if isinstance(request, ReadDocument):
            self.reads[request.name] += 1
        if isinstance(request, WriteDocument):
            self.commits[request.name] += 1
        return super().answer(request)


NAMES = [f"client-{number}" for number in range(60)]  # several in most of the sixteen buckets


@pytest.mark.parametrize(
    ("hooked", "commits"), [(False, 2), (True, 3)], ids=["keys", "keys and webhooks"]
)
def test_a_bucket_is_written_twice_whatever_number_of_its_clients_get_keys(
    hooked: bool, commits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim and the commit, and once more for what its webhooks proved. Each record is encoded
    once for each of these, and what they do not change is not encoded at all."""
    encoded: Counter[str] = Counter()

    def count(record: ClientRecord) -> Raw:
        encoded[record.name] += 1
        return encode_record(record)

    monkeypatch.setattr("reconciler.registry.protocol.bucket.encode_record", count)
    hooks = [webhook()] if hooked else []
    runner = Runner(World())
    runner.settle(desired(*(client(name) for name in NAMES[:30])))
    encoded.clear()
    declared = desired(
        *(client(name) for name in NAMES[:30]),
        *(client(name, webhooks=hooks) for name in NAMES[30:]),
    )
    live = Counting(runner.world)
    assert statuses(runner.apply(declared, live)) == {OutcomeStatus.DONE}
    assert set(live.commits.values()) == {commits}
    assert live.reads == Counter(live.commits.keys()), "read once, before the first commit"
    assert encoded == Counter(dict.fromkeys(NAMES[30:], commits))


class Taken(Faulty):
    """Somebody else always writes the secret first."""

    def answer(self, request: Request) -> Response:
        if isinstance(request, PutSecret) and request.path.startswith("keys/"):
            self.world.put_by_hand(request.path)
        return self.world.answer(request)


def test_no_old_version_is_ended_without_its_successor() -> None:
    """I3: the new version cannot be written, so the one that would end at once stays."""
    runner = Runner(World())
    declared = desired(client(keys={"primary": lifecycle("90d", "30d", "0s")}))
    runner.settle(declared)
    runner.world.at += timedelta(days=65)
    outcomes = runner.apply(declared, Taken(runner.world, -1, crash_before))
    assert OutcomeStatus.DONE not in statuses(outcomes)
    assert {outcome.action.kind for outcome in outcomes} == {
        ActionKind.ROTATE_KEY,
        ActionKind.REVOKE_KEY,
    }
    assert states(runner) == [VersionState.ACTIVE, VersionState.PENDING]
    assert usable(runner.world, runner.world.records()["payouts"]) == 1
    runner.settle(declared)
    judge_secrets(runner.world)


def test_a_claim_is_the_same_however_often_a_commit_repeats_it() -> None:
    runner = issued()
    record, observed = runner.world.records()["payouts"], runner.look()
    [action] = runner.plan(
        DECLARED,
        observed=observed,
        rotations={"payouts": RotationRequest("payouts", None, "a person asked")},
    ).changes
    claim = Claim(action, action.credential, "primary", "0123", Secret("x"), current=4)
    work = ClientRun(
        ClientWork("payouts", (action,), None, record.revision), runner.new_run(observed)
    )
    first = claim_version(record, claim, work, runner.world.at)
    assert claim_version(record, claim, work, runner.world.at) == first
    assert claim.number == 0
    assert number_claim(first, claim).number == 5


def test_a_claim_that_is_another_run_s_is_not_committed() -> None:
    runner = issued()
    record: ClientRecord = runner.world.records()["payouts"]
    (version,) = record.series[credentials.KEY, "primary"].versions
    series = replace(
        record.series[credentials.KEY, "primary"],
        versions=(replace(version, state=VersionState.PENDING),),
    )
    observed = runner.look()
    action = next(
        one
        for one in runner.plan(DECLARED, observed=replace(observed, secrets={})).actions
        if one.item == "primary"
    )
    claim = Claim(action, action.credential, "primary", "somebody-else", Secret("x"), 0, number=1)
    work = ClientRun(
        ClientWork("payouts", (action,), None, record.revision), runner.new_run(observed)
    )
    with pytest.raises(TransitionError, match="not ours"):
        commit_version(
            replace(record, series={(credentials.KEY, "primary"): series}),
            claim,
            work,
            runner.world.at,
        )


@pytest.mark.parametrize("current", [None, 7])
def test_the_next_number_is_one_that_nobody_used(current: int | None) -> None:
    """Seven versions were written by hand; whether or not the LIST told how many, none of them is
    ours."""
    runner = issued()
    for _ in range(6):
        runner.world.put_by_hand("keys/payouts.primary")
    runner.world.at += timedelta(days=65)
    observed = runner.look()
    known = replace(
        observed, secrets={**observed.secrets, "keys/payouts.primary": SecretInfo(current)}
    )
    outcomes = runner.carry_out(runner.plan(DECLARED, observed=known), DECLARED, known)
    assert statuses(outcomes) == {OutcomeStatus.DONE}
    active = runner.world.records()["payouts"].series[credentials.KEY, "primary"].active
    assert active is not None
    assert active.number == 8
    judge_secrets(runner.world)


class Sealed(Faulty):
    """Every write of a secret, and every destruction of one, is refused."""

    def answer(self, request: Request) -> Response:
        if isinstance(request, PutSecret | DestroyVersions):
            raise VaultUnavailable("RC402", "it is sealed", "unseal it")
        return self.world.answer(request)


def test_an_outcome_carries_the_code_of_its_error_and_the_stage_it_came_to() -> None:
    """Before the commit that counts, and after it: a revoked version stays revoked."""
    runner = Runner(World())
    outcomes = runner.apply(DECLARED, Sealed(runner.world, -1, crash_before))
    failed = [one for one in outcomes if one.status is OutcomeStatus.FAILED]
    assert failed
    assert {(one.code, one.stage) for one in failed} == {("RC402", Stage.BEGUN)}
    runner = issued()
    outcomes = runner.revoke(
        RevocationRequest("payouts", None, "leak"), Sealed(runner.world, -1, crash_before)
    )
    assert {(one.status, one.code, one.stage) for one in outcomes} == {
        (OutcomeStatus.FAILED, "RC402", Stage.ON_RECORD)
    }
    assert states(runner) == [VersionState.REVOKED]


def test_a_refused_delivery_carries_its_code() -> None:
    runner = Runner(World())
    runner.world.accepts = lambda hook: False
    (failed,) = (one for one in runner.apply(DECLARED) if one.status is OutcomeStatus.FAILED)
    assert failed.code == failed.detail["code"] != ""


def test_a_key_is_rotated_more_than_nine_times() -> None:
    """Version numbers are integers: 10 follows 9."""
    runner = issued()
    for number in range(2, 13):
        assert statuses(runner.rotate(DECLARED, "payouts")) == {OutcomeStatus.DONE}
        active = runner.world.records()["payouts"].series[credentials.KEY, "primary"].active
        assert active is not None
        assert active.number == number
    judge_secrets(runner.world)


def test_a_client_is_not_active_before_its_webhook_proved_itself() -> None:
    runner = Runner(World())
    runner.world.accepts = lambda hook: False
    runner.apply(DECLARED)
    assert runner.world.records()["payouts"].status is ClientStatus.PENDING
    runner.world.accepts = lambda hook: True
    runner.settle(DECLARED)
    assert runner.active("payouts")


class DiesBeforeWriting(Faulty):
    """The run ends when it has claimed a key and is about to write it."""

    def answer(self, request: Request) -> Response:
        if isinstance(request, PutSecret) and request.path == KEY:
            raise Crash
        return self.world.answer(request)


def test_a_claim_that_was_revoked_is_never_written_by_the_run_that_made_it() -> None:
    """Its number is taken, so that what that run still sends meets a conflict."""
    runner = Runner(World())
    with pytest.raises(Crash):
        runner.apply(DECLARED, DiesBeforeWriting(runner.world, -1, crash_before))
    assert states(runner) == [VersionState.PENDING]
    outcomes = runner.revoke(RevocationRequest("payouts", None, "compromise"))
    assert statuses(outcomes) == {OutcomeStatus.DONE}
    assert states(runner) == [VersionState.REVOKED]
    late = runner.world.answer(PutSecret(KEY, "theirs", Secret("late"), 0))
    assert isinstance(late, Conflict)
    assert runner.world.secrets[KEY].readable(1) is None


class Keeps(Faulty):
    """A server that says of every destruction that it is done, and does nothing."""

    def answer(self, request: Request) -> Response:
        return (
            Done(self.world.at)
            if isinstance(request, DestroyVersions)
            else self.world.answer(request)
        )


def test_what_is_still_there_is_not_recorded_as_destroyed() -> None:
    runner = issued()
    outcomes = runner.revoke(
        RevocationRequest("payouts", None, "compromise"), Keeps(runner.world, -1, crash_before)
    )
    assert statuses(outcomes) == {OutcomeStatus.FAILED}
    assert {(one.stage, one.code) for one in outcomes} == {(Stage.ON_RECORD, "")}
    (version,) = runner.world.records()["payouts"].series[credentials.KEY, "primary"].versions
    assert (version.state, version.destroyed_at) == (VersionState.REVOKED, None)
    left = [
        action
        for action in runner.plan(DECLARED).changes
        if action.kind is ActionKind.DESTROY_VERSION
    ]
    assert len(left) == 2
    runner.apply(DECLARED)
    assert runner.world.secrets["keys/payouts.primary"].readable(1) is None


def test_an_interrupt_stops_between_the_stages_and_leaves_no_claim() -> None:
    """What is claimed is written and committed; what was not begun is told so."""
    for allowed in range(6):
        runner = Runner(World())
        observed = runner.look()
        plan = runner.plan(DECLARED, observed=observed)
        asked = iter([False] * allowed + [True] * 50)
        made = runner.new_run

        def stopping_run(
            seen: Observed, asked: Iterator[bool] = asked, made: Callable[[Observed], Run] = made
        ) -> Run:
            return replace(made(seen), stopping=lambda: next(asked))

        runner.new_run = stopping_run  # type: ignore[method-assign,assignment]
        outcomes = runner.carry_out(plan, DECLARED, observed)
        runner.new_run = made  # type: ignore[method-assign]
        assert statuses(outcomes) <= {OutcomeStatus.DONE, OutcomeStatus.SKIPPED}
        stages = {Stage.DONE, Stage.NOT_BEGUN} if allowed else {Stage.NOT_BEGUN}
        assert {outcome.stage for outcome in outcomes} <= stages
        for record in runner.world.records().values():
            assert not any(series.pending for _, _, series in record.all_series())
        runner.settle(DECLARED)
