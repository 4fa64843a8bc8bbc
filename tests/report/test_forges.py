"""What forges make of a plan: which results, where, how bad, and that the same thing is the same in the next run."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.desired import Source
from reconciler.domain.plan import Finding, Level, Plan, Risk
from reconciler.report.annotations import plan_github
from reconciler.report.code_quality import code_quality, plan_gitlab
from reconciler.report.findings import findings_gitlab, findings_junit
from reconciler.report.junit import plan_junit
from reconciler.report.plan_sarif import plan_sarif
from reconciler.report.results import fingerprints, plan_results, position
from tests.kit.ci_runner import commands
from tests.kit.junit_schema import breaches
from tests.report.samples import ACTIONS, BLOCK, FINDINGS, NOW, make_plan, review_plan


def results(plan: Plan) -> list[Any]:
    found: list[Any] = json.loads(plan_sarif(plan))["runs"][0]["results"]
    return found


def prints(plan: Plan) -> set[str]:
    return {one["partialFingerprints"]["primaryLocationLineHash"] for one in results(plan)}


def test_code_scanning_shows_what_is_dangerous_or_found() -> None:
    plan = review_plan()
    risky = [action for action in plan.changes if action.risk in (Risk.HIGH, Risk.CRITICAL)]
    assert len(results(plan)) == len(risky) + len(plan.findings)
    rules = {rule["id"]: rule for rule in json.loads(plan_sarif(plan))["runs"][0]["tool"]["driver"]["rules"]}
    assert {name: rule["properties"].get("security-severity") for name, rule in rules.items()} == {
        "DeclarationChanged/critical": "9.5", "EndpointChanged/critical": "9.5", "DeclarationRemoved/high": "8.0",
        "NewClient/high": "8.0", "RC210": None, "RC215": None, "RC310": None, "RC355": None,
    }  # fmt: skip
    levels = {one["ruleId"]: one["level"] for one in results(plan)}
    assert levels["DeclarationChanged/critical"] == levels["RC310"] == "error"
    assert levels["NewClient/high"] == levels["RC215"] == "warning"


def test_a_result_is_where_its_client_is_declared() -> None:
    def places(plan: Plan) -> dict[str, tuple[str, int]]:
        found = {}
        for one in results(plan):
            place = one["locations"][0]["physicalLocation"]
            found[one["ruleId"]] = (place["artifactLocation"]["uri"], place["region"]["startLine"])
        return found

    found = places(review_plan())
    assert found["DeclarationChanged/critical"] == ("clients/payments/paystack-payouts.yaml", 4)
    assert found["RC215"] == ("policy.yaml", 31)
    assert found["DeclarationRemoved/high"] == ("reconciler.yaml", 1)  # no file declares it any more
    declared = replace(review_plan(), sources={"legacy-erp": Source("clients/legacy-erp.yaml", 3, 1)})
    assert places(declared)["RC310"] == ("clients/legacy-erp.yaml", 3)


def moved(plan: Plan) -> Plan:
    """The same plan after every file was edited above what matters, a day later, in another order."""
    chance = random.Random(0)
    actions, findings = list(plan.actions), list(plan.findings)
    chance.shuffle(actions)
    chance.shuffle(findings)
    return replace(
        plan,
        created_at=plan.created_at + timedelta(days=1),
        git_commit="0" * 40,
        actions=tuple(actions),
        findings=tuple(
            replace(
                one, source=one.source and replace(one.source, line=one.source.line + 40), message=f"{one.message} 7"
            )
            for one in findings
        ),
        sources={name: replace(source, line=source.line + 9) for name, source in plan.sources.items()},
    )


def test_fingerprints_outlive_lines_days_and_order() -> None:
    counted = replace(
        review_plan(), findings=tuple(replace(one, message=f"{one.message} 38") for one in review_plan().findings)
    )
    assert prints(counted) == prints(moved(review_plan()))
    assert len(prints(counted)) == len(results(counted))
    quality = {one["fingerprint"] for one in json.loads(plan_gitlab(counted))}
    assert quality == {one["fingerprint"] for one in json.loads(plan_gitlab(moved(review_plan())))} == prints(counted)


def test_a_finding_about_the_commit_before_is_the_same_for_the_next_commit() -> None:
    told = "policy.yaml is looser than at commit {}: rules.owner.level, deny → off"
    same, other = (
        Finding("RC250", Level.WARNING, told.format(commit), source=Source("policy.yaml", 1, 1))
        for commit in ("1a2b3c4d5e6f", "0f0f0f0f0f0f")
    )
    assert prints(make_plan(findings=(same,))) == prints(make_plan(findings=(other,)))


def test_twins_are_told_apart_and_keep_their_fingerprints() -> None:
    twins = (replace(BLOCK, message="rule 1 is broken"), replace(BLOCK, message="rule 2 is broken"), BLOCK)
    first, second = make_plan((), twins), make_plan((), tuple(reversed(twins)))
    assert prints(first) == prints(second)
    assert len(prints(first)) == 3
    by_message = {one["message"]["text"]: one["partialFingerprints"] for one in results(first)}
    assert {one["message"]["text"]: one["partialFingerprints"] for one in results(second)} == by_message


def test_another_matter_has_another_fingerprint() -> None:
    seen = prints(make_plan(ACTIONS, FINDINGS))
    other = replace(ACTIONS[1], address="client/other")
    assert not prints(make_plan((other,), (replace(FINDINGS[1], code="RC201"),))) & seen
    assert fingerprints([]) == []


@pytest.mark.parametrize(
    ("file", "folder", "shown"),
    [
        ("clients/a.yaml", "", "clients/a.yaml"),
        ("clients/a.yaml", "integrations/acme", "integrations/acme/clients/a.yaml"),
        ("./clients//a.yaml", "", "clients/a.yaml"),
        ("../../etc/passwd", "x", "x/etc/passwd"),
        ("//evil.example/a", "", "evil.example/a"),
        ("/", "", "reconciler.yaml"),
        ("", "", "reconciler.yaml"),
    ],
)
def test_a_position_is_in_the_repository(file: str, folder: str, shown: str) -> None:
    assert position(Source(file, -3, 10**12), folder) == Source(shown, 1, 2**31 - 1)


def test_annotations_say_the_verdict_and_then_the_worst() -> None:
    found = commands(plan_github(review_plan(), "integrations"))
    assert found[0].data.startswith("Blocked by 2 findings")
    assert [one.name for one in found] == ["error"] * 5 + ["warning"] * 5
    assert dict(found[3].properties)["file"] == "integrations/clients/payments/paystack-payouts.yaml"
    calm = commands(plan_github(make_plan((ACTIONS[0],), ())))
    assert [one.name for one in calm] == ["notice"]


def test_code_quality_has_the_severities_of_gitlab() -> None:
    found = {one["check_name"]: one["severity"] for one in json.loads(plan_gitlab(review_plan()))}
    assert found == {
        "RC210": "blocker", "RC310": "blocker",
        "DeclarationChanged/critical": "critical", "EndpointChanged/critical": "critical",
        "DeclarationRemoved/high": "major", "NewClient/high": "major",
        "RC215": "minor", "RC355": "minor",
    }  # fmt: skip
    assert json.loads(plan_gitlab(make_plan((), ()))) == []
    assert code_quality(plan_results(make_plan((), ()))) == "[]\n"


def test_junit_fails_what_blocks() -> None:
    text = plan_junit(review_plan())
    assert breaches(text) == []
    assert 'tests="7" failures="2"' in text
    blocked = text[text.index('name="client/legacy-erp"') :]
    assert blocked.split("\n")[0].endswith(
        '<failure message="client legacy-erp is protected and its declaration is gone" type="RC310">'
    )
    assert "Remedy: declare it with protect: false" in blocked.split("</failure>")[0]
    assert breaches(plan_junit(make_plan((), ()))) == []


def test_a_declaration_in_the_formats_of_gitlab() -> None:
    findings = [
        Finding("RC134", Level.ERROR, "there is no scope `a`", "client/a", "add it", Source("clients/a.yaml", 8, 1)),
        Finding("RC139", Level.NOTE, "there is no ScopeCatalog", "", "add scopes.yaml"),
    ]  # fmt: skip
    quality = json.loads(findings_gitlab(findings, folder="x"))
    assert [(one["severity"], one["location"]["path"]) for one in quality] == [
        ("blocker", "x/clients/a.yaml"), ("info", "x/reconciler.yaml"),
    ]  # fmt: skip
    for found, failures in ((findings, 1), ([], 0)):
        text = findings_junit(found, NOW)
        assert breaches(text) == []
        assert f'failures="{failures}"' in text
        assert 'name="declaration"' in text
