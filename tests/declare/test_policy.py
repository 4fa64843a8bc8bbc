"""A policy: what is wrong with it, and what its rules find, each at the field that is to blame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.declare import load, read_schema, validate
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map
from reconciler.declare.findings.places import inside
from reconciler.declare.policy.policy import demands_in
from reconciler.declare.webhooks.urls import host_pattern
from reconciler.declare.yaml.text import parse
from reconciler.domain.declared.desired import ApplyDemands, DistinctApprover
from reconciler.domain.declared.proof import DECLARED_PROBES, DEFAULT_DEMANDS, GENUINE_ONLY, Demand
from reconciler.domain.declared.schemes import SCHEMES
from reconciler.errors import Finding, Level
from reconciler.errors.codes.policy import POLICY_CODES
from reconciler.planning.guards.guards import WORDS
from reconciler.planning.rules.built_in import POLICY_RULES
from reconciler.report.findings import findings_text
from tests.declare.conftest import CLIENT, PROJECT, TEMPLATE, MakeProject, client
from tests.kit.texts.cel import judge_here

C, G, T = "clients/payouts.yaml", "policy.yaml", "templates/paystack.yaml"
NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
HEAD = "apiVersion: reconciler/v1\nkind: GuardrailPolicy\nspec:\n"
Place = tuple[str, str, int, int]


def rules(text: str) -> str:
    """A policy with one rule, which begins in column 5 of line 5."""
    return f"{HEAD}  rules:\n    {text}\n"


def own(when: str, level: str = "deny") -> str:
    """A policy with one rule of one's own, whose expression begins in column 13 of line 7."""
    return f"{HEAD}  customRules:\n    - name: mine\n      level: {level}\n      when: {when}\n      message: not so\n"


def waiver(text: str, until: str = "2027-02-28") -> str:
    return f"  waivers:\n    - {{{text}, reason: x, approver: y, until: {until}}}\n"


def places(findings: Sequence[Finding]) -> list[Place]:
    return [
        (f.code, f.source.file, f.source.line, f.source.column) if f.source else (f.code, "", 0, 0)
        for f in findings
    ]


