"""What forges make of a plan: which results, where, how bad, and that the same thing is the same in
the next run."""

from __future__ import annotations

import gzip
import json
import random
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.app.plan.rendering import Look, render_plan
from reconciler.domain.plan.plan import Approval, Plan, Risk
from reconciler.errors import NOWHERE, Address, Finding, Level, Source
from reconciler.report.findings import findings_github, findings_gitlab, findings_junit
from reconciler.report.forges.annotations import plan_github
from reconciler.report.forges.code_quality import code_quality, plan_gitlab
from reconciler.report.forges.junit import plan_junit
from reconciler.report.forges.results import (
    MOST,
    bound_results,
    fingerprints,
    plan_results,
    position,
)
from reconciler.report.forges.sarif import LARGEST, plan_sarif
from tests.kit.forges.ci_runner import commands
from tests.kit.forges.junit_schema import breaches
from tests.kit.suite.fast import leave_out
from tests.report.samples import ACTIONS, BLOCK, FINDINGS, FORMS, NOW, make_plan, review_plan


def results(plan: Plan) -> list[Any]:
    found: list[Any] = json.loads(plan_sarif(plan))["runs"][0]["results"]
    return found


def prints(plan: Plan) -> set[str]:
    return {one["partialFingerprints"]["primaryLocationLineHash"] for one in results(plan)}


def test_code_scanning_shows_what_is_dangerous_or_found() -> None:
    plan = review_plan()
    risky = [action for action in plan.changes if action.risk in (Risk.HIGH, Risk.CRITICAL)]
    assert len(results(plan)) == len(risky) + len(plan.findings) + len(plan.approvals)
    rules = {
        rule["id"]: rule
        for rule in json.loads(plan_sarif(plan))["runs"][0]["tool"]["driver"]["rules"]
    }
    assert {name: rule["properties"].get("security-severity") for name, rule in rules.items()} == {
        "DeclarationChanged/critical": "9.5", "EndpointChanged/critical": "9.5", "DeclarationRemoved/high": "8.0",
        "NewClient/high": "8.0", "approval": None, "RC210": None, "RC215": None, "RC310": None, "RC355": None,
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
    assert found["DeclarationRemoved/high"] == (
        "reconciler.yaml",
        1,
    )  # no file declares it any more
    declared = replace(
        review_plan(), sources={"legacy-erp": Source("clients/legacy-erp.yaml", 3, 1)}
    )
    assert places(declared)["RC310"] == ("clients/legacy-erp.yaml", 3)


def moved(plan: Plan) -> Plan:
    """The same plan after every file was edited above what matters, a day later, in another
    order."""
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
                one,
                source=one.source and replace(one.source, line=one.source.line + 40),
                message=f"{one.message} 7",
            )
            for one in findings
        ),
        sources={
            name: replace(source, line=source.line + 9) for name, source in plan.sources.items()
        },
    )


def test_fingerprints_outlive_lines_days_and_order() -> None:
    counted = replace(
        review_plan(),
        findings=tuple(replace(one, message=f"{one.message} 38") for one in review_plan().findings),
    )
    assert prints(counted) == prints(moved(review_plan()))
    assert len(prints(counted)) == len(results(counted))
    quality = {one["fingerprint"] for one in json.loads(plan_gitlab(counted))}
    assert (
        quality
        == {one["fingerprint"] for one in json.loads(plan_gitlab(moved(review_plan())))}
        == prints(counted)
    )


def test_a_finding_about_the_commit_before_is_the_same_for_the_next_commit() -> None:
    told = "policy.yaml is looser than at commit {}: rules.owner.level, deny → off"
    same, other = (
        Finding("RC250", Level.WARNING, told.format(commit), source=Source("policy.yaml", 1, 1))
        for commit in ("1a2b3c4d5e6f", "0f0f0f0f0f0f")
    )
    assert prints(make_plan(findings=(same,))) == prints(make_plan(findings=(other,)))


def test_twins_are_told_apart_and_keep_their_fingerprints() -> None:
    twins = (
        replace(BLOCK, message="rule 1 is broken"),
        replace(BLOCK, message="rule 2 is broken"),
        BLOCK,
    )
    first, second = make_plan((), twins), make_plan((), tuple(reversed(twins)))
    assert prints(first) == prints(second)
    assert len(prints(first)) == 3
    by_message = {one["message"]["text"]: one["partialFingerprints"] for one in results(first)}
    assert {
        one["message"]["text"]: one["partialFingerprints"] for one in results(second)
    } == by_message


def test_another_matter_has_another_fingerprint() -> None:
    seen = prints(make_plan(ACTIONS, FINDINGS))
    other = replace(ACTIONS[1], address=Address.read("client/other"))
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
    assert [one.name for one in found] == ["error"] * 3 + ["notice"] * 2 + ["error"] * 2 + [
        "warning"
    ] * 5
    assert (
        dict(found[5].properties)["file"] == "integrations/clients/payments/paystack-payouts.yaml"
    )
    calm = commands(plan_github(make_plan((ACTIONS[0],), ())))
    assert [one.name for one in calm] == ["notice"]


def test_code_quality_has_the_severities_of_gitlab() -> None:
    found = {one["check_name"]: one["severity"] for one in json.loads(plan_gitlab(review_plan()))}
    assert found == {
        "RC210": "blocker", "RC310": "blocker",
        "DeclarationChanged/critical": "critical", "EndpointChanged/critical": "critical",
        "DeclarationRemoved/high": "major", "NewClient/high": "major",
        "RC215": "minor", "RC355": "minor", "approval": "info",
    }  # fmt: skip
    assert json.loads(plan_gitlab(make_plan((), ()))) == []
    assert code_quality(plan_results(make_plan((), ()))) == "[]\n"


