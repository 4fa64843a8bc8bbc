"""What a plan makes of the checkout that it is made in: an absence alone removes nobody, a step
back is not made by itself, and what no commit holds is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.domain.declared.checkout import WITHOUT_GIT, Applied, Checkout, Descent
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Plan, Risk
from reconciler.errors import Finding, Level
from reconciler.planning.actions.inputs import Standing
from reconciler.planning.guards.checkout import MOST_PATHS, next_applied
from reconciler.planning.planner import make_plan
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

HEAD, LAST = "a" * 40, "b" * 40
# HEAD builds on what was applied last, and holds what is used.
SOUND = Checkout(head=HEAD, commit=HEAD, applied=LAST, descent=Descent.DESCENDS)


def planned(standing: Standing, *names: str, **how: object) -> Plan:
    """Three clients are registered; ``names`` are declared."""
    runner = Runner(World())
    runner.settle(desired(client("gone"), client("kept"), client("other")))
    observed = runner.look()
    wanted = desired(*(client(name) for name in names or ("kept", "other")))
    return make_plan(inputs(wanted, observed, observed.now, standing=standing, **how))


def told(plan: Plan) -> list[tuple[str, Level]]:
    return [(one.code, one.level) for one in plan.findings if one.code.startswith("RC37")]


def about(plan: Plan, code: str) -> Finding:
    [found] = [one for one in plan.findings if one.code == code]
    return found


# What makes an absence prove nothing, and what the sentence says of it.
DOUBTS: Mapping[str, tuple[Checkout, str]] = {
    "a merge": (replace(SOUND, trouble="a merge is under way"), "a merge is under way"),
    "no commit yet": (
        Checkout(trouble="there is no commit yet", holds_project=False, declared=None), "there is no commit yet",
    ),
    "another folder": (replace(SOUND, holds_project=False), "does not hold reconciler.yaml"),
    "an unreadable file in HEAD": (replace(SOUND, declared=None), "cannot be read"),
    "HEAD declares it": (replace(SOUND, declared=frozenset({"gone"})), "declares it"),
    "another branch": (replace(SOUND, descent=Descent.BESIDE), "does not build on commit bbbbbbbbbbbb"),
    "a history that is cut off": (replace(SOUND, descent=Descent.UNKNOWN), "cut off"),
    "a file that no commit held": (replace(SOUND, remembered=frozenset({"gone"})), "that no commit held"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_an_absence_that_proves_nothing_removes_nobody(name: str) -> None:
    checkout, sentence = DOUBTS[name]
    plan = planned(Standing(checkout))
    assert plan.blocked
    block = about(plan, "RC372")
    assert (block.level, block.address) == (Level.ERROR, "client/gone")
    assert sentence in block.message
    assert block.remedy


@pytest.mark.parametrize("name", DOUBTS)
def test_what_is_declared_goes_on_beside_it(name: str) -> None:
    checkout, _ = DOUBTS[name]
    assert not planned(Standing(checkout), only=["kept"]).blocked
    assert not planned(Standing(checkout), "gone", "kept", "other").blocked


@pytest.mark.parametrize("checkout", [SOUND, WITHOUT_GIT], ids=["committed", "without git"])
def test_a_removal_that_is_proven_is_carried_out(checkout: Checkout) -> None:
    plan = planned(Standing(checkout))
    assert (plan.blocked, told(plan)) == (False, [])
    assert ("client/gone", ActionKind.RETIRE_CLIENT) in {
        (one.address, one.kind) for one in plan.actions
    }


def test_before_any_commit_is_on_record_nobody_is_removed() -> None:
    first = Standing(replace(SOUND, applied=None, descent=Descent.FIRST))
    plan = planned(first)
    assert (plan.blocked, told(plan)) == (True, [("RC374", Level.ERROR)])
    assert about(plan, "RC374").address == "client/gone"
    assert "apply -e production --only" in about(plan, "RC374").remedy
    assert not planned(first, only=["kept"]).blocked
    assert not planned(first, "gone", "kept", "other").blocked


@pytest.mark.parametrize("descent", [Descent.BESIDE, Descent.UNKNOWN])
def test_a_step_back_can_be_looked_at_and_not_be_applied(descent: Descent) -> None:
    checkout = replace(SOUND, descent=descent)
    everybody = ("gone", "kept", "other")
    assert told(planned(Standing(checkout), *everybody)) == [("RC373", Level.WARNING)]
    plan = planned(Standing(checkout, applying=True), *everybody)
    assert (plan.blocked, told(plan)) == (True, [("RC373", Level.ERROR)])


@pytest.mark.parametrize("named", [HEAD, HEAD[:7], LAST])
def test_an_allowed_step_back_is_critical(named: str) -> None:
    plan = planned(Standing(replace(SOUND, descent=Descent.BESIDE), named, applying=True))
    assert (plan.blocked, told(plan)) == (False, [("RC375", Level.WARNING)])
    assert plan.rollback_from == LAST
    assert {action.risk for action in plan.changes} == {Risk.CRITICAL}
    assert all("rollback" in action.risk_reasons[0] for action in plan.changes)


@pytest.mark.parametrize("named", ["c" * 40, HEAD[:6], "", "HEAD"])
def test_a_step_back_is_allowed_by_its_commit_alone(named: str) -> None:
    plan = planned(Standing(replace(SOUND, descent=Descent.BESIDE), named))
    assert plan.blocked
    assert about(plan, "RC373").level is Level.ERROR
    assert plan.rollback_from is None


def test_the_permission_changes_nothing_where_there_is_no_step_back() -> None:
    assert planned(Standing(SOUND, HEAD)) == planned(Standing(SOUND))


def test_an_allowed_step_back_removes_nobody_whom_head_declares() -> None:
    checkout = replace(SOUND, descent=Descent.BESIDE, declared=frozenset({"gone"}))
    assert planned(Standing(checkout, HEAD)).blocked


def test_what_no_commit_holds_is_told_and_listed() -> None:
    paths = tuple(f"clients/{number:04d}.yaml" for number in range(MOST_PATHS + 5))
    plan = planned(Standing(replace(SOUND, dirty=paths)))
    assert plan.dirty == paths[:MOST_PATHS]
    assert told(plan) == [("RC371", Level.WARNING)]
    assert "clients/0000.yaml" in about(plan, "RC371").message
    assert planned(Standing(SOUND)).dirty == ()


OUT_OF_FILTERS = "take out of the filters in .gitattributes, and commit anew:"
FILTERED = tuple(f"clients/{number}.yaml" for number in range(7))


@pytest.mark.parametrize(
    ("filtered", "remedy"),
    [
        ((), "commit it or undo it; otherwise nobody can tell from git what was applied"),
        (
            FILTERED[:1],
            f"{OUT_OF_FILTERS} clients/0.yaml",
        ),
        (
            FILTERED,
            f"{OUT_OF_FILTERS} {', '.join(FILTERED[:5])} and 2 more",
        ),
    ],
)
def test_what_to_do_about_what_no_commit_holds(filtered: tuple[str, ...], remedy: str) -> None:
    """Committing a file again is of no use where a filter makes another one of it."""
    plan = planned(Standing(replace(SOUND, dirty=FILTERED, filtered=filtered)))
    assert about(plan, "RC371").remedy == remedy
    assert about(plan, "RC371").message.endswith(f"{', '.join(FILTERED[:5])} and 2 more")


def test_a_client_that_no_commit_declares_is_known_as_such_until_one_does() -> None:
    runner = Runner(World())
    runner.settle(desired(client("gone"), client("kept")))
    look = runner.look()
    before = replace(
        SOUND, remembered=frozenset({"gone", "never-registered"}), uncommitted=frozenset({"new"})
    )
    assert next_applied(before, "run", look) == Applied(
        HEAD, "run", look.now, frozenset({"gone", "new"})
    )
    by_now = next_applied(replace(before, committed=frozenset({"gone"})), "run", look)
    assert by_now is not None
    assert by_now.uncommitted == {"new"}
    assert next_applied(Checkout(), "run", look) is None
    assert look.now >= START
