"""What a plan tells of the terms before: who profits, whom a wildcard lets grow, who is asked
nevertheless."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.domain.declared.desired import (
    ApproverRule,
    CustomRule,
    Desired,
    GuardrailPolicy,
    Rule,
    RuleLevel,
)
from reconciler.domain.declared.terms import Terms
from reconciler.domain.plan.plan import Plan, Risk
from reconciler.engine.planfile.document import plan_json
from reconciler.engine.planfile.load import load_plan
from reconciler.engine.planfile.saved import refuse_stale, refuse_unreviewed
from reconciler.errors import Finding, Source
from reconciler.planning.loosening.terms_before import Before, compare_terms
from reconciler.planning.planner import make_plan
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

SECURITY = ApproverRule("acme/security", risk="high")
SCOPES = {"orders:read": "low", "payouts:write": "critical", "x:read": "low"}
LOW = {**SCOPES, "payouts:write": "low"}
PLACES = {
    ("GuardrailPolicy",): Source("policy.yaml", 1, 1),
    ("ScopeCatalog",): Source("scopes.yaml", 1, 1),
    ("ScopeCatalog", "scopes", "payouts:write", "risk"): Source("scopes.yaml", 7, 9),
}


def terms(of: Desired) -> Terms:
    return Terms(of.project, of.environment, of.policy, of.scopes, PLACES)


def compared(
    live: Desired, before: Desired, now: Desired, only: frozenset[str] | None = None
) -> tuple[Plan, Plan]:
    """The plan of ``now`` where ``live`` is applied, alone and beside the terms of ``before``."""
    runner = Runner(World())
    runner.settle(live)
    observed = runner.look()
    made = inputs(now, observed, START, only=only)
    plan = make_plan(made)
    return plan, compare_terms(plan, Before(terms(before), terms(now), "commit 1a2b3c"), made)


def found(plan: Plan, code: str) -> list[Finding]:
    return [one for one in plan.findings if one.code == code]


def declared(*clients: Any, scopes: dict[str, str] = SCOPES, **policy: Any) -> Desired:
    return desired(*clients, policy=GuardrailPolicy(**policy), scopes=scopes)


BEFORE = declared(client("a", scopes=["orders:read"]), approvers=(SECURITY,))
GRANTED = client("a", scopes=["orders:read", "payouts:write"])


def test_whoever_gains_a_scope_whose_risk_was_lowered_is_named() -> None:
    _, plan = compared(BEFORE, BEFORE, declared(GRANTED, scopes=LOW, approvers=(SECURITY,)))
    (one,) = found(plan, "RC251")
    assert one.message == (
        "scopes.yaml is looser than at commit 1a2b3c: the risk of payouts:write, critical → low; "
        "in this plan a gains it"
    )
    assert one.source == Source("scopes.yaml", 7, 9)
    assert not plan.blocked


def test_whoever_was_to_be_asked_by_the_risk_before_is_asked() -> None:
    """The risk that is shown is today's; the sentence says by which terms somebody is asked."""
    alone, plan = compared(BEFORE, BEFORE, declared(GRANTED, scopes=LOW, approvers=(SECURITY,)))
    assert alone.approvals == ()
    (asked,) = plan.approvals
    assert (asked.approver, asked.addresses) == ("acme/security", ("client/a",))
    assert asked.reasons == (
        "update-client of a: its risk is critical, by the terms of commit 1a2b3c",
    )
    assert {action.risk for action in plan.changes} == {Risk.LOW}


def test_an_approver_who_is_taken_out_in_the_same_change_is_asked() -> None:
    alone, plan = compared(BEFORE, BEFORE, declared(GRANTED))
    assert alone.approvals == ()
    assert [one.approver for one in plan.approvals] == ["acme/security"]
    assert "every" not in plan.approvals[0].reasons[0]
    (one,) = found(plan, "RC250")
    assert "what acme/security is asked about, risk high or more → nothing" in one.message


TIER = {"tier": "critical"}
LABELLED, BARE = client("a", labels=TIER), client("a")
BY_LABEL = ApproverRule("ada", labels=TIER)
BY_RISK = ApproverRule("bob", risk="medium")
LABELS_DECIDE: dict[str, dict[str, Any]] = {
    "an approver": {"approvers": (BY_LABEL, BY_RISK)},
    "a rule": {
        "approvers": (BY_RISK,),
        "rules": (Rule("protection", RuleLevel.DENY, {"labels": TIER}),),
    },
    "a rule of one's own": {
        "approvers": (BY_RISK,),
        "custom_rules": (
            CustomRule(
                "mine", RuleLevel.DENY, "'x' in after.labels", "m", Source("policy.yaml", 1, 1)
            ),
        ),
    },
}