WILD = CLIENT.replace("[payouts:write]", '[ledger:read, "payouts:*"]')
# http is sent only inside allowedNetworks.
STAGING_HTTP = {
    C: CLIENT.replace("https://hooks.staging", "http://hooks.staging"),
    "reconciler.yaml": PROJECT.replace(
        "    production:\n", "      allowedNetworks: [10.0.0.0/8]\n    production:\n", 1
    ),
}
HIGH = "wildcard-scopes: {level: deny"
CASES: dict[str, tuple[dict[str, str], list[Place]]] = {
    # What cannot be used
    "no guard and no rule": (
        {G: HEAD + waiver("client: payouts")}, [("RC207", G, 5, 7)],
    ),
    "a guard and a rule": (
        {G: HEAD + waiver("guard: freeze, rule: naming, client: payouts")}, [("RC207", G, 5, 7)],
    ),
    "no guard": ({G: HEAD + waiver("guard: frost, client: payouts")}, [("RC126", G, 5, 15)]),
    "no such rule": ({G: HEAD + waiver("rule: wildcard-scope, client: payouts")}, [("RC203", G, 5, 14)]),
    "a guard for a rule": ({G: HEAD + waiver("rule: freeze, client: payouts")}, [("RC203", G, 5, 14)]),
    "a waiver elsewhere": (
        {G: HEAD + waiver("guard: freeze, client: payouts, environments: [stagin]")}, [("RC133", G, 5, 55)],
    ),
    "a rule elsewhere": ({G: rules("owner: {level: warn, environments: [stagin]}")}, [("RC133", G, 5, 41)]),
    "an approver elsewhere": (
        {G: HEAD + "  approvers: [{approver: a, when: {environments: [prod]}}]\n"}, [("RC133", G, 4, 51)],
    ),
    "an approver of no scope": (
        {G: HEAD + '  approvers: [{approver: a, when: {scopes: ["refunds:*"]}}]\n'}, [("RC135", G, 4, 45)],
    ),
    "no handle": ({G: HEAD + '  approvers: [{approver: "a b"}]\n'}, [("RC127", G, 4, 26)]),
    "no handle of a team": ({G: HEAD + '  teams: {payments: "a b"}\n'}, [("RC127", G, 4, 21)]),
    "a leading dot": ({G: rules("denied-hosts: {level: deny, hosts: [.evil.example]}")}, [("RC208", G, 5, 41)]),
    "a star inside": ({G: rules('denied-hosts: {level: deny, hosts: ["a.*.example"]}')}, [("RC208", G, 5, 41)]),
    "two names for one host": (
        {G: rules("allowed-hosts: {level: deny, hosts: [straße.example]}")}, [("RC208", G, 5, 42)],
    ),
    "a bad pattern": ({G: rules("naming: {level: deny, pattern: '^pay(outs'}")}, [("RC208", G, 5, 41)]),
    "a bad pattern, folded": (
        {G: rules("naming:\n      level: deny\n      pattern: >\n        ^pay(outs")}, [("RC208", G, 8, 13)],
    ),
    "no limit": ({G: rules("lifetime: {level: deny}")}, [("RC208", G, 5, 15)]),
    "crossed limits": ({G: rules("rotation: {level: deny, graceMin: 3d, graceMax: 1d}")}, [("RC208", G, 5, 39)]),
    "no duration": ({G: rules("lifetime: {level: deny, keyMax: 99999d}")}, [("RC150", G, 5, 37)]),
    "an unknown rule": ({G: rules("owners: {level: deny}")}, [("RC123", G, 5, 5)]),
    "no level": ({G: rules("owner: {require: [team]}")}, [("RC124", G, 5, 12)]),
    "an unknown level": ({G: rules("owner: {level: error}")}, [("RC126", G, 5, 20)]),
    "a name twice": (
        {G: own("'false'") + own("'false'").removeprefix(HEAD).replace("  customRules:\n", "")},
        [("RC233", G, 9, 13)],
    ),
    "the name of a rule": ({G: own("'false'").replace("mine", "naming")}, [("RC233", G, 5, 13)]),
    "the name of a guard": ({G: own("'false'").replace("mine", "freeze")}, [("RC233", G, 5, 13)]),
    "signers outside": (
        {G: HEAD + "  apply: {signedCommits: {allowedSigners: ../keys}}\n"}, [("RC160", G, 4, 43)],
    ),
    "signers in the reports": (
        {G: HEAD + "  apply: {signedCommits: {allowedSigners: audit/keys}}\n"}, [("RC160", G, 4, 43)],
    ),
    # What the rules find
    "wildcard-scopes": ({G: rules("wildcard-scopes: {level: deny}"), C: WILD}, [("RC210", C, 8, 25)]),
    "scope-count": ({G: rules("scope-count: {level: deny, max: 2}"), C: WILD}, [("RC211", C, 8, 11)]),
    "lifetime, in the template": ({G: rules("lifetime: {level: deny, keyMax: 30d}")}, [("RC212", T, 6, 33)]),
    "lifetime, in the client": (
        {
            G: rules("lifetime: {level: deny, keyMax: 30d}"),
            C: CLIENT.replace("    production:\n", "    production:\n      keys: [{name: primary, lifetime: 91d}]\n"),
        },
        [("RC212", C, 13, 40), ("RC212", T, 6, 33)],
    ),
    "lifetime, by default": (
        {G: rules("lifetime: {level: deny, keyMax: 30d}"), C: client()}, [("RC212", C, 6, 17)],
    ),
    "lifetime of a secret": ({G: rules("lifetime: {level: deny, secretMax: 30d}")}, [("RC212", T, 8, 72)]),
    "rotation": ({G: rules("rotation: {level: deny, graceMin: 4d}")},
                 [("RC213", T, 6, 74), ("RC213", T, 8, 61)]),
    "https-only": ({G: rules("https-only: {level: deny}"), **STAGING_HTTP}, [("RC214", C, 11, 43)]),
    "https-only elsewhere": (
        {G: rules("https-only: {level: deny, environments: [production]}"), **STAGING_HTTP}, [],
    ),
    "allowed-hosts": (
        {G: rules('allowed-hosts: {level: deny, hosts: ["*.staging.example.com"]}')}, [("RC215", C, 13, 43)],
    ),
    "denied-hosts": ({G: rules("denied-hosts: {level: deny, hosts: [hooks.example.com]}")}, [("RC216", C, 13, 43)]),
    "justification": ({G: rules("justification: {level: deny}")}, [("RC217", C, 4, 9)]),
    "justification without a ticket": (
        {G: rules('justification: {level: deny, pattern: "^[A-Z]+-[0-9]+ "}'), C: CLIENT + "  justification: money\n"},
        [("RC217", C, 14, 18)],
    ),
    "owner": ({G: rules("owner: {level: deny}")}, [("RC218", C, 7, 10)]),
    "allowed-cidrs": ({G: rules("allowed-cidrs: {level: deny}")}, [("RC219", C, 4, 9)]),
    "a wide network": (
        {G: rules("allowed-cidrs: {level: deny, minPrefix6: 48}"), C: CLIENT + '  allowedCidrs: ["2001:DB8::/32"]\n'},
        [("RC219", C, 14, 18)],
    ),
    "probes": (
        {G: rules("probes: {level: deny, require: [tampered]}") + "  probes: {tampered: warn}\n"},
        [("RC220", C, 11, 25), ("RC220", C, 13, 25)],
    ),
    "a probe that is off unless it is asked for": (
        {
            G: rules("probes: {level: deny, require: [future]}"),
            C: CLIENT.replace('hooks.example.com/p"', 'hooks.example.com/p", signature: {scheme: stripe}'),
        },
        [("RC220", C, 13, 25)],
    ),
    "naming": ({G: rules('naming: {level: deny, pattern: "^x-"}')}, [("RC221", C, 4, 9)]),
    "protection": (
        {
            G: rules("protection: {level: deny, labels: {tier: critical}}"),
            C: CLIENT.replace("name: payouts\n", "name: payouts\n  labels: {tier: critical, team: a}\n"),
        },
        [("RC222", C, 4, 9)],
    ),
    "one rule of one's own": ({G: own("after.owner.team == 'payments'")}, [("RC230", C, 4, 9)]),
    "no such field": ({G: own("after.labels.tier == 'x'")}, [("RC231", G, 7, 13)]),
    "no answer": ({G: own("after.owner.team")}, [("RC231", G, 7, 13)]),
    "a slip": ({G: own("afer.owner.team == 'x'")}, [("RC232", G, 7, 13)]),
    "a slip behind a quote": ({G: own('"true || afer"')}, [("RC232", G, 7, 22)]),
    "a slip in a block": (
        {G: own("|\n        after.state == 'active'\n          &&& true")}, [("RC232", G, 9, 13)],
    ),
    "no function": ({G: own("lower(after.state) == 'x'")}, [("RC232", G, 7, 13)]),
    "what needs Vault is left to plan": ({G: own("before != null && size(granted) > 0")}, []),
    "a rule that is off is still an expression": ({G: own("after.", "'off'")}, [("RC232", G, 7, 19)]),
    "a rule that is off finds nothing": ({G: own("'true'", "'off'")}, []),
    # Waivers
    "waived": (
        {G: rules(f"{HIGH}}}") + waiver("rule: wildcard-scopes, client: payouts"), C: WILD}, [("RC210", G, 7, 7)],
    ),
    "waived in the other environment": (
        {
            G: rules('naming: {level: deny, pattern: "^x-"}')
            + waiver("rule: naming, client: payouts, environments: [staging]")
        },
        [("RC221", C, 4, 9), ("RC221", G, 7, 7)],
    ),
    "a rule of one's own, waived": (
        {G: own("'true'") + waiver('rule: mine, client: "*"')}, [("RC209", G, 10, 7), ("RC230", G, 10, 7)],
    ),
    "void": (
        {G: rules(f"{HIGH}}}") + waiver("rule: wildcard-scopes, client: payouts", "2026-11-23"), C: WILD},
        [("RC210", C, 8, 25), ("RC205", G, 7, 7)],
    ),
    "void tomorrow": (
        {G: rules(f"{HIGH}}}") + waiver("rule: wildcard-scopes, client: payouts", "2026-11-24"), C: WILD},
        [("RC204", G, 7, 7), ("RC210", G, 7, 7)],
    ),
    "void in fifteen days": ({G: HEAD + waiver("guard: freeze, client: payouts", "2026-12-08")}, []),
    "void in fourteen days": (
        {G: HEAD + waiver("guard: freeze, client: payouts", "2026-12-07")}, [("RC204", G, 5, 7)],
    ),
    "covers nothing": (
        {G: rules(f"{HIGH}}}") + waiver("rule: wildcard-scopes, client: payouts")}, [("RC206", G, 7, 7)],
    ),
    "covers nothing, for nobody": (
        {G: rules(f"{HIGH}}}") + waiver('rule: wildcard-scopes, client: "*"')},
        [("RC206", G, 7, 7), ("RC209", G, 7, 7)],
    ),
    "for more than a year": (
        {G: HEAD + waiver("guard: freeze, client: payouts", "2027-11-25")}, [("RC209", G, 5, 7)],
    ),
    "for a year": ({G: HEAD + waiver("guard: freeze, client: payouts", "2027-11-24")}, []),
    "for every client": ({G: HEAD + waiver('guard: freeze, client: "*"')}, [("RC209", G, 5, 7)]),
    "of the whole plan": ({G: HEAD + waiver('guard: remove-all, client: "*"')}, []),
    "of a rule that is off": ({G: HEAD + waiver("rule: naming, client: payouts")}, [("RC206", G, 5, 7)]),
    "may cover something in Vault": ({G: own("before != null") + waiver("rule: mine, client: payouts")}, []),
}  # fmt: skip


