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
from reconciler.errors import Address
from reconciler.planning.actions.inputs import Inputs, Standing
from reconciler.planning.actions.order import sort_actions
from reconciler.planning.planner import make_plan
from tests.kit.worlds.asked import changed, inputs
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


def situation(edited: str = "alpha") -> Inputs:
    """Four registered clients: one changed, one dropped, one unchanged, one with a webhook; and a
    new one."""
    runner = Runner(World())
    before = [client(name) for name in NAMES[:3]] + [client("delta", webhooks=[webhook()])]
    runner.settle(desired(*before))
    observed = runner.look()
    after = [
        client(edited, scopes=("a:b",)),
        client("gamma"),
        client("delta", webhooks=[webhook()]),
        client("epsilon"),
    ]
    return inputs(desired(*after), observed, observed.now)


@given(st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_of_files_or_records(chance: random.Random) -> None:
    made = situation()
    plan = make_plan(made)
    clients, records = list(made.desired.clients.items()), list(made.observed.records.items())
    secrets = list(made.observed.secrets.items())
    for items in (clients, records, secrets):
        chance.shuffle(items)
    shuffled = changed(
        made,
        desired=replace(made.desired, clients=dict(clients)),
        observed=replace(made.observed, records=dict(records), secrets=dict(secrets)),
    )
    assert make_plan(shuffled) == plan


def test_actions_come_by_level_and_address() -> None:
    plan = make_plan(situation())
    keys = [(action.kind.level, action.address, action.version or 0) for action in plan.actions]
    assert keys == sorted(keys)
    assert len(keys) > 5


def test_the_digest_is_not_about_the_time_of_planning() -> None:
    made = situation()
    later = changed(made, at=made.now + timedelta(minutes=5))
    assert make_plan(later).digest == make_plan(made).digest


def other_environment(made: Inputs) -> Inputs:
    place = replace(made.desired.environment, name="elsewhere")
    return changed(made, desired=replace(made.desired, environment=place))


def other_revision(made: Inputs) -> Inputs:
    records = dict(made.observed.records)
    records["alpha"] = replace(records["alpha"], revision=records["alpha"].revision + 1)
    return changed(made, observed=replace(made.observed, records=records))


def other_declaration(made: Inputs) -> Inputs:
    clients = {**made.desired.clients, "alpha": client("alpha", scopes=("a:c",))}
    return changed(made, desired=replace(made.desired, clients=clients))


@pytest.mark.parametrize(
    "change",
    [
        other_environment,
        other_revision,
        other_declaration,
        lambda made: changed(made, standing=Standing(Checkout(head="1" * 40))),
        lambda made: changed(made, standing=Standing(Checkout(dirty=("policy.yaml",)))),
        lambda made: changed(
            made, standing=Standing(Checkout(applied="1" * 40, descent=Descent.BESIDE), "1" * 40)
        ),
        lambda made: changed(made, only=["alpha"]),
    ],
)
def test_the_digest_changes_with_what_it_covers(change: object) -> None:
    made = situation()
    assert callable(change)
    assert make_plan(change(made)).digest != make_plan(made).digest


def test_the_digest_does_not_change_with_a_client_that_is_left_alone() -> None:
    made = situation()
    records = dict(made.observed.records)
    records["gamma"] = replace(records["gamma"], revision=records["gamma"].revision + 1)
    other = changed(made, observed=replace(made.observed, records=records))
    assert make_plan(other).digest == make_plan(made).digest


def clients_of(plan: Plan) -> set[str]:
    return {action.client for action in plan.actions}


def test_a_plan_is_narrowed_to_clients_and_addresses() -> None:
    made = situation()
    assert clients_of(make_plan(made)) == {"alpha", "beta", "epsilon"}
    assert clients_of(make_plan(changed(made, only=["beta", "gamma"]))) == {"beta"}
    assert clients_of(make_plan(changed(made, only=[]))) == set()
    [action] = make_plan(changed(made, addresses=["client/epsilon/key/primary"])).actions
    assert action.kind is ActionKind.ISSUE_KEY


MADE_UP = [
    Action(
        kind, Address.read(f"client/{name}"), "Reason", "message", Risk.LOW, name, version=number
    )
    for kind in ActionKind
    for name in "ab"
    for number in (9, 10)
]


@given(st.lists(st.sampled_from(MADE_UP)))
def test_the_order_is_total(actions: list[Action]) -> None:
    """Versions are ordered as numbers: 9 before 10."""
    once = sort_actions(actions)
    assert once == sort_actions(list(reversed(actions)))
    assert list(once) == sorted(
        once, key=lambda one: (one.kind.level, one.address, one.version or 0, one.kind.value)
    )
