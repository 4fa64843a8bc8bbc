"""The policy's rules as a guard: what blocks a plan, what is only told, what a waiver does, rules
of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from reconciler.domain.declared.desired import (
    CustomRule,
    Desired,
    DesiredClient,
    GuardrailPolicy,
    RuleLevel,
    Violation,
    Waiver,
)
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientStatus
from reconciler.domain.plan.judgement import Judge
from reconciler.domain.plan.plan import Plan
from reconciler.errors import Address, Level, Source
from reconciler.planning.actions.reasons import RotationRequest
from reconciler.planning.planner import make_plan
from tests.kit.texts.cel import judge_here
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

WHERE = Source("policy.yaml", 12, 7)
RULE = Source("policy.yaml", 5, 13)
FIELD = Source("clients/a.yaml", 9, 11)


def observed(*clients: DesiredClient, drop: str = "") -> Observed:
    runner = Runner(World())
    runner.settle(desired(*clients))
    if drop:
        runner.world.destroy_by_hand(drop)
    return runner.look()


def violated(level: str = "deny", name: str = "a") -> Violation:
    return Violation(
        "allowed-hosts", "RC215", RuleLevel(level), name, Address.read(f"client/{name}/webhook/settlements"),
        "no such host",
        "mend it", FIELD,
    )  # fmt: skip


def waiver(
    rule: str = "allowed-hosts", name: str = "a", until: str = "2027-11-24", *environments: str
) -> Waiver:
    return Waiver(rule, name, "agreed", "security@example.com", until, WHERE, environments)


def own(when: str, level: str = "deny", *environments: str) -> CustomRule:
    return CustomRule("mine", RuleLevel(level), when, "not so", RULE, environments)


def planned(live: Observed, wanted: Desired, judge: Judge | None = judge_here, **more: Any) -> Plan:
    return make_plan(inputs(wanted, live, START, judge=judge, **more))


def under(
    policy: GuardrailPolicy, *clients: DesiredClient, violations: tuple[Violation, ...] = ()
) -> Desired:
    return replace(desired(*clients, policy=policy), violations=violations)


def told(plan: Plan, *codes: str) -> list[tuple[str, Level]]:
    return [
        (finding.code, finding.level)
        for finding in plan.findings
        if finding.code in (codes or ("RC215",))
    ]


NOTHING = Observed(START, {}, {}, 16)
A = client("a", webhooks=[webhook()])
WIDER = client("a", webhooks=[webhook()], scopes=["ledger:read", "x:y"])
MOVED = client("a", webhooks=[webhook(url="https://else.example.com/")])
REISSUED = client("a", {"primary": lifecycle(reissue_after=1)}, [webhook()])
SUSPENDED = client("a", webhooks=[webhook()], state="suspended")
ERROR, WARNING, NOTE = Level.ERROR, Level.WARNING, Level.NOTE


@cache
def settled() -> Observed:
    return observed(A, client("b"))


@cache
def drifted() -> Observed:
    return observed(A, client("b"), drop="keys/a.primary")


# Each is built when a test asks for it.
CASES: dict[str, Callable[[], tuple[Observed, DesiredClient, Level]]] = {
    "a new client": lambda: (NOTHING, A, ERROR),
    "a changed one": lambda: (settled(), WIDER, ERROR),
    "a webhook that moved": lambda: (settled(), MOVED, ERROR),
    "renamed": lambda: (
        observed(client("z", webhooks=[webhook()])), client("a", webhooks=[webhook()], renamed_from="z"), ERROR,
    ),
    "resumed": lambda: (observed(SUSPENDED), A, ERROR),
    "unchanged": lambda: (settled(), A, WARNING),
    "a repair": lambda: (drifted(), A, WARNING),
    "a new version after a revocation": lambda: (settled(), REISSUED, WARNING),
    "changed for other environments alone": lambda: (
        settled(), replace(A, base_digest="sha256:0"), WARNING,
    ),
    "reissued, and changed for others": lambda: (
        settled(), replace(REISSUED, base_digest="sha256:0"), WARNING,
    ),
    "changed, and for others": lambda: (settled(), replace(WIDER, base_digest="sha256:0"), ERROR),
    "suspended": lambda: (settled(), SUSPENDED, WARNING),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_violation_blocks(name: str) -> None:
    """A declared change. What is live stays alive: repairs, rotations, an answer to a revocation, a
    suspension."""
    live, declared, level = CASES[name]()
    plan = planned(live, under(GuardrailPolicy(), declared, client("b"), violations=(violated(),)))
    assert told(plan) == [("RC215", level)]
    assert plan.blocked is (level is Level.ERROR)
    (finding,) = (one for one in plan.findings if one.code == "RC215")
    assert (finding.source, finding.address) == (FIELD, "client/a/webhook/settlements")
    assert ("the plan is not blocked" in finding.message) is (level is not Level.ERROR)


def test_a_change_of_another_client_is_not_blocked() -> None:
    plan = planned(
        settled(),
        under(GuardrailPolicy(), A, client("b", scopes=["x:y"]), violations=(violated(),)),
    )
    assert [action.kind for action in plan.changes] == [ActionKind.UPDATE_CLIENT]
    assert told(plan) == [("RC215", WARNING)]
    assert not plan.blocked


def test_a_due_rotation_and_an_emergency_rotation_are_not_blocked() -> None:
    wanted = under(GuardrailPolicy(), A, client("b"), violations=(violated(),))
    due = make_plan(
        inputs(
            wanted, replace(settled(), now=START + timedelta(days=70)), START + timedelta(days=70)
        )
    )
    assert ActionKind.ROTATE_KEY in {action.kind for action in due.changes}
    assert not due.blocked
    asked = planned(
        settled(),
        wanted,
        rotations={"a": RotationRequest("a", None, "leak")},
        only=frozenset({"a"}),
    )
    assert [action.kind for action in asked.changes] == [ActionKind.ROTATE_KEY]
    assert told(asked) == [("RC215", WARNING)]
    assert not asked.blocked


def test_a_plan_about_others_does_not_tell_of_it() -> None:
    wanted = under(GuardrailPolicy(), A, client("b"), violations=(violated(),))
    assert told(planned(settled(), wanted, only=frozenset({"b"}))) == []


def test_the_level_warn_never_blocks() -> None:
    plan = planned(NOTHING, under(GuardrailPolicy(), A, violations=(violated("warn"),)))
    assert told(plan) == [("RC215", WARNING)]
    (finding,) = (one for one in plan.findings if one.code == "RC215")
    assert finding.message == "no such host"


WAIVERS: dict[str, tuple[Waiver, bool]] = {
    "of this client": (waiver(), True),
    "of every client": (waiver(name="*"), True),
    "of another client": (waiver(name="b"), False),
    "of another rule": (waiver("denied-hosts"), False),
    "here": (waiver("allowed-hosts", "a", "2027-11-24", "production"), True),
    "elsewhere": (waiver("allowed-hosts", "a", "2027-11-24", "staging"), False),
    "until tomorrow": (waiver(until="2026-11-24"), True),
    "until today": (waiver(until="2026-11-23"), False),
}


@pytest.mark.parametrize("name", WAIVERS)
def test_a_waiver(name: str) -> None:
    one, holds = WAIVERS[name]
    plan = planned(NOTHING, under(GuardrailPolicy(waivers=(one,)), A, violations=(violated(),)))
    assert told(plan) == [("RC215", WARNING if holds else ERROR)]
    if holds:
        (finding,) = (finding for finding in plan.findings if finding.code == "RC215")
        assert finding.source == WHERE
        assert "waived by security@example.com until" in finding.message
        assert finding.message.startswith("a: ")


def test_a_waiver_tells_of_its_end() -> None:
    def codes(*waivers: Waiver) -> list[tuple[str, Level]]:
        return told(
            planned(settled(), under(GuardrailPolicy(waivers=waivers), A, client("b"))),
            "RC204",
            "RC205",
        )

    assert codes(waiver(until="2026-12-08")) == []
    assert codes(waiver(until="2026-12-07")) == [("RC204", NOTE)]
    assert codes(waiver(until="2026-11-23")) == [("RC205", WARNING)]
    assert codes(waiver("allowed-hosts", "a", "2026-11-23", "staging")) == []


GRANTS = "'payouts:write' in granted"
EVERY = (
    "after.owner.team == '' && after.labels.size() == 0 && after.webhooks.exists(w, after.webhooks[w].url != '' && "
    "after.webhooks[w].probes.tampered == 'off' && after.webhooks[w].probes.eachSecret == 'off')"
    " && after.keys.primary.window == '' && client == 'a'"
)
OWN: dict[str, Callable[[], tuple[str, Observed, DesiredClient | None, list[tuple[str, Level]]]]] = {
    "true for a change": lambda: ("after.state == 'active'", settled(), WIDER, [("RC230", ERROR)]),
    "true for nothing new": lambda: ("after.state == 'active' && client == 'a'", settled(), A, [("RC230", WARNING)]),
    "false": lambda: ("after.state == 'retired'", settled(), WIDER, []),
    "a new client has no before": lambda: ("before == null && client == 'a'", NOTHING, A, [("RC230", ERROR)]),
    "a new client, not expected": lambda: ("before.state == 'active' && client == 'a'", NOTHING, A, [("RC231", ERROR)]),
    "granted": lambda: ("'x:y' in granted && granted['x:y'] == 'high'", settled(), WIDER, [("RC230", ERROR)]),
    "not granted": lambda: (GRANTS, settled(), A, []),
    "withdrawn": lambda: ("'x:y' in withdrawn", observed(WIDER, client("b")), A, [("RC230", ERROR)]),
    "what it may do": lambda: (
        "permissions['ledger:read'] == 'low' && client == 'a'", settled(), A, [("RC230", WARNING)],
    ),
    "the environment": lambda: ("environment == 'production' && client == 'a'", settled(), A, [("RC230", WARNING)]),
    "the risk": lambda: ("risk in ['medium', 'high']", settled(), WIDER, [("RC230", ERROR)]),
    "no action, no risk": lambda: ("risk != 'none'", settled(), A, []),
    "its actions": lambda: ("actions.exists(a, a.kind == 'update-webhook')", settled(), MOVED, [("RC230", ERROR)]),
    "a duration": lambda: (
        "client == 'a' && after.keys.exists(k, after.keys[k].lifetime < duration('2161h'))", settled(), WIDER,
        [("RC230", ERROR)],
    ),
    "a longer life": lambda: ("after.keys.primary.lifetime > before.keys.primary.lifetime", settled(), WIDER, []),
    "every field is there": lambda: (
        EVERY, settled(), A, [("RC230", WARNING)],
    ),
    "a client that ends, declared": lambda: (
        "after == null && before.protect == false", settled(), client("a", state="retired"), [("RC230", ERROR)],
    ),
    "a client that ends, its file gone": lambda: (
        "before != null && after == null", settled(), None, [("RC230", ERROR)],
    ),
    "a rule about what is declared is silent on it": lambda: (
        "after.scopes.exists(s, true) && client == 'a'", settled(), None, [],
    ),
    "a rule that does not expect it": lambda: (
        "before.scopes != after.scopes && client == 'a'", settled(), None, [("RC231", ERROR)],
    ),
    "an operation of null": lambda: ("before.state == after.state && client == 'a'", NOTHING, A, [("RC231", ERROR)]),
    "neither true nor false": lambda: ("after.state", settled(), WIDER, [("RC231", ERROR), ("RC231", WARNING)]),
    "a division by zero": lambda: ("1 / (size(after.scopes) - 2) == 1", settled(), WIDER, [("RC231", ERROR)]),
    "no expression, a change": lambda: ("after.", settled(), WIDER, [("RC232", ERROR)]),
    "no expression, no change": lambda: ("after.", settled(), A, [("RC232", WARNING)]),
    "a slip": lambda: ("afer.x == 1", settled(), WIDER, [("RC232", ERROR)]),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_rule_of_ones_own(name: str) -> None:
    when, live, declared, expected = OWN[name]()
    clients = [one for one in (declared, client("b")) if one is not None]
    plan = planned(live, under(GuardrailPolicy(custom_rules=(own(when),)), *clients))
    found = [finding for finding in plan.findings if finding.code.startswith("RC23")]
    expected_for_b = [("RC230", WARNING)] if name == "true for a change" else []  # b is active, too
    assert sorted((one.code, one.level) for one in found) == sorted(expected + expected_for_b)
    assert all(one.message and one.remedy and one.source for one in found)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (own("true", "warn"), [("RC230", WARNING), ("RC230", WARNING)]),
        (own("after.x == 1", "warn"), [("RC231", WARNING), ("RC231", WARNING)]),
        (own("1 +", "warn"), [("RC232", WARNING)]),
        (own("true", "off"), []),
        (own("1 +", "off"), []),
        (own("true", "deny", "staging"), []),
        (own("true", "deny", "production"), [("RC230", ERROR), ("RC230", WARNING)]),
    ],
)
def test_the_level_and_the_place_of_a_rule_of_ones_own(
    rule: CustomRule, expected: list[tuple[str, Level]]
) -> None:
    plan = planned(settled(), under(GuardrailPolicy(custom_rules=(rule,)), WIDER, client("b")))
    assert sorted(told(plan, "RC230", "RC231", "RC232")) == sorted(expected)


def test_a_rule_of_ones_own_is_waived_for_one_client() -> None:
    policy = GuardrailPolicy(custom_rules=(own("true"),), waivers=(waiver("mine"),))
    plan = planned(settled(), under(policy, WIDER, client("b", scopes=["x:y"])))
    assert {(one.address, one.level) for one in plan.findings if one.code == "RC230"} == {
        ("client/a", WARNING), ("client/b", ERROR),
    }  # fmt: skip


def test_an_expression_that_is_none_is_waived_for_the_whole_plan_only() -> None:
    for name, level in (("a", ERROR), ("*", WARNING)):
        policy = GuardrailPolicy(custom_rules=(own("1 +"),), waivers=(waiver("mine", name),))
        assert told(planned(settled(), under(policy, WIDER, client("b"))), "RC232") == [
            ("RC232", level)
        ]


def test_without_an_evaluator_a_rule_counts_as_broken() -> None:
    plan = planned(
        settled(),
        under(GuardrailPolicy(custom_rules=(own("false"),)), WIDER, client("b")),
        judge=None,
    )
    assert sorted(told(plan, "RC231")) == [("RC231", ERROR), ("RC231", WARNING)]
    assert plan.blocked


def test_what_an_edited_record_says_is_not_trusted() -> None:
    """It could say that everything was there before."""
    record = replace(settled().records["a"], edited=True)
    live = replace(settled(), records={**settled().records, "a": record})
    policy = GuardrailPolicy(custom_rules=(own("client == 'a' && before == null"),))
    plan = planned(live, under(policy, A, client("b")))
    assert told(plan, "RC230") == [("RC230", WARNING)]  # restoring the record is a repair


def test_a_retired_record_was_nothing_before() -> None:
    record = replace(settled().records["a"], status=ClientStatus.RETIRED)
    live = replace(settled(), records={**settled().records, "a": record})
    policy = GuardrailPolicy(custom_rules=(own("client == 'a' && before == null"),))
    assert told(planned(live, under(policy, A, client("b"))), "RC230") == [("RC230", ERROR)]


def test_rules_do_not_change_what_is_done() -> None:
    """The digest is over the actions: a finding more makes no other plan."""
    policy = GuardrailPolicy(custom_rules=(own("true"),))
    with_rules = planned(settled(), under(policy, WIDER, client("b"), violations=(violated(),)))
    without = planned(settled(), under(GuardrailPolicy(), WIDER, client("b")))
    assert with_rules.digest == without.digest
    assert with_rules.actions == without.actions


def test_the_same_inputs_give_the_same_findings_in_any_order_of_clients() -> None:
    rules = GuardrailPolicy(custom_rules=(own("true"),))
    one = planned(settled(), under(rules, WIDER, client("b")))
    two = planned(settled(), under(rules, client("b"), WIDER))
    assert one.findings == two.findings