def judged(root: Path) -> list[Finding]:
    return validate(root, now=NOW, judge=judge_here)


@pytest.mark.parametrize("name", CASES)
def test_code_and_place(name: str, make_project: MakeProject) -> None:
    changes, expected = CASES[name]
    found = judged(make_project(changes))
    assert places(found) == expected
    assert all(finding.message and finding.remedy for finding in found)


def test_every_code_of_a_policy_is_provoked() -> None:
    provoked = {place[0] for _, expected in CASES.values() for place in expected}
    assert {code.id for code in POLICY_CODES} - provoked == {"RC201", "RC202"}  # in test_bad_input


def test_every_rule_is_in_the_schema_and_every_guard_can_be_waived() -> None:
    spec = read_schema("GuardrailPolicy")["properties"]["spec"]["properties"]
    assert set(spec["rules"]["properties"]) == {row.name for row in POLICY_RULES}
    assert spec["waivers"]["items"]["properties"]["guard"]["enum"] == list(WORDS)
    titles = {code.id: code.title for code in POLICY_CODES if code.title.startswith("Rule ")}
    assert {row.code: f"Rule {row.name}" for row in POLICY_RULES}.items() <= titles.items()


def test_every_probe_can_be_declared_and_required() -> None:
    spec = read_schema("GuardrailPolicy")["properties"]["spec"]["properties"]
    required = spec["rules"]["properties"]["probes"]["properties"]["require"]
    assert required["items"]["enum"] == list(spec["probes"]["properties"]) == list(DECLARED_PROBES)
    assert required["maxItems"] == len(DECLARED_PROBES)
    assert all(name in required["description"] for name in GENUINE_ONLY)