SIX = Approval(
    "acme/security",
    tuple(f"reason {n}" for n in range(7)),
    tuple(Address(f"c{n}") for n in range(6)),
)
FIVE = ", ".join(f"client/c{number}" for number in range(5))
SAYS = f"approval by acme/security is needed for {FIVE}, and 1 more: reason 0; "


def test_every_format_names_who_must_approve_why_and_what() -> None:
    plan = replace(make_plan((), ()), approvals=(SIX,))
    shown = {form: render_plan(plan, Look(form)) for form in FORMS}
    for form, text in shown.items():
        assert "acme/security" in text.replace("&#47;", "/"), form
        assert "reason 0" in text, form
    sentence = f"{SAYS}reason 1; reason 2; reason 3; reason 4; and 2 more"
    assert results(plan)[0]["message"]["text"] == sentence
    assert commands(shown["github"])[1].data == sentence
    assert json.loads(shown["gitlab"])[0]["description"] == sentence
    assert f"<system-out>{sentence}\n" in f"{shown['junit']}\n".replace("</system-out>", "\n")
    assert 'name="approvers" value="acme/security"' in shown["junit"]
    assert "approval by acme/security: reason 0; reason 1;" in shown["text"]
    assert "and 1 more reason (-v shows them)" in " ".join(shown["text"].split())
    assert "for client/c0," in shown["text"]


def findings_of(
    errors: int, warnings: int, notes: int, text: str = "it is so"
) -> tuple[Finding, ...]:
    levels = [Level.NOTE] * notes + [Level.WARNING] * warnings + [Level.ERROR] * errors
    return tuple(
        Finding("RC355", level, f"{text} {n}", Address.read(f"client/c{n}"))
        for n, level in enumerate(levels)
    )


def test_code_scanning_gets_no_more_results_than_it_takes_and_the_worst_stay() -> None:
    plan = replace(make_plan((), findings_of(3, MOST, 5)), approvals=(SIX,))
    found = results(plan)
    assert len(found) == MOST
    levels = Counter(one["level"] for one in found)
    assert (levels["error"], found[3]["ruleId"]) == (3, "approval")
    assert found[-1]["ruleId"] == "left-out"
    assert found[-1]["message"]["text"].startswith(
        "10 more results, for which there is no room here: 5 warnings and 5 notes"
    )


def test_what_fits_exactly_is_shown_whole() -> None:
    every = plan_results(make_plan((), findings_of(1, 3, 2)))
    assert bound_results(every, 6) == every
    assert [one.rule.id for one in bound_results(every, 5)] == ["RC355"] * 4 + ["left-out"]
    assert len(json.loads(code_quality(every * 5_000))) == MOST


def test_code_scanning_gets_no_more_bytes_than_it_takes() -> None:
    """What does not compress: so few results that they fit, the worst."""
    leave_out("11 MB that do not compress")
    noise = b64encode(
        random.Random(7).randbytes(11_250_000)
    ).decode()  # as many bytes again when compressed
    findings = tuple(
        Finding(
            "RC355",
            Level.ERROR if n < 2 else Level.WARNING,
            noise[n * 5_000 : (n + 1) * 5_000],
            Address.read(f"client/c{n}"),
        )
        for n in range(3_000)
    )
    text = plan_sarif(make_plan((), findings))
    assert len(gzip.compress(text.encode(), compresslevel=1)) <= LARGEST
    found = json.loads(text)["runs"][0]["results"]
    assert [one["level"] for one in found[:2]] == ["error", "error"]
    assert f"{3_001 - len(found)} more results" in found[-1]["message"]["text"]
    assert len(text) > LARGEST, "no more is left out than must be"


def test_of_each_level_the_last_annotation_that_github_shows_counts_the_others() -> None:
    plan = make_plan((), findings_of(12, 11, 10))
    found = commands(plan_github(plan))
    by_level = {
        name: [one for one in found if one.name == name] for name in ("error", "warning", "notice")
    }
    assert by_level["error"][9].data.startswith(
        "4 more results, for which there is no room here: 4 errors"
    )
    assert by_level["warning"][9].data.startswith("2 more results")
    assert len(by_level["notice"]) == 10
    assert len(found) == 1 + 12 + 11 + 10 + 2, "the log has them all"
    checked = commands(findings_github(findings_of(0, 11, 0)))
    assert checked[9].data.startswith("2 more results")
    assert len(commands(findings_github(findings_of(0, 10, 0)))) == 10


def test_junit_is_no_larger_than_a_forge_reads() -> None:
    text = plan_junit(make_plan((), findings_of(2, MOST, 0, "x" * 400)))
    assert breaches(text) == []
    assert len(text) < 30_000_000
    assert text.count("<testcase") == MOST
    assert text.count("<failure") == 2
    assert re.search(r'<testcase [^>]*name="[0-9]+ more"', text)
    out = text.partition("<system-out>")[2].partition("</system-out>")[0]
    assert len(out) < 5_100_000
    assert "more lines: the formats text and json show everything" in out


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
        Finding("RC134", Level.ERROR, "there is no scope `a`", Address.read("client/a"), "add it",
        Source("clients/a.yaml", 8, 1)),
        Finding("RC139", Level.NOTE, "there is no ScopeCatalog", NOWHERE, "add scopes.yaml"),
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
