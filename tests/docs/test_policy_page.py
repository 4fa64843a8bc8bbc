"""docs/policy.md has every rule and variable, and what it shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.adapters.cel.worker import FUNCTIONS, MACROS
from reconciler.app.start.scaffold import starter_files
from reconciler.declare import read_schema, validate
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.errors import Level
from reconciler.planning.rules.built_in import POLICY_RULES
from reconciler.planning.rules.custom_rules import DECLARED_ONLY, LIVE, live_facts
from tests.kit.texts.cel import judge_here
from tests.kit.worlds.declared import client, lifecycle

PAGE = (Path(__file__).resolve().parents[2] / "docs/policy.md").read_text()
TABLE = ScopeTable({"payouts:write": "critical", "ledger:read": "low"})
CRITICAL = {"tier": "critical"}


def test_every_rule_is_in_the_table_with_its_code_and_values() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (RC[0-9]{3}) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
    assert [(name, code) for name, code, _ in rows] == [
        (row.name, row.code) for row in POLICY_RULES
    ]
    fields = read_schema("GuardrailPolicy")["properties"]["spec"]["properties"]["rules"][
        "properties"
    ]
    for name, _, values in rows:
        assert set(fields[name]["properties"]) - {"level", "environments"} <= set(
            re.findall(r"`(\w+)`", values)
        ), name


def test_every_variable_is_in_the_table() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \| .+ \| (yes|no) \|$", PAGE, re.MULTILINE)
    assert {name for name, vault in rows if vault == "no"} == DECLARED_ONLY
    assert {name for name, vault in rows if vault == "yes"} == LIVE
    assert {"duration", "size"} <= FUNCTIONS
    assert all(f"`{macro}`" in PAGE for macro in MACROS if macro != "has")


def test_the_policy_that_is_shown_fits_what_init_makes(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for path, text in starter_files("acme").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(shown if path == "policy.yaml" else text)
    assert [(one.code, one.level) for one in validate(tmp_path, judge=judge_here)] == [
        ("RC206", Level.WARNING)
    ]
    partner = tmp_path / "clients/example-partner.yaml"
    partner.write_text(partner.read_text().replace("[orders:read]", '["payouts:*"]'))
    found = validate(tmp_path, judge=judge_here)
    assert {(one.code, one.level) for one in found} == {("RC210", Level.WARNING)}  # waived


@pytest.mark.parametrize("number", [0, 1])
def test_the_expressions_that_are_shown_tell_good_from_bad(number: int) -> None:
    expression = re.findall(r"^```cel\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)[number]
    small = client(labels=CRITICAL, keys={"primary": lifecycle("30d", "5d", "24h")})
    large = client(labels=CRITICAL, scopes=["payouts:write"])
    rows = [
        live_facts("payouts", "production", (small.spec, one.spec), (), TABLE)
        for one in (small, large)
    ]
    (judgement,) = judge_here([expression], rows, DECLARED_ONLY | LIVE)
    assert judgement.faults == ()
    assert judgement.verdicts == (False, True)