def test_what_is_required_by_default_is_what_every_scheme_is_sent_by_default() -> None:
    unasked = {name for name, demand in DEFAULT_DEMANDS.items() if demand is Demand.REQUIRE}
    assert set(GENUINE_ONLY) == unasked - {"future"}
    assert [name for name, scheme in SCHEMES.items() if not scheme.refuses_future] == ["stripe"]


def test_the_level_is_the_policy_s(make_project: MakeProject) -> None:
    for level, expected in (("deny", [Level.ERROR]), ("warn", [Level.WARNING]), ("off", [])):
        root = make_project({G: rules(f'naming: {{level: {level}, pattern: "^x-"}}')})
        assert [finding.level for finding in judged(root)] == expected
    (waived,) = judged(make_project(CASES["waived"][0]))
    assert waived.level is Level.WARNING
    assert "payouts" in waived.message
    assert "waived by y until 2027-02-28: x" in waived.message
    softer = {**CASES["waived"][0], G: CASES["waived"][0][G].replace("deny", "warn")}
    (waived,) = judged(make_project(softer))
    assert waived.level is Level.NOTE


def test_what_breaks_a_rule_does_not_make_the_declaration_invalid(
    make_project: MakeProject,
) -> None:
    """An emergency rotation needs the declaration, not that it keeps every rule."""
    root = make_project(CASES["wildcard-scopes"][0])
    production = load(root, "production")
    (violation,) = production.violations
    assert (violation.rule, violation.client, violation.source.line) == (
        "wildcard-scopes",
        "payouts",
        8,
    )
    assert {
        "policy.yaml",
        "clients/payouts.yaml",
        "templates/paystack.yaml",
    } <= production.files.keys()


