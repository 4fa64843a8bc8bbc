"""Every fault at every request of every scenario: nothing is lost, one re-run converges, the next writes nothing.

Against dictionaries, so that it takes seconds; the same is proven against a real server elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

import pytest

from reconciler.domain.desired import Desired
from reconciler.domain.plan import OutcomeStatus
from reconciler.planning.reasons import RevocationRequest, RotationRequest
from tests.kit import faults
from tests.kit.declared import client, desired, lifecycle, webhook
from tests.kit.faults import Crash, Fault, Faulty
from tests.kit.memory import Runner, World, judge_secrets, outline, usable
from tests.kit.tally import Tally

HOOKED = client(webhooks=[webhook()])
PLAIN = client()
TWO = client(keys={"primary": lifecycle(), "backup": lifecycle()}, webhooks=[webhook()])
# Names whose records live in one of the sixteen buckets, and in two.
NEAR, FAR = "payouts-27", "payouts-2"


@dataclass(frozen=True)
class Scenario:
    """``before``: what is applied first, and ``later`` how much time goes by. Then ``after`` is applied with a
    fault, or ``revoked``. ``live``: the client may at no instant be without a usable key."""

    before: tuple[Desired, ...]
    after: Desired
    later: timedelta = timedelta()
    live: bool = False
    rotated: bool = False
    revoked: RevocationRequest | None = None
    by_hand: Callable[[World], None] = lambda world: None

    def prepared(self) -> Runner:
        runner = Runner(World())
        for one in self.before:
            runner.settle(one)
        self.by_hand(runner.world)
        runner.world.at += self.later
        return runner

    def act(self, runner: Runner, live: Faulty | None = None) -> None:
        if self.revoked:
            runner.revoke(self.revoked, live)
        elif self.rotated:
            request = {HOOKED.name: RotationRequest(HOOKED.name, None, "a person asked")}
            runner.apply(self.after, live, rotations=request)
        else:
            runner.apply(self.after, live)


def destroyed(world: World) -> None:
    entry = world.secrets["keys/payouts.primary"]
    entry.destroyed.add(entry.current)


def history_deleted(world: World) -> None:
    del world.secrets["keys/payouts.primary"]


def record_edited(world: World) -> None:
    for name, entry in world.documents.items():
        if name.startswith("buckets/"):
            text = entry.versions[entry.current]["doc"]
            entry.put({"doc": text.replace('"reason":"NotIssued"', '"reason":"Renewal"')}, entry.current)


def overwritten(world: World) -> None:
    world.put_by_hand("keys/payouts.primary")


MOVED = client(webhooks=[webhook(url="https://b.example.com/")])
SUSPENDED = client(webhooks=[webhook()], state="suspended")
SHORT = client(keys={"primary": lifecycle("90d", "30d", "0s")}, webhooks=[webhook()])
SCENARIOS: dict[str, Scenario] = {
    "register and issue": Scenario((), desired(PLAIN)),
    "register, issue, prove, activate": Scenario((), desired(TWO)),
    "rotate with grace": Scenario((desired(HOOKED),), desired(HOOKED), timedelta(days=65), live=True),
    "rotate without grace": Scenario((desired(SHORT),), desired(SHORT), timedelta(days=65), live=True),
    "rotate on request": Scenario((desired(HOOKED),), desired(HOOKED), live=True, rotated=True),
    "expired": Scenario((desired(HOOKED),), desired(HOOKED), timedelta(days=91)),
    "rotate key and secret": Scenario((desired(HOOKED),), desired(HOOKED), timedelta(days=170)),
    "revoke": Scenario((desired(TWO),), desired(TWO), revoked=RevocationRequest("payouts", None, "compromise")),
    "revoke one key": Scenario((desired(TWO),), desired(TWO), revoked=RevocationRequest("payouts", "backup", "x")),
    "rename near": Scenario((desired(PLAIN),), desired(client(NEAR, renamed_from="payouts")), live=True),
    "rename far": Scenario(
        (desired(HOOKED),), desired(client(FAR, webhooks=[webhook()], renamed_from="payouts")), live=True
    ),
    "rename and retire": Scenario((desired(PLAIN),), desired(client(FAR, renamed_from="payouts", state="retired"))),
    "rename and suspend": Scenario((desired(PLAIN),), desired(client(FAR, renamed_from="payouts", state="suspended"))),
    "retired": Scenario((desired(HOOKED),), desired(client(webhooks=[webhook()], state="retired"))),
    "removed": Scenario((desired(HOOKED, client("other")),), desired(client("other"))),
    "reinstated": Scenario((desired(HOOKED), desired(client(state="retired"))), desired(HOOKED)),
    "suspended": Scenario((desired(HOOKED),), desired(SUSPENDED), live=True),
    "resumed": Scenario((desired(HOOKED), desired(SUSPENDED)), desired(HOOKED), live=True),
    "webhook added": Scenario((desired(PLAIN),), desired(HOOKED), live=True),
    "webhook moved": Scenario((desired(HOOKED),), desired(MOVED), live=True),
    "webhook removed": Scenario((desired(HOOKED),), desired(PLAIN), live=True),
    "key removed": Scenario((desired(TWO),), desired(HOOKED), live=True),
    "key replaced, no grace": Scenario((desired(SHORT),), desired(client(keys={"second": lifecycle()})), live=True),
    "secret destroyed by hand": Scenario((desired(HOOKED),), desired(HOOKED), by_hand=destroyed),
    "secret deleted with its history": Scenario(
        (desired(HOOKED),), desired(HOOKED), timedelta(days=65), by_hand=history_deleted
    ),
    "secret overwritten by hand": Scenario((desired(HOOKED),), desired(HOOKED), live=True, by_hand=overwritten),
    "record edited": Scenario((desired(HOOKED),), desired(HOOKED), by_hand=record_edited),
}  # fmt: skip
GRACE_OVER = "grace over"

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
        expect_nothing_lost(scenario, runner)
        converge(scenario, runner)
        expect_nothing_lost(scenario, runner)
        if not scenario.rotated:  # what a person asked for is asked for again, or not
            assert outline(runner.world) == outline(undisturbed.world), f"it ends elsewhere after {live.hit}"
    pytest.fail(f"{name} never ends")


def expect_nothing_lost(scenario: Scenario, runner: Runner) -> None:
    judge_secrets(runner.world)
    if scenario.live:
        for record in runner.world.records().values():
            if record.moving_to is None:
                assert usable(runner.world, record) >= 1, f"I3: {record.name} has no usable key"


def converge(scenario: Scenario, runner: Runner) -> None:
    """One more run does the rest, the one after it nothing."""
    if scenario.revoked:
        outcomes = runner.revoke(scenario.revoked)
        assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
    runner.settle(scenario.after)


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_a_fault(name: str) -> None:
    """One run does it all: every outcome is done and the next plan is empty."""
    scenario = SCENARIOS[name]
    runner = scenario.prepared()
    scenario.act(runner)
    runner.expect_quiet(scenario.after)
    expect_nothing_lost(scenario, runner)
