"""With what was kept of earlier plans and without it, the plan is the same."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from tests.kit.suite.laws import hold
from tests.kit.suite.tally import Tally
from tests.kit.worlds.kept import Keeper
from tests.kit.worlds.life import Life
from tests.kit.worlds.strategies import STEPS, Step

HOURS = st.lists(st.integers(1, 24 * 60), max_size=4)


def test_what_was_kept_changes_no_plan(exhaustive: bool, tally: Tally) -> None:
    """Over random lives: plans before and after each step, at instants after it, and for another
    declaration; each compared with the plan that was made the long way."""
    skipped = 0

    def law(steps: list[Step], hours: list[int], other: Step) -> None:
        nonlocal skipped
        life, keeper = Life(), Keeper()
        for step in steps:
            keeper.compare(life.world, step.declared)
            life.take(step)
            keeper.compare(life.world, step.declared)
            if step.whom % 2:
                life.settle()
                keeper.compare(life.world, life.declared or step.declared)
        declared = life.declared or other.declared
        for later in hours:
            life.world.pass_time(timedelta(hours=later))
            keeper.compare(life.world, declared)
        keeper.compare(life.world, life.prepare(other))
        keeper.compare(life.world, declared)
        skipped += sum(count * times for count, times in keeper.skipped.items())

    tried = hold(
        law,
        st.lists(STEPS, min_size=1, max_size=5),
        HOURS,
        STEPS,
        examples=60,
        exhaustive=exhaustive,
    )
    assert skipped > 2 * tried
    tally("examples of laws", tried)
    tally("clients that were skipped because a verdict held", skipped)