@pytest.mark.parametrize("by", LABELS_DECIDE)
def test_a_change_cannot_take_out_what_a_label_decided_together_with_the_label(by: str) -> None:
    """Whoever is asked by the label, and whoever is asked because the label decides something, is
    asked in any case."""
    policy = LABELS_DECIDE[by]
    before = declared(LABELLED, **policy)
    kept, _ = compared(declared(LABELLED), before, declared(BARE, **policy))
    asked = [one.approver for one in kept.approvals]
    assert "bob" in asked
    _, plan = compared(declared(LABELLED), before, declared(BARE, approvers=(BY_RISK,)))
    assert [one.approver for one in plan.approvals] == asked
    (bob,) = (one for one in plan.approvals if one.approver == "bob")
    assert bob.reasons == ("update-client of a: its risk is medium, by the terms of commit 1a2b3c",)


def test_who_is_asked_anyway_is_told_once_and_without_the_terms_before() -> None:
    everybody = ApproverRule("ada")
    same = declared(GRANTED, approvers=(SECURITY, everybody))
    alone, plan = compared(BEFORE, declared(GRANTED, approvers=(SECURITY, everybody)), same)
    assert plan == alone
    assert [one.approver for one in plan.approvals] == ["acme/security", "ada"]


def test_a_scope_that_is_new_is_not_risky_for_being_new() -> None:
    """It is in no catalogue before; by today's word it is low."""
    now = declared(
        client("a", scopes=["n:read"]), scopes={**SCOPES, "n:read": "low"}, approvers=(SECURITY,)
    )
    _, plan = compared(BEFORE, BEFORE, now)
    assert (plan.findings, plan.approvals) == ((), ())


HTTPS = Rule("https-only", RuleLevel.DENY)


def test_whoever_breaks_a_rule_that_is_taken_back_is_named() -> None:
    plain = client("b", webhooks=[webhook(url="http://hooks.example.com/")])
    before = declared(client("a"), rules=(HTTPS,))
    _, plan = compared(
        before, before, declared(client("a"), plain, rules=(replace(HTTPS, level=RuleLevel.OFF),))
    )
    (one,) = found(plan, "RC250")
    assert one.message == (
        "policy.yaml is looser than at commit 1a2b3c: rules.https-only.level, deny → off; "
        "in this plan b breaks what it was"
    )
    assert one.source == Source("policy.yaml", 1, 1)


WILD = [client(name, scopes=["payouts:*"]) for name in ("a", "b", "c")]
MORE = {**SCOPES, "payouts:all": "critical", "payouts:list": "low", "other": "low"}


@pytest.mark.parametrize("only", [None, frozenset({"d"})])
def test_a_scope_that_is_added_below_a_wildcard_tells_whose_permissions_grow(
    only: frozenset[str] | None,
) -> None:
    before = declared(*WILD, client("d"))
    alone, plan = compared(before, before, declared(*WILD, client("d"), scopes=MORE), only)
    assert alone.changes == ()
    (one,) = found(plan, "RC252")
    assert one.message == (
        "the effective permissions of a, b and c grow by payouts:all (critical) and payouts:list (low), which "
        "scopes.yaml did not have at commit 1a2b3c: without a change of their own, by their wildcards"
    )


def test_a_client_that_gets_the_wildcard_with_the_scope_has_an_action_for_it() -> None:
    before = declared(*WILD, client("d"))
    _, plan = compared(before, before, declared(*WILD, client("d", scopes=["*"]), scopes=MORE))
    assert "of a, b and c grow" in found(plan, "RC252")[0].message
    assert "d" in {action.client for action in plan.changes}


def test_many_clients_are_counted() -> None:
    many = [client(f"c{number}", scopes=["payouts:*"]) for number in range(9)]
    before = declared(*many)
    _, plan = compared(before, before, declared(*many, scopes={**SCOPES, "payouts:all": "low"}))
    assert (
        "of c0, c1, c2, c3, c4 and 4 more grow by payouts:all (low)"
        in found(plan, "RC252")[0].message
    )


def test_neither_the_actions_nor_the_digest_nor_a_comparison_changes() -> None:
    now = declared(GRANTED, scopes=LOW)
    alone, plan = compared(BEFORE, BEFORE, now)
    assert plan != alone
    assert replace(plan, findings=alone.findings, approvals=alone.approvals) == alone
    refuse_stale(plan, alone)
    refuse_unreviewed(plan, alone)
    assert load_plan(plan_json(plan)) == plan
