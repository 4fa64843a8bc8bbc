"""Whether the secret at a path is the one on record: suspected by its time, decided by its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from reconciler.engine.look.observe import observe
from reconciler.planning.actions.reasons import Reason
from reconciler.registry.requests import PutSecret, ReadMetadata, ReadSubkeys, Request, Response
from tests.kit.worlds.declared import PROJECT, client, desired
from tests.kit.worlds.memory import BUCKETS, START, World
from tests.kit.worlds.runner import Runner


@dataclass
class Counting:
    """A world that counts what is asked about secrets one by one."""

    world: World
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        self.asked += [one.path for one in requests if isinstance(one, ReadSubkeys | ReadMetadata)]
        return self.world.answer_all(requests)


def looked(world: World, *, deep: bool = False) -> tuple[frozenset[str], list[str]]:
    """The paths that hold what is not ours, and the paths that were asked for to know."""
    counting = Counting(world)
    return observe(counting, PROJECT, BUCKETS, deep=deep).strangers, counting.asked


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(hours=2)])
def test_a_clock_that_jumped_costs_a_look_and_accuses_nobody(jump: timedelta) -> None:
    world = World()
    Runner(world).settle(desired(client("a"), client("b")))
    assert looked(world) == (frozenset(), [])
    assert looked(world, deep=True) == (frozenset(), ["keys/a.primary", "keys/b.primary"])
    world.secrets["keys/a.primary"].created = START + jump
    assert looked(world) == (frozenset(), ["keys/a.primary"])


def test_what_was_written_anew_is_known_by_its_id_or_by_having_none() -> None:
    runner = Runner(World())
    runner.settle(desired(client("a"), client("b"), client("c")))
    world = runner.world
    world.pass_time(timedelta(days=1))
    for name in ("a", "b", "c"):
        world.forget_by_hand(f"keys/{name}.primary")
    world.put_by_hand("keys/a.primary")
    world.answer(PutSecret("keys/b.primary", "somebody", None, 0))
    world.put_by_hand("keys/c.primary")
    world.destroy_by_hand("keys/c.primary")
    strangers, _ = looked(world)
    assert strangers == {"keys/a.primary", "keys/b.primary"}
    wanted = desired(client("a"), client("b"), client("c"))
    reasons = {action.client: action.reason for action in runner.plan(wanted).changes}
    assert reasons == {
        "a": Reason.SECRET_OVERWRITTEN,
        "b": Reason.SECRET_OVERWRITTEN,
        "c": Reason.SECRET_DESTROYED,
    }
    runner.settle(wanted)