def test_a_client_that_is_not_understood_is_not_judged(make_project: MakeProject) -> None:
    root = make_project(
        {G: rules("justification: {level: deny}"), C: CLIENT + "  justificaton: PAY-1 money\n"}
    )
    assert [finding.code for finding in judged(root)] == ["RC123"]


def test_without_a_clock_waivers_hold(make_project: MakeProject) -> None:
    """Whoever calls the library without a time gets the rules all the same."""
    root = make_project(CASES["void"][0])
    assert places(validate(root)) == [("RC210", G, 7, 7)]


def test_http_is_told_once(make_project: MakeProject) -> None:
    """Where the policy has a rule for it, that rule speaks, or is silent."""
    assert [f.code for f in judged(make_project(STAGING_HTTP))] == ["RC156"]
    for level, expected in (("warn", ["RC214"]), ("off", [])):
        root = make_project({**STAGING_HTTP, G: rules(f"https-only: {{level: {level}}}")})
        assert [f.code for f in judged(root)] == expected


def test_a_finding_of_a_rule_reads_like_a_compiler_s(make_project: MakeProject) -> None:
    assert findings_text(judged(make_project(CASES["wildcard-scopes"][0]))) == (
        "error[RC210] clients/payouts.yaml:8:25\n"
        '    8 |   scopes: [ledger:read, "payouts:*"]\n'
        "      |                         ^\n"
        "  the wildcard `payouts:*` grants 2 scopes today, and every one that is added later\n"
        "  remedy: name the scopes, or allow the wildcard in rules.wildcard-scopes.allow\n"
        "\n"
        "1 error\n"
    )


def test_a_policy_in_full(make_project: MakeProject) -> None:
    text = HEAD + (
        '  teams: {payments: "@acme/payments"}\n'
        "  approvers:\n"
        '    - {approver: "@acme/security", when: {risk: high, scopes: ["payouts:*"], labels: {tier: critical}}}\n'
        "    - {approver: ada}\n"
        "  apply: {signedCommits: {allowedSigners: ./.allowed_signers}, distinctApprover: when-known}\n"
    )
    policy = load(make_project({G: text}), "staging").policy
    assert policy.teams == {"payments": "acme/payments"}
    first, second = policy.approvers
    assert (first.approver, first.risk, first.scopes, first.labels) == (
        "acme/security", "high", ("payouts:*",), {"tier": "critical"},
    )  # fmt: skip
    assert (second.approver, second.risk, second.scopes) == ("ada", None, ())
    assert policy.apply == ApplyDemands(".allowed_signers", DistinctApprover.WHEN_KNOWN)
    assert demands_in(text) == policy.apply


@pytest.mark.parametrize(
    "text", ["", "a: [", "kind: GuardrailPolicy", HEAD + "  apply: {signed: true}\n", PROJECT]
)
def test_a_policy_of_another_time_that_is_none_demands_nothing(text: str) -> None:
    assert demands_in(text) == ApplyDemands()


HOSTS = {
    "Hooks.Example.COM": "hooks.example.com",
    "*.example.com": "*.example.com",
    "bücher.example": "xn--bcher-kva.example",
    "*.bücher.example": "*.xn--bcher-kva.example",
    "203.0.113.7": "203.0.113.7",
    "[2001:DB8::1]": "2001:db8::1",
    "аррӏе.example": "xn--80ak6aa92e.example",
}


@pytest.mark.parametrize(("written", "read"), HOSTS.items())
def test_hosts_of_a_policy(written: str, read: str) -> None:
    assert host_pattern(written) == read


