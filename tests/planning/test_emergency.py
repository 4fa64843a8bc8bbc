"""Plans of an emergency revocation, made from the live record alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import USABLE, ClientStatus
from reconciler.domain.plan.plan import Risk
from reconciler.errors import UsageError
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.planning.emergency import revocation_plan
from tests.kit.worlds.declared import PROJECT, client, desired, lifecycle, webhook
from tests.kit.worlds.faults import Crash, Faulty, crash_before
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

DECLARED = desired(client(keys={"a": lifecycle(), "b": lifecycle()}, webhooks=[webhook()]))
KEY_A, KEY_B = KEY.address("payouts", "a"), KEY.address("payouts", "b")
SECRET = SIGNING_SECRET.address("payouts", "settlements")


def issued() -> Runner:
    runner = Runner(World())
    runner.settle(DECLARED)
    return runner


def planned(
    observed: Observed, name: str = "payouts", key: str | None = None
) -> list[tuple[str, int | None]]:
    request = RevocationRequest(name, key, "compromise", "INC-1")
    plan = revocation_plan(observed, "production", PROJECT, request, observed.now, None)
    assert not plan.blocked
    assert all(one.risk is Risk.CRITICAL and "INC-1" in one.message for one in plan.actions)
    return [(one.address, one.version) for one in plan.actions]


def test_every_usable_version_ends() -> None:
    """The retiring one, too; of the whole client, or of one key."""
    runner = issued()
    runner.rotate(DECLARED, "payouts")
    observed = runner.look()
    assert planned(observed, key="a") == [(KEY_A, 1), (KEY_A, 2)]
    assert planned(observed) == [(KEY_A, 1), (KEY_A, 2), (KEY_B, 1), (KEY_B, 2), (SECRET, 1)]


def test_a_claimed_version_ends_and_can_never_be_written() -> None:
    runner = issued()
    with suppress(Crash):
        runner.rotate(DECLARED, "payouts", Faulty(runner.world, 4, crash_before))
    assert (KEY_A, 2) in planned(runner.look())
    runner.revoke(RevocationRequest("payouts", None, "compromise"))
    entry = runner.world.secrets["keys/payouts.a"]
    assert entry.current == 2
    assert not any(entry.readable(number) for number in (1, 2))


def test_nothing_is_left_after_it_and_the_client_is_suspended() -> None:
    runner = issued()
    runner.revoke(RevocationRequest("payouts", None, "compromise"))
    assert planned(runner.look()) == []
    assert runner.world.records()["payouts"].status is ClientStatus.SUSPENDED
    runner.expect_quiet(DECLARED)


def test_with_a_usable_key_left_the_client_stays_active() -> None:
    runner = issued()
    runner.revoke(RevocationRequest("payouts", "a", "compromise"))
    assert runner.active("payouts")
    runner.expect_quiet(DECLARED)


def test_what_is_not_known_to_be_destroyed_is_tried_again() -> None:
    runner = Runner(World())
    runner.settle(desired(client()))
    with suppress(Crash):
        runner.revoke(
            RevocationRequest("payouts", None, "compromise"), Faulty(runner.world, 3, crash_before)
        )
    assert runner.world.secrets["keys/payouts.primary"].readable(1)
    assert planned(runner.look()) == [(KEY.address("payouts", "primary"), 1)]


@pytest.mark.parametrize(
    ("name", "key", "code", "known"),
    [("nobody", None, "RC361", "payouts"), ("payouts", "c", "RC362", "a, b")],
)
def test_what_is_not_registered(name: str, key: str | None, code: str, known: str) -> None:
    with pytest.raises(UsageError) as caught:
        planned(issued().look(), name, key)
    assert caught.value.code == code
    assert known in caught.value.remedy


def test_what_has_no_version_yet_is_held_too() -> None:
    """The run that registered the client was cut short before it made anything."""
    runner = Runner(World())
    with suppress(Crash):
        runner.apply(DECLARED, Faulty(runner.world, 2, crash_before))
    runner.settle(desired(client(keys={}, webhooks=[])))
    bare = runner.world.records()["payouts"]
    spec = {**bare.spec, **DECLARED.clients["payouts"].spec}
    observed = runner.look()
    unmade = replace(observed, records={"payouts": replace(bare, spec=spec)})
    assert planned(unmade) == [(KEY_A, None), (KEY_B, None), (SECRET, None)]
    assert planned(unmade, key="b") == [(KEY_B, None)]


@pytest.mark.parametrize("target", [None, "a"])
def test_a_hold_without_a_version_keeps_anything_from_being_issued(target: str | None) -> None:
    world = World()
    world.accepts = lambda webhook: False
    runner = Runner(world)
    runner.settle(desired(client(keys={"b": lifecycle()})))
    both = desired(client(keys={"a": lifecycle(), "b": lifecycle()}))
    with suppress(Crash):  # the claim of "a" is abandoned by the revocation
        runner.apply(both, Faulty(world, 3, crash_before))
    runner.revoke(RevocationRequest("payouts", target, "compromise"))
    assert world.records()["payouts"].series[credentials.KEY, "a"].hold is not None
    runner.apply(both)
    assert not world.records()["payouts"].series[credentials.KEY, "a"].in_state(*USABLE)
