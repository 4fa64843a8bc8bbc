"""Who must agree to a plan, why, and to what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from reconciler.domain.declared.desired import ApproverRule, Desired, DesiredClient, GuardrailPolicy
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Action, Approval, Permissions, Plan, Risk
from reconciler.engine.planfile.document import plan_json
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import Address
from reconciler.planning.guards.situation import Situation
from reconciler.planning.planner import make_plan
from reconciler.planning.review.approvals import find_approvals, list_approvers
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

SCOPES = {"payouts:read": "low", "payouts:write": "critical", "ledger:read": "low"}


def observed(*clients: DesiredClient) -> Observed:
    runner = Runner(World())
    runner.settle(desired(*clients))
    return runner.look()


def wanted(approvers: tuple[ApproverRule, ...], *clients: DesiredClient) -> Desired:
    return replace(desired(*clients, policy=GuardrailPolicy(approvers=approvers)), scopes=SCOPES)


def planned(
    live: Observed, approvers: tuple[ApproverRule, ...], *clients: DesiredClient, **more: Any
) -> Plan:
    return make_plan(inputs(wanted(approvers, *clients), live, START, **more))


NOTHING = Observed(START, {}, {}, 16)
A = client("a", webhooks=[webhook()])
PAYS = client("a", scopes=["payouts:*"], labels={"tier": "critical", "team": "x"})
EVERYBODY = ApproverRule("acme/platform")


@cache
def settled() -> Observed:
    return observed(A, client("b"))


# Each is built when a test asks for it.
CASES: dict[str, Callable[[], tuple[Observed, ApproverRule, DesiredClient, list[str]]]] = {
    "every change": lambda: (NOTHING, EVERYBODY, A, ["client/a"]),
    "no change": lambda: (settled(), EVERYBODY, A, []),
    "here": lambda: (NOTHING, ApproverRule("x", environments=("production",)), A, ["client/a"]),
    "elsewhere": lambda: (NOTHING, ApproverRule("x", environments=("staging",)), A, []),
    "its labels": lambda: (NOTHING, ApproverRule("x", labels={"tier": "critical"}), PAYS, ["client/a"]),
    "other labels": lambda: (NOTHING, ApproverRule("x", labels={"tier": "critical", "team": "y"}), PAYS, []),
    "a label that is taken away": lambda: (
        observed(PAYS, client("b")), ApproverRule("x", labels={"tier": "critical"}), client("a", scopes=["payouts:*"]),
        ["client/a"],
    ),
    "a label that gets another value": lambda: (
        observed(PAYS, client("b")), ApproverRule("x", labels={"tier": "critical"}),
        client("a", scopes=["payouts:*"], labels={"tier": "low", "team": "x"}), ["client/a"],
    ),
    "what its wildcard means": lambda: (NOTHING, ApproverRule("x", scopes=("payouts:write",)), PAYS, ["client/a"]),
    "a wildcard of the approver": lambda: (NOTHING, ApproverRule("x", scopes=("*:read",)), PAYS, ["client/a"]),
    "other scopes": lambda: (NOTHING, ApproverRule("x", scopes=("ledger:*",)), PAYS, []),
    "a scope that is taken away": lambda: (
        observed(PAYS, client("b")), ApproverRule("x", scopes=("payouts:write",)), client("a"), ["client/a"],
    ),
    "another change of who may do it": lambda: (
        observed(PAYS, client("b")), ApproverRule("x", scopes=("payouts:write",)), client("a", scopes=["payouts:*"]),
        ["client/a"],
    ),
    "all conditions": lambda: (
        NOTHING, ApproverRule("x", risk="low", scopes=("payouts:*",), labels={"team": "x"}), PAYS, ["client/a"],
    ),
    "one condition fails": lambda: (NOTHING, ApproverRule("x", scopes=("payouts:*",), labels={"team": "z"}), PAYS, []),
    "a webhook that moved": lambda: (settled(), EVERYBODY, client("a", webhooks=[webhook(url="https://b.example/")]), [
        "client/a/webhook/settlements",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_who_is_asked_about_what(name: str) -> None:
    live, rule, declared, expected = CASES[name]()
    plan = (
        planned(live, (rule,), declared, client("b"))
        if live is not NOTHING
        else planned(live, (rule,), declared)
    )
    assert [address for approval in plan.approvals for address in approval.addresses] == expected
    assert all(
        approval.approver == rule.approver and approval.reasons for approval in plan.approvals
    )


@pytest.mark.parametrize(
    ("at_least", "risk", "asked"),
    [
        ("low", "low", True),
        ("high", "medium", False),
        ("high", "high", True),
        ("high", "critical", True),
    ],
)
def test_the_risk_is_the_action_s(at_least: str, risk: str, asked: bool) -> None:
    plan = planned(NOTHING, (), A)
    actions = tuple(replace(action, risk=Risk(risk)) for action in plan.actions)
    situation = Situation(
        inputs(wanted((ApproverRule("x", risk=at_least),), A), NOTHING, START), actions
    )
    assert bool(find_approvals(situation)) is asked


def test_a_rotation_that_falls_due_was_agreed_to_before() -> None:
    later = START + timedelta(days=70)
    plan = make_plan(
        inputs(wanted((EVERYBODY,), A, client("b")), replace(settled(), now=later), later)
    )
    assert plan.changes
    assert plan.approvals == ()


@pytest.mark.parametrize(
    ("at_least", "declared", "expected"),
    [
        ("critical", (client("b"),), ["client/a/key/primary"]),
        ("high", (client("a"), client("b")), ["client/a/webhook/settlements/secret"]),
    ],
    ids=["a client that is gone", "a webhook that is gone"],
)
def test_whoever_is_asked_by_risk_is_asked_about_what_a_removal_revokes(
    at_least: str, declared: tuple[DesiredClient, ...], expected: list[str]
) -> None:
    """The change itself is of a lower risk than the end of a version that is in use."""
    live = observed(A, client("b"), client("c"))
    plan = planned(live, (ApproverRule("x", risk=at_least),), *declared, client("c"))
    assert [address for approval in plan.approvals for address in approval.addresses] == expected
    assert "revoke" in plan.approvals[0].reasons[0]


def test_a_revocation_that_no_declared_change_brings_needs_nobody() -> None:
    """The end of a grace was agreed to with the declaration."""
    world = World()
    runner = Runner(world)
    for days in (70, 5):  # the rotation that falls due, and past its grace
        runner.settle(desired(A, client("b")))
        world.pass_time(timedelta(days=days))
    plan = make_plan(inputs(wanted((EVERYBODY,), A, client("b")), runner.look(), world.now()))
    assert "revoke-key" in {action.kind.value for action in plan.actions}
    assert plan.approvals == ()


def test_reasons_are_sentences_told_once_and_in_order() -> None:
    rules = (
        ApproverRule("zoe", scopes=("payouts:*",)),
        ApproverRule("acme/security", scopes=("payouts:write",), labels={"tier": "critical"}),
        ApproverRule("zoe", scopes=("payouts:*",)),
        ApproverRule("zoe"),
    )
    first, second = planned(NOTHING, rules, PAYS, client("c")).approvals
    assert first == Approval(
        "acme/security",
        (
            "register-client of a: its client may use payouts:write and its client has tier: critical",
        ),
        (Address.read("client/a"),),
    )
    assert second.approver == "zoe"
    assert second.addresses == ("client/a", "client/c")
    assert second.reasons == (
        "register-client of a: every change of the declaration",
        "register-client of a: its client may use payouts:read and payouts:write",
        "register-client of c: every change of the declaration",
    )


def test_effective_permissions_count_where_an_action_has_them() -> None:
    """What an action grants or withdraws, whoever worked it out."""
    action = planned(NOTHING, (), A).actions[0]
    asked: Action = replace(action, permissions=Permissions({}, {"refunds:write": Risk.HIGH}))
    situation = Situation(
        inputs(wanted((ApproverRule("x", scopes=("refunds:*",)),), A), NOTHING, START), [asked]
    )
    (approval,) = find_approvals(situation)
    assert "refunds:write" in approval.reasons[0]


def test_without_a_catalogue_a_wildcard_may_mean_anything() -> None:
    rule = ApproverRule("x", scopes=("payouts:*",))
    plan = make_plan(
        inputs(replace(wanted((rule,), client("a", scopes=["*:write"])), scopes={}), NOTHING, START)
    )
    assert plan.approvals


def test_approvals_are_in_the_plan_file_and_come_back() -> None:
    plan = planned(NOTHING, (EVERYBODY, ApproverRule("ada", scopes=("payouts:*",))), PAYS)
    assert len(plan.approvals) == 2
    assert load_plan(plan_json(plan)).approvals == plan.approvals


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (EVERYBODY, ("acme/platform",)),
        (replace(EVERYBODY, risk="high"), ("acme/platform (from high risk)",)),
        (replace(EVERYBODY, scopes=("payouts:*",)), ("acme/platform",)),
        (replace(EVERYBODY, scopes=("payouts:read",)), ("acme/platform",)),  # what * means
        (replace(EVERYBODY, scopes=("ledger:*",)), ()),
        (replace(EVERYBODY, labels={"tier": "critical"}), ("acme/platform",)),
        (replace(EVERYBODY, labels={"tier": "low"}), ()),
        (replace(EVERYBODY, environments=("production",)), ()),
        (replace(EVERYBODY, environments=("staging", "production")), ("acme/platform",)),
    ],
)
def test_who_must_agree_to_changes_of_a_client(rule: ApproverRule, found: tuple[str, ...]) -> None:
    assert list_approvers((rule, rule), PAYS.spec, SCOPES, "staging") == found
