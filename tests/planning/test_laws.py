"""Laws over whole lives of an environment: whatever is declared, done by hand and cut short, it converges."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.domain.desired import Budget, Desired, DesiredClient, GuardrailPolicy
from reconciler.domain.plan import Action, ActionKind, Risk
from reconciler.domain.record import USABLE, ClientStatus, SeriesKind
from reconciler.planning.order import LEVELS, ordered
from tests.kit.declared import client, desired, lifecycle, webhook
from tests.kit.faults import Crash, Fault, Faulty, crash_after, crash_before, request_lost, response_lost
from tests.kit.judge import judge_secrets, usable
from tests.kit.memory import World
from tests.kit.runner import Runner

CYCLES = st.sampled_from(
    [lifecycle(), lifecycle("10d", "3d", "1d"), lifecycle("2d", "1d", "0s"), lifecycle("6h", "1h", "1h")]
)
HOOKS = st.sampled_from(
    [(), (webhook(),), (webhook(url="https://b.example.com/"),), (webhook(), webhook("other"))],
)
STATES = st.sampled_from(["active", "active", "active", "suspended", "retired"])
SCOPES = st.sampled_from([(), ("x:read",)])
OPEN = GuardrailPolicy(Budget(100, 1), Budget(100, 1))


@st.composite
def declarations(draw: st.DrawFn) -> Desired:
    """Up to three clients, and one that is always there, so that no guard stands against the removal of all."""
    found: list[DesiredClient] = [client("zz")]
    for name in draw(st.sets(st.sampled_from(["a", "b", "c"]), min_size=1)):
        keys = draw(st.dictionaries(st.sampled_from(["k", "l"]), CYCLES, min_size=1))
        found.append(client(name, keys, draw(HOOKS), state=draw(STATES), scopes=draw(SCOPES)))
    return desired(*found, policy=OPEN)


def nothing(world: World) -> None:
    return None


def overwrite(world: World) -> None:
    for path in list(world.secrets)[:1]:
        world.put_by_hand(path)


def delete(world: World) -> None:
    for path in list(world.secrets)[:1]:
        del world.secrets[path]


def destroy(world: World) -> None:
    for entry in list(world.secrets.values())[-1:]:
        entry.destroyed.add(entry.current)


def soft_delete(world: World) -> None:
    for entry in list(world.secrets.values())[-1:]:
        entry.deleted.add(entry.current)


HANDS = st.sampled_from([nothing, overwrite, delete, destroy, soft_delete])
FAULTS = st.none() | st.tuples(
    st.integers(0, 40), st.sampled_from([crash_before, crash_after, response_lost, request_lost])
)
Step = tuple[Desired, Callable[[World], None], int, tuple[int, Fault] | None]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(declarations(), HANDS, st.integers(0, 200), FAULTS), min_size=1, max_size=4))
def test_plan_after_apply_is_empty(life: list[Step]) -> None:
    """And what is applied is what is declared, also after runs that were cut short one after the other."""
    runner = Runner(World())
    for number, (declared, by_hand, hours, fault) in enumerate(life):
        by_hand(runner.world)
        runner.world.at += timedelta(hours=hours)
        if fault is not None:
            with suppress(Crash):
                runner.apply(declared, Faulty(runner.world, *fault))
            judge_secrets(runner.world)
        if number % 2 or number == len(life) - 1:
            runner.settle(declared)
            expect_as_declared(runner.world, declared)


def expect_as_declared(world: World, declared: Desired) -> None:
    judge_secrets(world)
    records = world.records()
    for name, record in records.items():
        wanted = declared.clients.get(name)
        if wanted is None or wanted.state == "retired":
            assert record.status is ClientStatus.RETIRED
            assert not any(series.in_state(*USABLE) for _, _, series in record.all_series())
        elif wanted.state == "suspended":
            assert record.status is ClientStatus.SUSPENDED
        else:
            assert record.status is ClientStatus.ACTIVE
            assert record.digest == wanted.digest
            assert usable(world, record) >= len(wanted.keys)
            assert all(record.series(SeriesKind.WEBHOOK, hook.name).active for hook in wanted.webhooks)
    assert {name for name, one in declared.clients.items() if one.state != "retired"} <= set(records)


@settings(max_examples=40, deadline=None)
@given(declarations(), declarations(), st.integers(0, 200))
def test_no_plan_revokes_the_last_usable_key_of_a_client_that_stays(
    before: Desired, after: Desired, hours: int
) -> None:
    """Unless its successor is issued in the same plan, or the key itself is not declared any more."""
    runner = Runner(World())
    runner.settle(before)
    runner.world.at += timedelta(hours=hours)
    plan = runner.plan(after)
    new = {one.address for one in plan.actions if one.kind in (ActionKind.ISSUE_KEY, ActionKind.ROTATE_KEY)}
    for one in plan.actions:
        wanted = after.clients.get(one.client)
        if one.kind is ActionKind.REVOKE_KEY and wanted is not None and wanted.state == "active":
            active = runner.world.records()[one.client].keys[str(one.item)].active
            dropped = one.item not in {key.name for key in wanted.keys}
            assert active is None or active.number != one.version or one.address in new or dropped


ACTIONS = [
    Action(kind, f"client/{name}", "Reason", "message", Risk.LOW, name, version=number)
    for kind in ActionKind
    for name in "ab"
    for number in (9, 10)
]


@given(st.lists(st.sampled_from(ACTIONS)))
def test_the_order_is_total(actions: list[Action]) -> None:
    """Versions are ordered as numbers: 9 before 10."""
    once = ordered(actions)
    assert once == ordered(list(reversed(actions)))
    assert list(once) == sorted(once, key=lambda one: (LEVELS[one.kind], one.address, one.version or 0, one.kind.value))