@pytest.mark.parametrize(
    "text",
    [
        ".example.com", "*.*.com", "*", "a.*.com", "*a.com", "a:80", "a/b", "https://a.example", "a@b.example",
        "*.1.2.3.4", "*.[::1]", "a.example.", "127.1", "0x7f000001", "", "*.", "straße.example", "a b",
        "a..b", "ａ.example", "a?b",
    ],
)  # fmt: skip
def test_hosts_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|dot|address"):
        host_pattern(text)


INSIDE = {
    "plain": ("a: xyz", "xyz", 1, (1, 5)),
    "single quotes": ("a: 'xyz'", "xyz", 1, (1, 6)),
    "double quotes": ('a: "xyz"', "xyz", 2, (1, 7)),
    "an escape before it": ('a: "\\tyz"', "\tyz", 2, (1, 4)),
    "a quote before it": ("a: 'x''z'", "x'z", 2, (1, 4)),
    "second line": ("a: |\n  xyz\n    uvw", "xyz\n  uvw", 6, (3, 5)),
    "empty lines before it": ("a: |\n\n  xyz", "\nxyz", 2, (3, 4)),
    "an indicator": ("a: |2-\n  xyz", "xyz", 2, (2, 5)),
    "folded": ("a: >\n  xyz\n  uvw", "xyz uvw", 1, (2, 4)),
    "folded, second line": ("a: >\n  xyz\n  uvw", "xyz uvw", 5, (1, 4)),
    "several lines of plain text": ("a: xyz\n  uvw", "xyz uvw", 5, (1, 4)),
    "past the end": ("a: xyz", "xyz", 3, (1, 7)),
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_place_inside_a_text(name: str) -> None:
    text, value, offset, expected = INSIDE[name]
    (document,) = parse(text, "f", Collector())
    assert isinstance(document.value, Map)
    assert document.value["a"] == value
    assert inside(document.value.marks["a"], value, offset, text) == ("f", *expected)


def test_findings_of_rules_are_json_like_all_others(make_project: MakeProject) -> None:
    from reconciler.report.findings import findings_json  # noqa: PLC0415

    (finding,) = json.loads(findings_json(judged(make_project(CASES["wildcard-scopes"][0]))))[
        "findings"
    ]
    assert (finding["code"], finding["level"], finding["address"]) == (
        "RC210",
        "error",
        "client/payouts",
    )
    assert (finding["file"], finding["line"], finding["column"]) == (C, 8, 25)


def test_the_template_is_named_where_the_value_is_its(make_project: MakeProject) -> None:
    """One mistake of a template, seen through many clients, is one finding."""
    root = make_project({
        G: rules("lifetime: {level: deny, keyMax: 30d}"),
        T: TEMPLATE,
        "clients/more.yaml": CLIENT.replace("name: payouts", "name: more"),
    })  # fmt: skip
    assert places(judged(root)) == [("RC212", T, 6, 33)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https-only: deny", "{level: deny}"),
        ("https-only: warn", "{level: warn}"),
        ("owner: yes", "{level: deny}"),
        ("lifetime: 'off'", "{level: off}"),
    ],
)
def test_a_level_alone_is_told_how_to_be_written(
    text: str, meant: str, make_project: MakeProject
) -> None:
    (found,) = validate(make_project({G: rules(text)}))
    assert (found.code, found.remedy) == ("RC125", f"write a mapping: {meant}")


def test_a_rule_that_fails_for_every_client_is_one_mistake_and_a_waiver_of_one_client_hides_no_other(
    make_project: MakeProject,
) -> None:
    mine, other = CLIENT, client("other")
    text = own("after.labels.tier == 'x'")
    found = judged(make_project({G: text, C: f"{mine}---\n{other}"}))
    assert [(one.code, one.level, one.source and one.source.file) for one in found] == [
        ("RC231", Level.ERROR, G)
    ]
    assert "correct `when` of customRules" in found[0].remedy
    for name in ("payouts", "other"):
        waiver = f"  waivers: [{{rule: mine, client: {name}, reason: x, approver: a@example.com, until: 2027-01-31}}]\n"
        found = judged(make_project({G: text + waiver, C: f"{mine}---\n{other}"}))
        assert {(one.code, one.level) for one in found} == {
            ("RC231", Level.ERROR),
            ("RC231", Level.WARNING),
        }
