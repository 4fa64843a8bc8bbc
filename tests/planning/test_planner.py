"""Laws of the whole plan: order, digest, narrowing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.checkout import Checkout, Descent
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Plan, Risk
from reconciler.planning.actions.order import ordered
from reconciler.planning.guards.checkout import Standing
from reconciler.planning.planner import Inputs, make_plan
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


def situation(changed: str = "alpha") -> Inputs:
    """Four registered clients: one changed, one dropped, one unchanged, one with a webhook; and a
    new one."""
    runner = Runner(World())
    before = [client(name) for name in NAMES[:3]] + [client("delta", webhooks=[webhook()])]
    runner.settle(desired(*before))
    observed = runner.look()
    after = [
        client(changed, scopes=("a:b",)),
        client("gamma"),
        client("delta", webhooks=[webhook()]),
        client("epsilon"),
    ]
    return Inputs(desired(*after), observed, observed.now)


@given(st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_of_files_or_records(chance: random.Random) -> None:
    inputs = situation()
    plan = make_plan(inputs)
    clients, records = list(inputs.desired.clients.items()), list(inputs.observed.records.items())
    secrets = list(inputs.observed.secrets.items())
    for items in (clients, records, secrets):
        chance.shuffle(items)
    shuffled = replace(
        inputs,
        desired=replace(inputs.desired, clients=dict(clients)),
        observed=replace(inputs.observed, records=dict(records), secrets=dict(secrets)),
    )
    assert make_plan(shuffled) == plan


def test_actions_come_by_level_and_address() -> None:
    plan = make_plan(situation())
    keys = [(action.kind.level, action.address, action.version or 0) for action in plan.actions]
    assert keys == sorted(keys)
    assert len(keys) > 5


def test_the_digest_is_not_about_the_time_of_planning() -> None:
    inputs = situation()
    later = replace(inputs, now=inputs.now + timedelta(minutes=5))
    assert make_plan(later).digest == make_plan(inputs).digest


def other_environment(inputs: Inputs) -> Inputs:
    place = replace(inputs.desired.environment, name="elsewhere")
    return replace(inputs, desired=replace(inputs.desired, environment=place))


def other_revision(inputs: Inputs) -> Inputs:
    records = dict(inputs.observed.records)
    records["alpha"] = replace(records["alpha"], revision=records["alpha"].revision + 1)
    return replace(inputs, observed=replace(inputs.observed, records=records))


def other_declaration(inputs: Inputs) -> Inputs:
    clients = {**inputs.desired.clients, "alpha": client("alpha", scopes=("a:c",))}
    return replace(inputs, desired=replace(inputs.desired, clients=clients))


@pytest.mark.parametrize(
    "change",
    [
        other_environment,
        other_revision,
        other_declaration,
        lambda inputs: replace(inputs, standing=Standing(Checkout(head="1" * 40))),
        lambda inputs: replace(inputs, standing=Standing(Checkout(dirty=("policy.yaml",)))),
        lambda inputs: replace(
            inputs, standing=Standing(Checkout(applied="1" * 40, descent=Descent.BESIDE), "1" * 40)
        ),
        lambda inputs: replace(inputs, only=["alpha"]),
    ],
)
def test_the_digest_changes_with_what_it_covers(change: object) -> None:
    inputs = situation()
    assert callable(change)
    assert make_plan(change(inputs)).digest != make_plan(inputs).digest


def test_the_digest_does_not_change_with_a_client_that_is_left_alone() -> None:
    inputs = situation()
    records = dict(inputs.observed.records)
    records["gamma"] = replace(records["gamma"], revision=records["gamma"].revision + 1)
    other = replace(inputs, observed=replace(inputs.observed, records=records))
    assert make_plan(other).digest == make_plan(inputs).digest


def clients_of(plan: Plan) -> set[str]:
    return {action.client for action in plan.actions}


def test_a_plan_is_narrowed_to_clients_and_addresses() -> None:
    inputs = situation()
    assert clients_of(make_plan(inputs)) == {"alpha", "beta", "epsilon"}
    assert clients_of(make_plan(replace(inputs, only=["beta", "gamma"]))) == {"beta"}
    assert clients_of(make_plan(replace(inputs, only=[]))) == set()
    [action] = make_plan(replace(inputs, addresses=["client/epsilon/key/primary"])).actions
    assert action.kind is ActionKind.ISSUE_KEY


MADE_UP = [
    Action(kind, f"client/{name}", "Reason", "message", Risk.LOW, name, version=number)
    for kind in ActionKind
    for name in "ab"
    for number in (9, 10)
]


@given(st.lists(st.sampled_from(MADE_UP)))
def test_the_order_is_total(actions: list[Action]) -> None:
    """Versions are ordered as numbers: 9 before 10."""
    once = ordered(actions)
    assert once == ordered(list(reversed(actions)))
    assert list(once) == sorted(
        once, key=lambda one: (one.kind.level, one.address, one.version or 0, one.kind.value)
    )
