"""The ways of a client's life in which a run may be disturbed. Each works against every world."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconciler.domain.declared.desired import Desired
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS_V1A
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.registry.requests import PutSecret, Request
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.faults import Crash, Fault, Faulty, crash_after, crash_before
from tests.kit.worlds.judge import judge_secrets, usable
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Passes, Ports, Runner

HOOKED = client(webhooks=[webhook()])
PLAIN = client()
PAIRED = client(webhooks=[webhook(scheme=STANDARD_WEBHOOKS_V1A)])
TWO = client(keys={"primary": lifecycle(), "backup": lifecycle()}, webhooks=[webhook()])
# Names whose records live in one of the sixteen buckets, and in two.
NEAR, FAR = "payouts-27", "payouts-2"
PRIMARY = "keys/payouts.primary"


@dataclass(frozen=True)
class Scenario:
    """``before``: what is applied first, with times that go by. Then ``after`` is applied, or
    ``revoked``.

    ``live``: the client may at no instant be without a usable key. ``cut``: how a run that did the
    same was cut short at its first secret before.
    """

    before: tuple[Desired | timedelta, ...]
    after: Desired
    live: bool = False
    rotated: bool = False
    revoked: RevocationRequest | None = None
    by_hand: Callable[[Ports], None] = lambda world: None
    cut: Fault | None = None

    def prepare(self, runner: Passes[Any]) -> None:
        for one in self.before:
            if isinstance(one, timedelta):
                runner.world.pass_time(one)
            else:
                runner.apply(one)
        self.by_hand(runner.world)
        if self.cut is not None:
            live = Faulty(runner.world, is_put, self.cut)
            with suppress(Crash):
                self.act(runner, live)
            assert live.hit is not None

    def prepared(self) -> Runner:
        """A world in memory at the point where the disturbed run begins."""
        runner = Runner(World())
        self.prepare(runner)
        return runner

    def act(self, runner: Passes[Any], live: Any = None) -> tuple[Outcome, ...]:
        if self.revoked:
            return runner.revoke(self.revoked, live)
        if self.rotated:
            return runner.rotate(self.after, HOOKED.name, live)
        return runner.apply(self.after, live)

    def judge(self, runner: Passes[Any]) -> None:
        """Right after anything: I1, I3, I6. (Each commit was judged when it was made.)"""
        judge_secrets(runner.world)
        if self.live:
            for record in runner.world.records().values():
                if record.moving_to is None:
                    assert usable(runner.world, record) >= 1, f"I3: {record.name} has no usable key"

    def converge(self, runner: Passes[Any]) -> None:
        """One more run does the rest, the one after it nothing."""
        if self.revoked:
            outcomes = runner.revoke(self.revoked)
            assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        runner.settle(self.after)
        self.judge(runner)


def is_put(request: Request) -> bool:
    return isinstance(request, PutSecret)


def edited(world: Ports) -> None:
    world.edit_by_hand('"reason":"NotIssued"', '"reason":"Renewal"')


LONG = timedelta(days=65)
MOVED = client(webhooks=[webhook(url="https://b.example.com/")])
SUSPENDED = client(webhooks=[webhook()], state="suspended")
SHORT = client(keys={"primary": lifecycle("90d", "30d", "0s")}, webhooks=[webhook()])
SCENARIOS: dict[str, Scenario] = {
    "register and issue": Scenario((), desired(PLAIN)),
    "register, issue, prove, activate": Scenario((), desired(TWO)),
    "rotate with grace": Scenario((desired(HOOKED), LONG), desired(HOOKED), live=True),
    "rotate without grace": Scenario((desired(SHORT), LONG), desired(SHORT), live=True),
    "rotate on request": Scenario((desired(HOOKED),), desired(HOOKED), live=True, rotated=True),
    "grace over": Scenario((desired(HOOKED), LONG, desired(HOOKED), timedelta(days=4)), desired(HOOKED), live=True),
    "expired": Scenario((desired(HOOKED), timedelta(days=91)), desired(HOOKED)),
    "rotate key and secret": Scenario((desired(HOOKED), timedelta(days=170)), desired(HOOKED)),
    "secret's grace over": Scenario(
        (desired(HOOKED), timedelta(days=125), desired(HOOKED), timedelta(days=2)), desired(HOOKED), live=True
    ),
    "key pair": Scenario((), desired(PAIRED)),
    "key pair's grace over": Scenario(
        (desired(PAIRED), timedelta(days=125), desired(PAIRED), timedelta(days=2)), desired(PAIRED), live=True
    ),
    "from a secret to a key pair": Scenario((desired(HOOKED),), desired(PAIRED), live=True),
    "adopt a claim of a key pair": Scenario((), desired(PAIRED), cut=crash_after),
    "abandon a claim of a key pair": Scenario((), desired(PAIRED), cut=crash_before),
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
    "adopt a claim": Scenario((), desired(HOOKED), cut=crash_after),
    "adopt a claim of a rotation": Scenario((desired(HOOKED), LONG), desired(HOOKED), live=True, cut=crash_after),
    "abandon a claim": Scenario((), desired(HOOKED), cut=crash_before),
    "abandon a claim of a rotation": Scenario((desired(HOOKED), LONG), desired(HOOKED), live=True, cut=crash_before),
    "secret destroyed by hand": Scenario(
        (desired(HOOKED),), desired(HOOKED), by_hand=lambda world: world.destroy_by_hand(PRIMARY)
    ),
    "secret deleted with its history": Scenario(
        (desired(HOOKED), LONG), desired(HOOKED), by_hand=lambda world: world.forget_by_hand(PRIMARY)
    ),
    "secret overwritten by hand": Scenario(
        (desired(HOOKED),), desired(HOOKED), live=True, by_hand=lambda world: world.put_by_hand(PRIMARY)
    ),
    "record edited": Scenario((desired(HOOKED),), desired(HOOKED), by_hand=edited),
}  # fmt: skip
