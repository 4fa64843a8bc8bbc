"""What a change takes back of what plans are judged by: each thing loosened, tightened and left
alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.declare.schema.schemas import read_schema
from reconciler.domain.declared.alert import AlertKind, Channel, SlackTarget
from reconciler.domain.declared.checkout import Committed
from reconciler.domain.declared.desired import (
    ApplyDemands,
    ApproverRule,
    Budget,
    CustomRule,
    DeliverySettings,
    DistinctApprover,
    Environment,
    GuardrailPolicy,
    Project,
    Rule,
    RuleLevel,
    VaultSettings,
    Waiver,
)
from reconciler.domain.declared.proof import Demand
from reconciler.domain.declared.terms import Terms
from reconciler.domain.values.duration import parse_duration
from reconciler.domain.values.patterns import compile_pattern
from reconciler.domain.values.window import Freeze
from reconciler.errors import Source
from reconciler.planning.loosening.checks import CHECKS, find_loosenings
from reconciler.planning.loosening.places import PLACE_CHECKS
from reconciler.planning.loosening.values import VALUES
from tests.kit.worlds.declared import desired, environment

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
HERE = Source("policy.yaml", 1, 1)
Told = tuple[str, str, str]
ENV = "environments.production"


def terms(
    policy: GuardrailPolicy | None = None, scopes: dict[str, str] | None = None, **place: Any
) -> Terms:
    """``place``: fields of the environment; with ``project_`` before them, of the project."""
    own = {
        name.removeprefix("project_"): value
        for name, value in place.items()
        if name.startswith("project_")
    }
    here = environment(
        **{name: value for name, value in place.items() if not name.startswith("project_")}
    )
    project: Project = replace(desired(place=here).project, **own)
    return Terms(project, here, policy or GuardrailPolicy(), scopes or {})


def parsed_value(field: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return compile_pattern(value) if field == "pattern" else parse_duration(value)


def rule(name: str, level: str = "deny", *environments: str, **values: Any) -> Terms:
    parsed = {field: parsed_value(field, value) for field, value in values.items()}
    return terms(GuardrailPolicy(rules=(Rule(name, RuleLevel(level), parsed, environments),)))


def own(name: str = "mine", level: str = "deny", when: str = "true", *environments: str) -> Terms:
    return terms(
        GuardrailPolicy(
            custom_rules=(CustomRule(name, RuleLevel(level), when, "m", HERE, environments),)
        )
    )


def asks(*rules: ApproverRule) -> Terms:
    return terms(GuardrailPolicy(approvers=rules))


def waived(
    guard: str = "https-only", client: str = "a", until: str = "2026-12-31", *environments: str
) -> Terms:
    return terms(
        GuardrailPolicy(waivers=(Waiver(guard, client, "r", "x", until, HERE, environments),))
    )


def budget(**removals: int) -> Terms:
    return terms(GuardrailPolicy(removals=Budget(**removals)))


def demands(**asked: Any) -> Terms:
    return terms(GuardrailPolicy(apply=ApplyDemands(**asked)))


def vault(**changes: Any) -> Terms:
    made: Environment = environment()
    settings: VaultSettings = replace(made.vault, **changes)
    return terms(vault=settings)


def channel(
    *kinds: AlertKind, variable: str = "A", environments: frozenset[str] = frozenset()
) -> Terms:
    one = Channel(
        "ops", SlackTarget(variable), frozenset(kinds) or frozenset(AlertKind), environments
    )
    return terms(project_alerts=(one,))


NOTHING = terms()
FREEZE = Freeze(NOW + 10 * DAY, NOW + 20 * DAY, "year end")
SPAN = "2026-12-04T00:00:00Z to 2026-12-14T00:00:00Z"
LIMITS = "rules.lifetime"
EVERYTHING = ApproverRule("acme/security")
RISKY = ApproverRule("acme/security", risk="high")

# name -> (strict, loose, what is told of going from the first to the second). The way back tells
# nothing.
CASES: dict[str, tuple[Terms, Terms, list[Told]]] = {
    "plain http": (vault(), vault(plain_http=True), [(f"{ENV}.vault.plainHttp", "false", "true")]),
    "percent": (budget(percent=30), budget(percent=100), [("budgets.removals.percent", "30", "100")]),
    "atLeast": (budget(at_least=10), budget(at_least=99), [("budgets.removals.atLeast", "10", "99")]),
    "changes": (
        NOTHING, terms(GuardrailPolicy(changes=Budget(percent=100))), [("budgets.changes.percent", "30", "100")],
    ),
    "changes atLeast": (
        NOTHING, terms(GuardrailPolicy(changes=Budget(at_least=99))), [("budgets.changes.atLeast", "10", "99")],
    ),
    "deny to warn": (rule("owner"), rule("owner", "warn"), [("rules.owner.level", "deny", "warn")]),
    "deny to off": (rule("owner"), rule("owner", "off"), [("rules.owner.level", "deny", "off")]),
    "warn to off": (rule("owner", "warn"), rule("owner", "off"), [("rules.owner.level", "warn", "off")]),
    "rule removed": (rule("owner"), NOTHING, [("rules.owner.level", "deny", "off")]),
    "rule elsewhere": (rule("owner"), rule("owner", "deny", "staging"), [("rules.owner.level", "deny", "off")]),
    "keyMax": (
        rule("lifetime", keyMax="30d"), rule("lifetime", keyMax="90d"), [(f"{LIMITS}.keyMax", "30d", "90d")],
    ),
    "keyMax gone": (
        rule("lifetime", keyMax="30d", min="1h"), rule("lifetime", min="1h"), [(f"{LIMITS}.keyMax", "30d", "none")],
    ),
    "secretMax": (
        rule("lifetime", secretMax="30d"), rule("lifetime", secretMax="31d"), [(f"{LIMITS}.secretMax", "30d", "31d")],
    ),
    "min": (rule("lifetime", min="2h"), rule("lifetime", min="1h"), [(f"{LIMITS}.min", "2h", "1h")]),
    "level and value": (
        rule("lifetime", keyMax="30d"), rule("lifetime", "warn", keyMax="90d"),
        [(f"{LIMITS}.level", "deny", "warn"), (f"{LIMITS}.keyMax", "30d", "90d")],
    ),
    "renewBeforeMin": (
        rule("rotation", renewBeforeMin="7d"), rule("rotation"), [("rules.rotation.renewBeforeMin", "7d", "none")],
    ),
    "graceMin": (rule("rotation", graceMin="2h"), rule("rotation", graceMin="1h"), [
        ("rules.rotation.graceMin", "2h", "1h"),
    ]),
    "graceMax": (rule("rotation", graceMax="1d"), rule("rotation", graceMax="9d"), [
        ("rules.rotation.graceMax", "1d", "9d"),
    ]),
    "scope-count": (rule("scope-count", max=3), rule("scope-count", max=30), [("rules.scope-count.max", "3", "30")]),
    "allow": (
        rule("wildcard-scopes", allow=("a:*",)), rule("wildcard-scopes", allow=("a:*", "*")),
        [("rules.wildcard-scopes.allow", "[a:*]", "[a:*, *]")],
    ),
    "allow at all": (rule("wildcard-scopes"), rule("wildcard-scopes", allow=("b:*",)), [
        ("rules.wildcard-scopes.allow", "[]", "[b:*]"),
    ]),
    "allowLoopback": (rule("https-only", allowLoopback=False), rule("https-only"), [
        ("rules.https-only.allowLoopback", "false", "true"),
    ]),
    "allowed-hosts": (
        rule("allowed-hosts", hosts=("*.example.com",)), rule("allowed-hosts", hosts=("*.example.com", "evil.example")),
        [("rules.allowed-hosts.hosts", "[*.example.com]", "[*.example.com, evil.example]")],
    ),
    "denied-hosts": (
        rule("denied-hosts", hosts=("a.example", "b.example")), rule("denied-hosts", hosts=("a.example",)),
        [("rules.denied-hosts.hosts", "[a.example, b.example]", "[a.example]")],
    ),
    "pattern gone": (rule("justification", pattern="^A"), rule("justification"), [
        ("rules.justification.pattern", "`^A`", "none"),
    ]),
    "owner.require": (rule("owner"), rule("owner", require=("team",)), [
        ("rules.owner.require", "[team, contact]", "[team]"),
    ]),
    "minPrefix4": (rule("allowed-cidrs", minPrefix4=24), rule("allowed-cidrs"), [
        ("rules.allowed-cidrs.minPrefix4", "24", "1"),
    ]),
    "minPrefix6": (rule("allowed-cidrs", minPrefix6=64), rule("allowed-cidrs", minPrefix6=32), [
        ("rules.allowed-cidrs.minPrefix6", "64", "32"),
    ]),
    "probes.require": (rule("probes"), rule("probes", require=("unsigned",)), [
        ("rules.probes.require", "[tampered, wrongSecret, replayed, unsigned]", "[unsigned]"),
    ]),
    "protection": (
        rule("protection", labels={"tier": "critical"}), rule("protection", labels={"tier": "critical", "x": "y"}),
        [("rules.protection.labels", "tier: critical", "tier: critical, x: y")],
    ),
    "own rule warns": (own(), own(level="warn"), [("customRules.mine", "deny", "warn")]),
    "own rule off": (own(), own(level="off"), [("customRules.mine", "deny", "off")]),
    "own rule gone": (own(), NOTHING, [("customRules.mine", "deny", "none")]),
    "own rule elsewhere": (own(), own("mine", "deny", "true", "staging"), [("customRules.mine", "deny", "none")]),
    "probe demanded less": (
        NOTHING, terms(GuardrailPolicy(probes={"unsigned": Demand.OFF})), [("probes.unsigned", "require", "off")],
    ),
    "approver gone": (asks(EVERYTHING), NOTHING, [
        ("approvers: what acme/security is asked about", "every change", "nothing"),
    ]),
    "approver asked by a higher risk": (asks(RISKY), asks(replace(RISKY, risk="critical")), [
        ("approvers: what acme/security is asked about", "risk high or more", "risk critical or more"),
    ]),
    "approver asked under a condition": (asks(EVERYTHING), asks(RISKY), [
        ("approvers: what acme/security is asked about", "every change", "risk high or more"),
    ]),
    "approver asked of fewer scopes": (
        asks(ApproverRule("x", scopes=("*",))), asks(ApproverRule("x", scopes=("a:*", "b"))),
        [("approvers: what x is asked about", "scopes [*]", "scopes [a:*, b]")],
    ),
    "approver asked of fewer labels": (
        asks(ApproverRule("x", labels={"a": "1"})), asks(ApproverRule("x", labels={"a": "1", "b": "2"})),
        [("approvers: what x is asked about", "labels a: 1", "labels a: 1, b: 2")],
    ),
    "approver asked elsewhere": (asks(EVERYTHING), asks(replace(EVERYTHING, environments=("staging",))), [
        ("approvers: what acme/security is asked about", "every change", "nothing"),
    ]),
    "team without a handle": (terms(GuardrailPolicy(teams={"a": "acme/a"})), NOTHING, [("teams.a", "acme/a", "none")]),
    "signatures": (demands(allowed_signers="keys"), NOTHING, [
        ("apply.signedCommits.allowedSigners", "keys", "none"),
    ]),
    "distinctApprover": (
        demands(distinct_approver=DistinctApprover.ALWAYS), demands(distinct_approver=DistinctApprover.WHEN_KNOWN),
        [("apply.distinctApprover", "always", "when-known")],
    ),
    "committed": (
        demands(committed=Committed.REQUIRE), NOTHING, [("apply.committed", "require", "warn")],
    ),
    "audit branch": (terms(project_audit_branch="main"), NOTHING, [("audit.branch", "main", "none")]),
    "without git": (NOTHING, terms(project_git=False), [("audit.git", "true", "false")]),
    "waiver": (NOTHING, waived(), [("waivers: https-only for a", "none", "until 2026-12-31")]),
    "waiver for everybody": (waived(), waived(client="*"), [
        ("waivers: https-only for every client", "none", "until 2026-12-31"),
    ]),
    "waiver for longer": (waived(), waived(until="9999-12-31"), [
        ("waivers: https-only for a", "until 2026-12-31", "until 9999-12-31"),
    ]),
    "waiver here too": (waived("https-only", "a", "2026-12-31", "staging"), waived(), [
        ("waivers: https-only for a", "none", "until 2026-12-31"),
    ]),
    "risk": (terms(scopes={"x": "critical"}), terms(scopes={"x": "low"}), [("the risk of x", "critical", "low")]),
    "no catalogue": (terms(scopes={"x": "low"}), NOTHING, [("the catalogue", "1 scope", "none: no scope is checked")]),
    "networks": (
        terms(allowed_networks=("10.0.0.0/8",)), terms(allowed_networks=("10.0.0.0/8", "0.0.0.0/0")),
        [(f"{ENV}.allowedNetworks", "[10.0.0.0/8]", "[10.0.0.0/8, 0.0.0.0/0]")],
    ),
    "networks of the other sort": (
        terms(allowed_networks=("10.0.0.0/8",)), terms(allowed_networks=("10.0.0.0/8", "fd00::/8")),
        [(f"{ENV}.allowedNetworks", "[10.0.0.0/8]", "[10.0.0.0/8, fd00::/8]")],
    ),
    "freeze gone": (terms(freezes=(FREEZE,)), NOTHING, [(f"{ENV}.freeze", f"{SPAN} (year end)", "none")]),
    "freeze shorter": (terms(freezes=(FREEZE,)), terms(freezes=(replace(FREEZE, start=FREEZE.start + DAY),)), [
        (f"{ENV}.freeze", f"{SPAN} (year end)", "2026-12-05T00:00:00Z to 2026-12-14T00:00:00Z"),
    ]),
    "requires": (terms(requires="staging"), NOTHING, [(f"{ENV}.requires", "staging", "none")]),
    "ports": (NOTHING, terms(deliveries=DeliverySettings(ports=(22, 443, 8443))), [
        (f"{ENV}.deliveries.ports", "[443, 8443]", "[22, 443, 8443]"),
    ]),
    "alerts gone": (channel(), NOTHING, [("alerts.ops", "alerts go there", "none")]),
    "fewer alerts": (channel(), channel(AlertKind.REVOKED), [
        ("alerts.ops.on", "[cannot-rotate, revoked, verification-failed]", "[revoked]"),
    ]),
    "plans hold longer": (NOTHING, terms(project_plan_expires=30 * DAY), [("plan.expires", "1d", "30d")]),
}  # fmt: skip
# Which of two is looser cannot be told: both ways are told.
EITHER_WAY: dict[str, tuple[Terms, Terms, list[Told]]] = {
    "pattern": (rule("naming", pattern="^a"), rule("naming", pattern="^b"), [("rules.naming.pattern", "`^a`", "`^b`")]),
    "expression": (own(), own(when="false"), [("customRules.mine", "deny", "another expression")]),
    "value without a row": (rule("naming", new=1), rule("naming", new=2), [("rules.naming.new", "1", "2")]),
    "handle": (
        terms(GuardrailPolicy(teams={"a": "acme/a"})), terms(GuardrailPolicy(teams={"a": "mallory"})),
        [("teams.a", "acme/a", "mallory")],
    ),
    "signers": (demands(allowed_signers="a"), demands(allowed_signers="b"), [
        ("apply.signedCommits.allowedSigners", "a", "b"),
    ]),
    "requires another": (terms(requires="a"), terms(requires="b"), [(f"{ENV}.requires", "a", "b")]),
    "address": (vault(address="https://a"), vault(address="https://b"), [
        (f"{ENV}.vault.address", "https://a", "https://b"),
    ]),
    "namespace": (vault(), vault(namespace="n"), [(f"{ENV}.vault.namespace", "none", "n")]),
    "mount": (vault(registry_mount="a"), vault(registry_mount="b"), [(f"{ENV}.vault.mounts", "a", "b")]),
    "mount of secrets": (vault(secrets_mount="a"), vault(secrets_mount="b"), [(f"{ENV}.vault.mounts", "a", "b")]),
    "mount of pairs": (vault(transit_mount="a"), vault(transit_mount="b"), [(f"{ENV}.vault.mounts", "a", "b")]),
    "another approver": (asks(EVERYTHING), asks(replace(EVERYTHING, approver="mallory")), [
        ("approvers: what acme/security is asked about", "every change", "nothing"),
    ]),
    "another guard": (waived(), waived("remove-all"), [
        ("waivers: remove-all for a", "none", "until 2026-12-31"),
    ]),
    "authority": (vault(), vault(ca_cert="ca.pem"), [(f"{ENV}.vault.caCert", "none", "ca.pem")]),
    "authority of deliveries": (NOTHING, terms(deliveries=DeliverySettings(ca_cert="x")), [
        (f"{ENV}.deliveries.caCert", "none", "x"),
    ]),
    "alerts elsewhere": (channel(), channel(variable="B"), [("alerts.ops", "alerts go there", "another address")]),
    "audit": (NOTHING, terms(project_audit_path="x"), [("audit.path", "audit", "x")]),
    "another audit branch": (terms(project_audit_branch="main"), terms(project_audit_branch="x"), [
        ("audit.branch", "main", "x"),
    ]),
}  # fmt: skip
# Neither is looser.
ALIKE: dict[str, tuple[Terms, Terms]] = {
    "renamed rule": (own("a"), own("b")),
    "a rule that is off": (rule("lifetime", "off", keyMax="1d"), rule("lifetime", "off", keyMax="2d")),
    "a rule of another environment": (rule("owner", "deny", "staging"), NOTHING),
    "its environment by name": (rule("owner"), rule("owner", "deny", "production")),
    "an audit branch where there was none": (NOTHING, terms(project_audit_branch="main")),
    "a default": (rule("owner"), rule("owner", require=("team", "contact"))),
    "two halves": (
        terms(allowed_networks=("10.0.0.0/9", "10.128.0.0/9")), terms(allowed_networks=("10.0.0.0/8",)),
    ),
    "a freeze in two parts": (
        terms(freezes=(FREEZE,)),
        terms(freezes=(replace(FREEZE, end=NOW + 15 * DAY), replace(FREEZE, start=NOW + 15 * DAY))),
    ),
    "a freeze that is over": (terms(freezes=(replace(FREEZE, start=NOW - DAY, end=NOW),)), NOTHING),
    "a waiver that is void": (NOTHING, waived(until="2026-11-24")),
    "a waiver of another environment": (NOTHING, waived("https-only", "a", "2027-01-01", "staging")),
    "a host below another": (
        rule("allowed-hosts", hosts=("*.example.com",)),
        rule("allowed-hosts", hosts=("*.example.com", "a.example.com")),
    ),
    "an approver asked twice": (asks(EVERYTHING), asks(RISKY, EVERYTHING)),
    "alerts of another environment": (channel(environments=frozenset({"staging"})), NOTHING),
    "a rule that a new environment never had": (
        replace(rule("owner", "deny", "staging"), environment=None), NOTHING,
    ),
    "a new environment": (replace(terms(requires="a"), environment=None), NOTHING),
}  # fmt: skip


def told(before: Terms, now: Terms) -> list[Told]:
    return [(one.what, one.old, one.new) for one in find_loosenings(before, now, NOW)]


@pytest.mark.parametrize("name", CASES)
def test_what_is_loosened_is_told_and_what_is_tightened_is_not(name: str) -> None:
    strict, loose, expected = CASES[name]
    assert told(strict, loose) == expected
    assert told(loose, strict) == []


@pytest.mark.parametrize("name", EITHER_WAY)
def test_what_cannot_be_compared_is_told_both_ways(name: str) -> None:
    before, now, expected = EITHER_WAY[name]
    assert told(before, now) == expected
    assert told(now, before)


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_as_strict_is_not_told(name: str) -> None:
    before, now = ALIKE[name]
    assert told(before, now) == []


@pytest.mark.parametrize("one", [side for case in CASES.values() for side in case[:2]])
def test_the_same_terms_are_not_looser(one: Terms) -> None:
    assert told(one, one) == []


def test_every_value_of_every_rule_has_its_row() -> None:
    """A value that the schema knows and the table does not would be told whenever it changes."""
    rules = read_schema("GuardrailPolicy")["properties"]["spec"]["properties"]["rules"][
        "properties"
    ]
    known = {(name, field) for name, one in rules.items() for field in one["properties"]}
    assert set(VALUES) == {
        (name, field) for name, field in known if field not in ("level", "environments")
    }


def test_every_check_has_a_case() -> None:
    """Each check, taken out, leaves a case untold."""
    cases = [*CASES.values(), *EITHER_WAY.values()]
    for check in CHECKS:
        assert any(list(check(before, now, NOW)) for before, now, _ in cases), check.__name__
    for place in PLACE_CHECKS:
        assert any(list(place(before, now, NOW)) for before, now, _ in cases), place.__name__
