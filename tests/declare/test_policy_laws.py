"""Laws of policies: whatever is written in one, and whatever an expression holds, there is an
answer in words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.cel.worker import judge_expression
from reconciler.declare import validate
from reconciler.planning.rules.custom_rules import DECLARED_ONLY, LIVE
from tests.declare.conftest import FILES
from tests.kit.suite.laws import examples
from tests.kit.texts.cel import judge_here

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SPEC = yaml.safe_load("""
rules:
  wildcard-scopes: {level: deny, allow: ["payouts:*"]}
  scope-count: {level: deny, max: 2}
  lifetime: {level: warn, keyMax: 9d, secretMax: 3d, min: 1d}
  rotation: {level: deny, graceMin: 4d, graceMax: 9d, renewBeforeMin: 3d}
  https-only: {level: deny, allowLoopback: false}
  allowed-hosts: {level: deny, hosts: ["*.example.com"]}
  denied-hosts: {level: deny, hosts: [a.b]}
  justification: {level: deny, pattern: "^[A-Z]+"}
  owner: {level: deny, require: [team]}
  allowed-cidrs: {level: deny, minPrefix4: 8}
  probes: {level: deny, require: [tampered]}
  naming: {level: deny, pattern: "^x"}
  protection: {level: deny, labels: {a: b}}
customRules:
  - {name: mine, level: deny, when: "after.x == 1", message: m, environments: [staging]}
approvers:
  - {approver: a/b, when: {risk: high, scopes: ["payouts:*"], labels: {a: b}, environments: [staging]}}
teams: {a: b}
apply: {signedCommits: {allowedSigners: x}, distinctApprover: always}
waivers:
  - {rule: naming, client: payouts, environments: [staging], reason: r, approver: a, until: "2027-01-01"}
  - {guard: freeze, client: "*", reason: r, approver: a, until: "2020-01-01"}
""")
_ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text("aZ*.:-/@ \n{}[]'\"é|>&^$()\\", max_size=8),
    st.sampled_from(
        ["90d", "deny", "off", "*", "after.", "true", "1 +", "'", ".example.com", "^(a", "payouts"]
    ),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text("ab", max_size=2), st.text(max_size=2), max_size=2),
)


def disturbed(data: st.DataObject) -> dict[str, Any]:
    """The policy above with a few values removed, added or replaced by anything."""
    spec: dict[str, Any] = copy.deepcopy(SPEC)
    for _ in range(data.draw(st.integers(1, 4))):
        here: Any = spec
        while places := list(here) if isinstance(here, dict) else list(range(len(here))):
            at, what = data.draw(st.sampled_from(places)), data.draw(st.integers(0, 4))
            if isinstance(here[at], dict | list) and what:
                here = here[at]
                continue
            if what == 1 and isinstance(here, dict):
                del here[at]
            elif what == 2 and isinstance(here, dict):
                here[data.draw(st.sampled_from(["x", "level", "name", "when", "é"]))] = data.draw(
                    _ANY
                )
            else:
                here[at] = data.draw(_ANY)
            break
    return spec


def written(root: Path, spec: Mapping[str, Any], **style: Any) -> Path:
    document = {"apiVersion": "reconciler/v1", "kind": "GuardrailPolicy", "spec": spec}
    for name, text in {
        **FILES,
        "policy.yaml": yaml.safe_dump(document, allow_unicode=True, **style),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@examples(150)
@given(st.data())
def test_any_policy_gives_findings_at_places_that_exist(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    style = {"default_flow_style": data.draw(st.sampled_from([None, True, False]))}
    root = written(tmp_path_factory.getbasetemp() / "law", disturbed(data), width=1000, **style)
    for finding in validate(root, now=NOW, judge=judge_here):
        assert finding.message
        assert finding.remedy
        if finding.source is not None:
            lines = (root / finding.source.file).read_text().split("\n")
            assert 1 <= finding.source.line <= len(lines)
            assert 1 <= finding.source.column <= len(lines[finding.source.line - 1]) + 1


@pytest.mark.parametrize(
    ("rule", "value", "code"),
    [
        ("scope-count", {"level": "deny"}, "RC124"),
        ("naming", {"level": "deny", "pattern": 3}, "RC125"),
        ("allowed-hosts", {"level": "deny", "hosts": []}, "RC128"),
        ("lifetime", {"level": "deny", "keyMax": "soon"}, "RC127"),
        ("wildcard-scopes", {"level": "deny", "allow": [1]}, "RC125"),
        ("protection", {"level": "deny", "labels": {}}, "RC128"),
    ],
)
def test_a_rule_that_is_not_understood_finds_nothing(
    rule: str, value: Any, code: str, tmp_path: Path
) -> None:
    """What is wrong is said once, of the rule; clients are not faulted by what is left of it."""
    found = validate(written(tmp_path, {"rules": {rule: value}}), judge=judge_here)
    assert [finding.code for finding in found] == [code]


_PIECES = st.sampled_from(
    [
        "after", "before", "client", ".scopes", ".keys", "[0]", "['a']", "(", ")", "[", "]", "{", "}", ".all(x, ",
        ".map(x, ", "x", "==", "!=", "&&", "||", "!", "-", "+", "?", ":", "1", "1.5", "1u", "'a'", '"', "b'a'", "null",
        "true", "has(", "size(", "duration('1h')", "timestamp('x')", ".matches('(')", " in ", "\n", "é", "\x00", ",",
        "int(", "9" * 30,
    ]
)  # fmt: skip


@examples(300)
@given(st.lists(_PIECES, max_size=12).map("".join), st.booleans())
def test_any_expression_has_a_fault_or_an_answer(text: str, known: bool) -> None:
    row: dict[str, Any] = {
        "client": "a", "environment": "e", "permissions": {}, "granted": {}, "withdrawn": {}, "risk": "none",
        "actions": [], "before": None, "after": {"scopes": ["a"], "keys": {}, "webhooks": {}},
    }  # fmt: skip
    answer = judge_expression(text, [row], DECLARED_ONLY | LIVE if known else DECLARED_ONLY)
    for offset, message in answer["faults"]:
        assert 0 <= offset <= len(text)
        assert message
    for verdict in answer["verdicts"]:
        assert isinstance(verdict, bool) or verdict
    assert answer["faults"] or answer["verdicts"] or set(answer["needs"]) & LIVE
