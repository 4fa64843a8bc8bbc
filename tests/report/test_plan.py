"""Every rendering of a plan, compared with golden files, and what its readers can rely on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.app.plan.rendering import Look, render_plan
from reconciler.domain.plan.plan import Action, Permissions, Plan, Risk
from reconciler.engine.planfile.document import file_digest, plan_json
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import Address, ReconcilerError, StalePlanError
from reconciler.report.forges.annotations import plan_github
from reconciler.report.forges.code_quality import plan_gitlab
from reconciler.report.forges.junit import plan_junit
from reconciler.report.forges.sarif import plan_sarif
from reconciler.report.plan.html import plan_html
from reconciler.report.plan.markdown import plan_markdown
from reconciler.report.plan.text import plan_text
from reconciler.report.plan.words import RISKS, by_risk, subject
from reconciler.report.status.unfinished import LINES_SHOWN
from tests.kit.forges.ci_runner import commands
from tests.kit.forges.junit_schema import breaches
from tests.kit.suite.laws import examples
from tests.kit.texts import structure
from tests.kit.worlds.plans import ANY_PLAN, DECLARED_PLANS
from tests.report.samples import (
    ACTIONS,
    BLOCK,
    FINDINGS,
    FORMS,
    every_kind,
    hostile_plan,
    make_plan,
    review_plan,
)

Golden = Callable[[str, str], None]
PLANS = {
    "changes": make_plan(),
    "blocked": make_plan(ACTIONS, (*FINDINGS, BLOCK)),
    "empty": make_plan((), ()),
    "hostile": hostile_plan(),
    "unfinished": replace(make_plan((), ()), unfinished=every_kind()),
    "review": review_plan(),
}


@pytest.mark.parametrize("name", PLANS)
def test_text(name: str, golden: Golden) -> None:
    golden(f"plan-{name}.txt", plan_text(PLANS[name]))


def test_verbose_and_narrow_text_says_the_same_in_shorter_lines(golden: Golden) -> None:
    plan = PLANS["changes"]
    narrow = plan_text(plan, verbose=True, width=60)
    golden("plan-verbose.txt", narrow)
    assert narrow.split() == plan_text(plan, verbose=True, width=1000).split()
    wrapped = [line for line in narrow.split("\n") if line.startswith(" ")]
    assert [line for line in wrapped if len(line) > 60 and len(line.split()) > 1] == []
    words = " ".join(narrow.split())
    for action in plan.actions:
        assert all(f"risk: {reason}" in words for reason in action.risk_reasons)
        assert all(name in words for name in {**(action.before or {}), **(action.after or {})})


def test_colour_adds_to_the_text_and_says_what_is_dangerous(golden: Golden) -> None:
    plan = PLANS["blocked"]
    coloured = plan_text(plan, colour=True)
    golden("plan-colour.ansi", coloured)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plan_text(plan)
    styles = {
        risk: set(re.findall(rf"^\x1b\[([0-9;]+)m{risk}", coloured, re.MULTILINE)) for risk in Risk
    }
    assert [len(found) for found in styles.values()] == [1] * len(Risk)
    assert len(set.union(*styles.values())) == len(Risk), "two risks look the same"
    for line in coloured.split("\n"):
        assert line.count("\x1b[0m") * 2 == line.count("\x1b["), "a colour runs into the next line"


@pytest.mark.parametrize("name", PLANS)
def test_markdown(name: str, golden: Golden) -> None:
    golden(f"plan-{name}.md", plan_markdown(PLANS[name]).replace(__version__, "0.0.0"))


@pytest.mark.parametrize("name", PLANS)
def test_json(name: str, golden: Golden) -> None:
    golden(f"plan-{name}.json", plan_json(PLANS[name]))


@pytest.mark.parametrize("name", PLANS)
def test_sarif(name: str, golden: Golden) -> None:
    golden(f"plan-{name}.sarif", plan_sarif(PLANS[name]).replace(__version__, "0.0.0"))


@pytest.mark.parametrize("name", ["review", "empty"])
def test_other_formats(name: str, golden: Golden) -> None:
    golden(f"plan-{name}.github", plan_github(PLANS[name], "integrations"))
    golden(f"plan-{name}.codequality.json", plan_gitlab(PLANS[name], "integrations"))
    golden(f"plan-{name}.junit.xml", plan_junit(PLANS[name]))
    page = plan_html(PLANS[name]).replace(__version__, "0.0.0")
    body = page[
        page.index("<body>") : page.index("<script>")
    ]  # its style and script are files of their own
    golden(f"plan-{name}.html", body)


def test_an_explained_no_op_is_shown_to_everybody() -> None:
    for render in (plan_text, plan_markdown):
        assert "no-op" in render(PLANS["changes"])


def test_of_much_that_is_unfinished_a_terminal_shows_some() -> None:
    plan = replace(make_plan((), ()), unfinished=every_kind() * 30)
    assert f"and {len(plan.unfinished) - LINES_SHOWN} more (--format json shows all)" in plan_text(
        plan
    )
    assert len(json.loads(plan_json(plan))["unfinished"]) == len(plan.unfinished)


def test_what_is_dangerous_is_first_then_by_address_then_as_it_is_carried_out() -> None:
    low = [
        replace(ACTIONS[2], address=Address.read(f"client/{name}"), version=number)
        for name in "ba"
        for number in (10, 9, None)
    ]
    twice = [
        replace(ACTIONS[2], address=Address.read("client/c"), message=message)
        for message in ("first", "second")
    ]
    shown = by_risk([*low, *twice, *ACTIONS])
    ranks = [(-RISKS.index(action.risk), action.address, action.version or 0) for action in shown]
    assert ranks == sorted(ranks)
    assert [action.message for action in shown if action in twice] == ["first", "second"]
    text = plan_text(PLANS["changes"])
    places = [text.index(f"{subject(action)} ") for action in by_risk(ACTIONS)]
    assert places == sorted(places)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.kind} {action.address}")
def test_text_has_every_reason_of_a_risk_and_every_scope(action: Action) -> None:
    text = plan_text(make_plan((action,)), width=1000)
    assert all(f"risk: {reason}\n" in text for reason in action.risk_reasons)
    if action.permissions:
        for side, scopes in (
            ("granted", action.permissions.granted),
            ("withdrawn", action.permissions.withdrawn),
        ):
            assert (f"{side}: " in text) is bool(scopes)
            assert all(f"{name} ({risk})" in text for name, risk in scopes.items())


def test_many_scopes_are_counted() -> None:
    action = replace(
        ACTIONS[0], permissions=Permissions({f"s:{number}": Risk.LOW for number in range(9)})
    )
    assert "s:5 (low), and 3 more scopes (-v shows them)" in plan_text(
        make_plan((action,)), width=1000
    )
    assert "s:8 (low)" in plan_text(make_plan((action,)), verbose=True)


def test_many_changed_fields_are_counted() -> None:
    fields = {f"field{number}": number for number in range(9)}
    action = replace(ACTIONS[0], after=fields)
    assert "and 3 more fields" in plan_text(make_plan((action,)))
    assert "and 3 more fields" not in plan_text(make_plan((action,)), verbose=True)


@pytest.mark.parametrize("name", PLANS)
def test_the_plan_file_has_the_fields_of_the_contract(name: str) -> None:
    document = json.loads(plan_json(PLANS[name]))
    assert {"format_version", "kind", "digest", "environment", "git_commit", "created_at", "blocked", "summary",
            "actions", "findings"} <= document.keys()  # fmt: skip
    for action in document["actions"]:
        assert {"address", "kind", "reason", "message", "risk", "before", "after"} <= action.keys()
    for finding in document["findings"]:
        assert {"code", "level", "address", "message", "file", "line", "column"} <= finding.keys()


@given(ANY_PLAN)
def test_loading_undoes_saving(plan: Plan) -> None:
    assert load_plan(plan_json(plan)) == plan


@examples(40)  # of each plan eight renderings are parsed
@given(ANY_PLAN | DECLARED_PLANS)
def test_every_plan_can_be_shown(plan: Plan) -> None:
    """Terminal: no control or bidi character; Markdown: as many cells as written by us; no command
    for a CI system."""
    shown = {form: render_plan(plan, Look(form, verbose=True)) for form in FORMS}
    lines = shown["text"].split("\n")
    assert all(
        line.isprintable() or "\u3000" in line or "\xa0" in line or _blanks(line) for line in lines
    )
    rows = [line for line in shown["markdown"].split("\n") if line.startswith("| ")]
    assert {row.count("|") for row in rows} <= {4, 5, 6}
    assert structure.of_html(shown["html"]).count("<html lang>") == 1
    assert breaches(shown["junit"]) == []
    for form in ("json", "sarif", "gitlab"):
        json.loads(shown[form])
    assert [form for form in FORMS if commands(shown[form])] == ["github"]


def _blanks(line: str) -> bool:
    """Only space separators, which are drawn as blanks, are not printable in the sense of
    ``str.isprintable``."""
    return "".join(character for character in line if not character.isspace()).isprintable()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version":5', '"version":6'),
        ('"revoke":1', '"revoke":2'),
        ('"reason":"GraceOver"', '"reason":"Expired"'),
        ('"unchanged":9', '"unchanged":10'),
        ('"blocked":true', '"blocked":false'),
        ('"level":"error"', '"level":"note"'),
        ('"kind":"plan"', '"extra":1,"kind":"plan"'),
        ('"environment":"production"', '"environment":"staging"'),
        ('"expires_at":"2026', '"expires_at":"2999'),
        ('"created_at":"2026', '"created_at":"2025'),
        ("is protected and its file", "is not protected and its file"),
        ('"file_digest":"sha256:', '"file_digest":"sha256:0'),
        ('"file_digest":', '"file_digested":'),
    ],
)
def test_a_plan_that_was_edited_is_refused(old: str, new: str) -> None:
    text = plan_json(PLANS["blocked"])
    edited = text.replace(old, new)
    if edited == text:
        pytest.fail(f"{old} is not in the plan file")
    with pytest.raises(StalePlanError, match="changed after it was made") as caught:
        load_plan(edited)
    assert caught.value.code == "RC399"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version":5', '"version":6'),
        ('"revoke":1', '"revoke":2'),
        ('"blocked":true', '"blocked":false'),
        ('"kind":"plan"', '"extra":1,"kind":"plan"'),
        ('"environment":"production"', '"environment":"staging"'),
    ],
)
def test_a_plan_whose_parts_do_not_agree_is_refused_though_its_file_digest_is_right(
    old: str, new: str
) -> None:
    text = plan_json(PLANS["blocked"]).replace(old, new)
    document = json.loads(text)
    sealed = json.dumps(document | {"file_digest": file_digest(document)})
    with pytest.raises(StalePlanError, match="parts do not agree") as caught:
        load_plan(sealed)
    assert caught.value.code == "RC399"


def test_the_file_digest_is_what_anybody_can_compute() -> None:
    """SHA-256 of the canonical JSON of everything but the field itself, as docs/commands.md
    says."""
    document = json.loads(plan_json(PLANS["hostile"]))
    said = document.pop("file_digest")
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert said == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "RC396"),
        ("{", "RC396"),
        ("[]", "RC396"),
        ("null", "RC396"),
        ("[" * 100_000, "RC396"),
        ('{"kind": "run", "format_version": 1}', "RC396"),
        ('{"kind": "plan", "kind": "plan", "format_version": 1}', "RC396"),
        ('{"kind": "plan", "format_version": 1}', "RC396"),
        ('{"kind": "plan", "format_version": NaN}', "RC396"),
        ('{"kind": "plan", "format_version": 2}', "RC397"),
        ('{"kind": "plan", "format_version": true}', "RC397"),
        ('{"kind": "plan"}', "RC397"),
        (plan_json(PLANS["changes"]).replace('"risk":"low"', '"risk":"tiny"'), "RC396"),
        (plan_json(PLANS["changes"]).replace('"unchanged":9', '"unchanged":9.0'), "RC396"),
        (plan_json(PLANS["changes"]).replace('"unchanged":9', '"unchanged":true'), "RC396"),
        (plan_json(PLANS["changes"]).replace("legacy-erp", "\\ud800"), "RC396"),
        (plan_json(PLANS["changes"]).replace('"actions":[', '"actions":[7,'), "RC396"),
        (
            plan_json(PLANS["changes"]).replace("2026-11-23T22:45:00Z", "2026-11-23T22:45:00"),
            "RC396",
        ),
    ],
)
def test_what_is_no_plan_is_refused_with_a_remedy(text: str, code: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        load_plan(text)
    assert caught.value.code == code
    assert "reconciler plan --out" in caught.value.remedy
    assert len(str(caught.value)) < 400


@given(st.text())
def test_any_text_is_a_plan_or_refused(text: str) -> None:
    with pytest.raises(ReconcilerError):
        load_plan(text)


def test_white_space_and_field_order_do_not_matter() -> None:
    document = json.loads(plan_json(PLANS["changes"]))
    shuffled = json.dumps(dict(reversed(document.items())), indent=4)
    assert load_plan(shuffled) == PLANS["changes"]
