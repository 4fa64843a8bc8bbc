"""Under the lease a plan is not made a second time where nothing changed, and is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from reconciler.domain.declared.desired import Desired, GuardrailPolicy, Waiver
from reconciler.domain.live.observed import Lease, Observed
from reconciler.domain.values.window import Freeze
from reconciler.errors import Source
from reconciler.planning import planner
from reconciler.planning.actions.inputs import Inputs
from tests.kit.suite.laws import hold
from tests.kit.suite.tally import Tally
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.life import Life
from tests.kit.worlds.memory import START
from tests.kit.worlds.strategies import OPEN, STEPS, Step

MINUTES = st.sampled_from([0, 0, 1, 90, 3 * 24 * 60])
# What happens between the two looks.
BETWEEN = st.sampled_from(["nothing", "nothing", "a lease", "by hand", "a step", "both"])


def with_time(declared: Desired) -> Desired:
    """With guards that look at the time: a budget that a waiver opens for a while, and a freeze."""
    soon = Waiver("protect", "*", "a law", "a test", "2026-12-01", Source("policy.yaml", 2, 1))
    policy: GuardrailPolicy = replace(OPEN, waivers=(*OPEN.waivers, soon))
    freezes = tuple(
        Freeze(START + timedelta(days=day), START + timedelta(days=day + 2), "a law")
        for day in range(1, 60, 4)
    )
    place = replace(declared.environment, freezes=freezes)
    return replace(declared, policy=policy, environment=place)


def made_of(declared: Desired, before: Observed, after: Observed) -> tuple[Inputs, Inputs]:
    """What a run plans with, and what it looks at again under the lease."""
    first = inputs(declared, before, before.now, applying=True)
    first = replace(first, question=replace(first.question, at=None))
    return first, inputs(declared, after, before.now, applying=True, guarded_at=after.now)


def test_a_plan_that_is_taken_again_is_the_one_that_would_be_made(
    exhaustive: bool, tally: Tally
) -> None:
    """Over random lives, with another step, an edit by hand or only time between the two looks."""
    taken = 0

    def law(steps: list[Step], between: str, minutes: int, other: Step) -> None:
        nonlocal taken
        life = Life()
        for step in steps[:-1]:
            life.take(step)
        declared = with_time(life.prepare(steps[-1]))
        before = life.runner.look()
        if between in ("by hand", "both"):
            change, which = other.by_hand
            change(life.world, which)
        if between in ("a step", "both"):
            life.take(other)
        life.world.pass_time(timedelta(minutes=minutes))
        after = life.runner.look()
        if between == "a lease":
            after = replace(after, lease=Lease("another", after.now + timedelta(minutes=1)))
        first, again = made_of(declared, before, after)
        plan = planner.make_plan(first)
        assert planner.plan_again(plan, first, again) == planner.make_plan(again)
        taken += planner.is_same_ground(first, again)

    tried = hold(
        law,
        st.lists(STEPS, min_size=1, max_size=4),
        BETWEEN,
        MINUTES,
        STEPS,
        examples=150,
        exhaustive=exhaustive,
    )
    assert tried > taken > tried // 3
    tally("examples of laws", tried)


def test_what_is_planned_again_is_what_changed() -> None:
    """Each of these is looked at: without it, an older plan would be carried out."""
    declared, seen = with_time(desired(client("payouts"))), Life().runner.look()
    first, again = made_of(declared, seen, seen)
    assert planner.is_same_ground(first, again)
    dirty = replace(again.checkout, dirty=("clients/a.yaml",))
    others = [
        replace(again, checkout=dirty),
        replace(again, question=replace(again.question, at=seen.now + timedelta(seconds=1))),
        replace(again, question=replace(again.question, only=frozenset({"a"}))),
        replace(again, observed=replace(seen, policies_edited=("planner",))),
        replace(again, observed=replace(seen, unmanaged=("keys/x",))),
        replace(again, judge=object()),  # type: ignore[arg-type]
    ]
    assert not any(planner.is_same_ground(first, one) for one in others)


def test_guards_judge_what_is_taken_again_by_the_present_time() -> None:
    """A freeze that began while a run waited holds it back."""
    declared, seen = with_time(desired(client("payouts"))), Life().runner.look()
    first, again = made_of(declared, seen, replace(seen, now=seen.now + timedelta(hours=25)))
    plan = planner.make_plan(first)
    assert planner.is_same_ground(first, again)
    assert plan.changes
    assert not plan.blocked
    taken = planner.plan_again(plan, first, again)
    assert taken.blocked
    assert taken.digest == plan.digest
