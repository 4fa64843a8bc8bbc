"""A case table for every built-in rule: what keeps it, and what breaks it, where."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.declared.desired import DesiredClient, Rule, RuleLevel
from reconciler.domain.declared.proof import DECLARED_PROBES, GENUINE_ONLY, Probe
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values.patterns import compile_pattern
from reconciler.planning.rules.built_in import POLICY_RULES, RULES_BY_NAME, find_breaches
from tests.kit.worlds.declared import client, lifecycle, webhook

TABLE = ScopeTable(
    {
        "payouts:read": "low",
        "payouts:write": "critical",
        "ledger:read": "low",
        "reports:daily": "low",
    }
)
DAY = timedelta(days=1)
HOOK = "https://hooks.example.com/p"


def hooked(url: str = HOOK, probes: Any = None, **more: Any) -> DesiredClient:
    return client(webhooks=[replace(webhook(url=url), probes=probes or {})], **more)


def lives(lifetime: str = "90d", renew: str = "30d", grace: str = "72h") -> DesiredClient:
    return client(keys={"primary": lifecycle(lifetime, renew, grace)})


def secret(lifetime: str = "90d", renew: str = "30d", grace: str = "72h") -> DesiredClient:
    return client(keys={}, webhooks=[webhook(secret=lifecycle(lifetime, renew, grace))])


def probe(name: str) -> Path:
    return ("webhooks", "settlements", "probes", name)


def hosts(*names: str) -> dict[str, Any]:
    return {"hosts": names}


def allows(*networks: str) -> DesiredClient:
    return client(allowedCidrs=list(networks))


def line(network: str) -> list[Path]:
    return [("allowedCidrs", network)]


WILD = client(scopes=["ledger:read", "payouts:*"])
LIMITS = {"keyMax": 90 * DAY, "secretMax": 30 * DAY, "min": DAY}
BOUNDS = {"renewBeforeMin": 7 * DAY, "graceMin": DAY, "graceMax": 5 * DAY}
TICKET = {"pattern": compile_pattern("^[A-Z]+-[0-9]+ ")}
WIDTHS = {"minPrefix4": 16, "minPrefix6": 64}
CRITICAL = {"labels": {"tier": "critical"}}
FIVE = dict.fromkeys(
    (Probe.TAMPERED, Probe.WRONG_SECRET, Probe.REPLAYED, Probe.FUTURE, Probe.UNSIGNED), "require"
)
SIX = {**FIVE, Probe.NEW_SECRET: "require", Probe.OLD_SECRET: "require"}
NAMED = {"pattern": compile_pattern("^[a-z]+-[a-z0-9]+(-[a-z0-9]+)*$")}
Path = tuple[str, ...]
URL: list[Path] = [("webhooks", "settlements", "url")]
# rule -> what it is set to, a client, where it is broken
CASES: dict[str, dict[str, tuple[dict[str, Any], DesiredClient, list[Path]]]] = {
    "wildcard-scopes": {
        "names": ({}, client(scopes=["payouts:read"]), []),
        "a wildcard": ({}, WILD, [("scopes", "payouts:*")]),
        "an allowed one": ({"allow": ("payouts:*",)}, WILD, []),
        "a narrower one": ({"allow": ("*:read", "p*")}, client(scopes=["pay*:*", "*s:read"]), []),
        "a wider one": ({"allow": ("payouts:*",)}, client(scopes=["*"]), [("scopes", "*")]),
        "one that only begins so": ({"allow": ("payouts:*",)}, client(scopes=["payouts*"]), [("scopes", "payouts*")]),
    },
    "scope-count": {
        "as many": ({"max": 1}, client(), []),
        "one more": ({"max": 1}, client(scopes=["payouts:read", "ledger:read"]), [("scopes",)]),
        "a wildcard counts as what it means": ({"max": 3}, client(scopes=["*"]), [("scopes",)]),
        "what is meant twice counts once": ({"max": 2}, client(scopes=["payouts:*", "payouts:read"]), []),
        "none": ({"max": 0}, client(scopes=[]), []),
    },
    "lifetime": {
        "a key at its limit": (LIMITS, lives("90d"), []),
        "a key over it": (LIMITS, lives("91d"), [("keys", "primary", "lifetime")]),
        "a key too short": (LIMITS, lives("23h", "1h", "1h"), [("keys", "primary", "lifetime")]),
        "a secret at its limit": (LIMITS, secret("30d", "10d"), []),
        "a secret over it": (LIMITS, secret("31d"), [("webhooks", "settlements", "secret", "lifetime")]),
        "no limit for keys": ({"secretMax": DAY}, lives("3650d"), []),
    },
    "rotation": {
        "inside all bounds": (BOUNDS, lives(), []),
        "renewed late": (BOUNDS, lives(renew="6d"), [("keys", "primary", "rotation", "renewBefore")]),
        "short grace": (BOUNDS, lives(grace="23h"), [("keys", "primary", "rotation", "grace")]),
        "long grace": (BOUNDS, lives(grace="6d"), [("keys", "primary", "rotation", "grace")]),
        "no grace, no bounds": ({}, lives(grace="0s"), [("keys", "primary", "rotation", "grace")]),
        "some grace, no bounds": ({}, lives(grace="1s"), []),
        "a secret": (BOUNDS, secret(renew="6d", grace="0s"), [
            ("webhooks", "settlements", "secret", "renewBefore"), ("webhooks", "settlements", "secret", "grace"),
        ]),
    },
    "https-only": {
        "https": ({}, hooked(), []),
        "http": ({}, hooked("http://hooks.example.com/"), URL),
        "loopback": ({}, hooked("http://127.0.0.1:9000/"), []),
        "loopback, not allowed": ({"allowLoopback": False}, hooked("http://localhost/"), URL),
        "what only begins like loopback": ({}, hooked("http://localhost.example.com/"), URL),
        "no URL": ({}, hooked(""), []),
    },
    "allowed-hosts": {
        "exact": (hosts("hooks.example.com"), hooked(), []),
        "with a port": (hosts("hooks.example.com"), hooked("https://hooks.example.com:8443/p"), []),
        "below": (hosts("*.example.com"), hooked("https://a.b.example.com/"), []),
        "not itself": (hosts("*.example.com"), hooked("https://example.com/"), URL),
        "ends alike": (hosts("*.example.com"), hooked("https://evil-example.com/"), URL),
        "begins alike": (hosts("*.example.com"), hooked("https://hooks.example.com.evil.example/"), URL),
        "in the path": (hosts("*.example.com"), hooked("https://evil.example/hooks.example.com"), URL),
        "in the query": (hosts("*.example.com"), hooked("https://evil.example?.example.com"), URL),
        "looks alike": (hosts("apple.example"), hooked("https://xn--80ak6aa92e.example/"), URL),
        "punycode": (hosts("xn--bcher-kva.example"), hooked("https://xn--bcher-kva.example/"), []),
        "an address": (hosts("203.0.113.7"), hooked("https://203.0.113.7/"), []),
        "IPv6": (hosts("2001:db8::1"), hooked("https://[2001:db8::1]:8443/"), []),
        "an address in another form": (hosts("203.0.113.7"), hooked("https://[::ffff:203.0.113.7]/"), URL),
        "one of two": (hosts("a.example", "hooks.example.com"), hooked(), []),
    },
    "denied-hosts": {
        "another": (hosts("*.evil.example"), hooked(), []),
        "exact": (hosts("hooks.example.com"), hooked(), URL),
        "below": (hosts("*.example.com"), hooked("https://a.b.example.com/"), URL),
        "not itself": (hosts("*.example.com"), hooked("https://example.com/"), []),
        "an address": (hosts("169.254.169.254"), hooked("https://169.254.169.254/"), URL),
        "an address within another": (hosts("169.254.169.254"), hooked("https://[::ffff:169.254.169.254]/"), URL),
    },
    "justification": {
        "some": ({}, client(justification="money"), []),
        "none": ({}, client(), [("justification",)]),
        "blanks": ({}, client(justification="  "), [("justification",)]),
        "a ticket": (TICKET, client(justification="PAY-1 money"), []),
        "no ticket": (TICKET, client(justification="money for PAY-1 "), [("justification",)]),
    },
    "owner": {
        "both": ({}, client(owner={"team": "a", "contact": "b"}), []),
        "none": ({}, client(), [("owner", "team"), ("owner", "contact")]),
        "no contact": ({}, client(owner={"team": "a"}), [("owner", "contact")]),
        "a blank": ({}, client(owner={"team": " ", "contact": "b"}), [("owner", "team")]),
        "a team will do": ({"require": ("team",)}, client(owner={"team": "a"}), []),
    },
    "allowed-cidrs": {
        "some": ({}, client(allowedCidrs=["203.0.113.0/24"]), []),
        "none": ({}, client(), [("allowedCidrs",)]),
        "no key": ({}, client(keys={}, webhooks=[webhook()]), []),
        "the internet": ({}, client(allowedCidrs=["0.0.0.0/0"]), [("allowedCidrs", "0.0.0.0/0")]),
        "the other internet": ({"minPrefix4": 8}, client(allowedCidrs=["::/0"]), [("allowedCidrs", "::/0")]),
        "wide": ({"minPrefix4": 24}, client(allowedCidrs=["10.0.0.0/8"]), [("allowedCidrs", "10.0.0.0/8")]),
        "as wide as may be": (
            {"minPrefix4": 8, "minPrefix6": 32}, client(allowedCidrs=["10.0.0.0/8", "2001:db8::/32"]), [],
        ),
        "IPv4 in the clothes of IPv6": (WIDTHS, allows("::ffff:0:0/96"), line("::ffff:0:0/96")),
        "half of it": (WIDTHS, allows("::ffff:0:0/97"), line("::ffff:0:0/97")),
        "a piece of it": (WIDTHS, allows("::ffff:10.0.0.0/111"), line("::ffff:10.0.0.0/111")),
        "as much of it as may be": (WIDTHS, allows("::ffff:10.0.0.0/112"), []),
        "IPv4 inside a wide network": (WIDTHS, allows("::/64"), line("::/64")),
        "IPv4 in the clothes of IPv6, and as much more": (WIDTHS, allows("::fffe:0:0/95"), line("::fffe:0:0/95")),
        "NAT64": (WIDTHS, allows("64:ff9b::/96"), line("64:ff9b::/96")),
        "a piece of NAT64": (WIDTHS, allows("64:ff9b::a00:0/111"), line("64:ff9b::a00:0/111")),
        "as much of NAT64 as may be": (WIDTHS, allows("64:ff9b::a00:0/112"), []),
        "NAT64 of one's own": (WIDTHS, allows("64:ff9b:1:7::/64"), line("64:ff9b:1:7::/64")),
        "IPv4-translated": (WIDTHS, allows("::ffff:0:0:0/96"), line("::ffff:0:0:0/96")),
        "6to4": ({"minPrefix4": 16}, allows("2002::/16"), line("2002::/16")),
        "a piece of 6to4": ({"minPrefix4": 16}, allows("2002:a00::/31"), line("2002:a00::/31")),
        "as much of 6to4 as may be": ({"minPrefix4": 16}, allows("2002:a00::/32"), []),
        "Teredo": ({"minPrefix4": 16}, allows("2001::/32"), line("2001::/32")),
        "a server of Teredo": (WIDTHS, allows("2001:0:a00:1::/64"), line("2001:0:a00:1::/64")),
        "two of them": (
            WIDTHS, allows("64:ff9b::/96", "10.1.0.0/16", "10.0.0.0/8"), line("64:ff9b::/96") + line("10.0.0.0/8"),
        ),
        "half": ({}, allows("0.0.0.0/1"), line("0.0.0.0/1")),
        "halves": ({}, allows("0.0.0.0/1", "128.0.0.0/1"), line("0.0.0.0/1") + line("128.0.0.0/1")),
        "quarters of the internet": ({}, allows("0.0.0.0/2", "128.0.0.0/2"), [("allowedCidrs",)]),
        "every second network": (
            {"minPrefix4": 8}, allows(*(f"{first}.0.0.0/8" for first in range(0, 256, 2))), [("allowedCidrs",)],
        ),
        "two halves": ({"minPrefix4": 24}, allows("10.0.0.0/24", "10.0.1.0/24"), [("allowedCidrs",)]),
        "two halves in two forms": (
            {"minPrefix4": 24}, allows("10.0.0.0/24", "64:ff9b::a00:100/120"), [("allowedCidrs",)],
        ),
        "neighbours that are no network": ({"minPrefix4": 24}, allows("10.0.1.0/24", "10.0.2.0/24"), []),
        "no network at all": ({}, client(allowedCidrs=["nonsense"]), []),  # that is reported where it is written
    },
    "probes": {
        "all": ({}, hooked(probes=FIVE), []),
        "none": ({}, hooked(probes=dict.fromkeys(SIX, "off")), [probe(name) for name in GENUINE_ONLY]),
        "none, each asked for": (
            {"require": tuple(DECLARED_PROBES)}, hooked(probes=dict.fromkeys(SIX, "off")),
            [probe(name) for name in DECLARED_PROBES],
        ),
        "every one": ({"require": tuple(DECLARED_PROBES)}, hooked(probes=SIX), []),
        "one that is off unless it is asked for": ({}, hooked(probes={**FIVE, Probe.FUTURE: "off"}), []),
        "it is asked for": ({"require": ("future",)}, hooked(probes={**FIVE, Probe.FUTURE: "off"}), [probe("future")]),
        "a rotation that need not be known": (
            {"require": ("eachSecret",)}, hooked(probes={**SIX, Probe.NEW_SECRET: "warn", Probe.OLD_SECRET: "warn"}),
            [probe("eachSecret")],
        ),
        "no room for a second signature": ({"require": ("eachSecret",)}, hooked(probes=FIVE), []),
        "the scheme has no room for them": ({}, hooked(), []),
        "one of two": (
            {"require": ("tampered", "unsigned")}, hooked(probes={**FIVE, Probe.UNSIGNED: "warn"}), [probe("unsigned")],
        ),
        "no webhook": ({}, client(), []),
    },
    "naming": {
        "as asked": (NAMED, client("paystack-payouts"), []),
        "otherwise": (NAMED, client("payouts"), [("name",)]),
    },
    "protection": {
        "protected": (CRITICAL, client(protect=True, labels={"tier": "critical"}), []),
        "not protected": (CRITICAL, client(labels={"tier": "critical", "a": "b"}), [("protect",)]),
        "of another importance": (CRITICAL, client(labels={"tier": "low"}), []),
        "without labels": (CRITICAL, client(), []),
    },
}  # fmt: skip
EACH = [(name, case) for name, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(("name", "case"), EACH, ids=[f"{name}, {case}" for name, case in EACH])
def test_rule(name: str, case: str) -> None:
    values, declared, expected = CASES[name][case]
    found = list(find_breaches(declared, [Rule(name, RuleLevel.DENY, values)], "production", TABLE))
    assert [breach.path for _, _, breach in found] == expected
    for rule, row, breach in found:
        assert row is RULES_BY_NAME[rule.name]
        assert breach.message
        assert breach.remedy
        assert not breach.address or breach.address.startswith(f"client/{declared.name}/")


def test_every_rule_has_cases_that_keep_and_that_break_it() -> None:
    assert list(CASES) == [row.name for row in POLICY_RULES]
    for cases in CASES.values():
        assert {bool(expected) for _, _, expected in cases.values()} == {True, False}


@pytest.mark.parametrize(
    ("rule", "state", "broken"),
    [
        (Rule("justification", RuleLevel.DENY), "active", True),
        (Rule("justification", RuleLevel.WARN), "suspended", True),
        (Rule("justification", RuleLevel.OFF), "active", False),
        (Rule("justification", RuleLevel.DENY), "retired", False),
        (Rule("justification", RuleLevel.DENY, environments=("staging",)), "active", False),
        (
            Rule("justification", RuleLevel.DENY, environments=("staging", "production")),
            "active",
            True,
        ),
    ],
)
def test_when_a_rule_is_asked(rule: Rule, state: str, broken: bool) -> None:
    assert bool(list(find_breaches(client(state=state), [rule], "production", TABLE))) is broken


def test_without_a_catalogue_a_wildcard_counts_as_one() -> None:
    rules = [
        Rule("scope-count", RuleLevel.DENY, {"max": 1}),
        Rule("wildcard-scopes", RuleLevel.DENY),
    ]
    found = list(find_breaches(client(scopes=["payouts:*"]), rules, "production", ScopeTable({})))
    assert [rule.name for rule, _, _ in found] == ["wildcard-scopes"]
