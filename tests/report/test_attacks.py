"""No string breaks out: every hostile text in every field of a plan, through every renderer, judged
by real parsers."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from reconciler.app.plan.rendering import Look, render_plan
from reconciler.cli.output import defuse
from reconciler.domain.plan.plan import Approval, Plan
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import ReconcilerError
from reconciler.planning.planner import plan_digest
from reconciler.report.plan.markdown import COMMENT_LIMIT, plan_markdown
from tests.kit.forges.ci_runner import commands
from tests.kit.forges.junit_schema import breaches
from tests.kit.forges.sarif_judge import complaints
from tests.kit.texts import structure
from tests.kit.texts.hostile import HOSTILE, everywhere
from tests.report.samples import FORMS, review_plan, small_plan

BENIGN = everywhere(small_plan(), "benign words")
ATTACKS = {name: everywhere(small_plan(), text) for name, text in HOSTILE.items()}
# A text that is not there is not shown: some elements are absent, too.
VISIBLE = [name for name, text in HOSTILE.items() if text.strip()]


def render(plan: Plan, form: str) -> str:
    return defuse(render_plan(plan, Look(form, "integrations")), form)


@cache
def attacked(name: str, form: str) -> str:
    return render(ATTACKS[name], form)


@cache
def benign(form: str) -> str:
    return render(BENIGN, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_printed_is_text_without_commands(name: str, form: str) -> None:
    """In every form: no control character but line breaks, nothing that cannot be encoded, no
    command but our own."""
    text = attacked(name, form)
    text.encode()
    assert {
        character
        for character in set(text)
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    } <= {"\n"}
    found = commands(text)
    if form == "github":
        assert {one.name for one in found} <= {"error", "warning", "notice"}
        assert len(found) == len(text.splitlines())
        assert len(found) == len(commands(benign(form)))
        assert {key for one in found for key, _ in one.properties} == {
            "title",
            "file",
            "line",
            "col",
        }
    else:
        assert found == []


@pytest.mark.parametrize("name", ATTACKS)
def test_colour_is_ours_alone(name: str) -> None:
    text = render_plan(ATTACKS[name], Look("text", colour=True))
    assert "\x1b" not in re.sub(r"\x1b\[(?:[0-9;]+)m", "", text)


# What GitHub and GitLab make of words in the text that they show.
REFERENCES = re.compile(
    r"""@\w | \#\w | !\d | &\d | \$\d | ~[\w"] | %[\w"{] | \^alert | \[[a-z_]+: | \*iteration: | [\[{][+-]
    | (?i:\bg[hl]-\d) | :[\w+-]*[a-z_][\w+-]*: | :100: | :\+1: | \w:// """,
    re.VERBOSE,
)
# How a line of a comment may begin: nothing that a person wrote is first, so no bot and no forge
# takes it for an order.
BEGINNING = re.compile(
    r"$|<!-- reconciler:plan:[a-z0-9_-]{0,63} -->$|\#\# Plan\ for |> (?:\[!|\*\*|🟥|🟧|🟨|⬜|Must be approved by )|>$"
    r"|[0-9]+ to |\#\#\# |\| |\|---|- &\#8203;|Effective permissions|```(?:diff)?$|[+-] |  and [0-9]+ more$"
    r"|<details><summary>|</details>$|---$|<sub>Plan of |And [0-9]+ more |\*\*Left out ",
)


@cache
def comment_outline() -> list[str]:
    return structure.of_html(structure.html_of_markdown(plan_markdown(BENIGN, limit=10**7)))


@pytest.mark.parametrize("name", ATTACKS)
def test_markdown(name: str) -> None:
    text = plan_markdown(ATTACKS[name], limit=10**7)
    page = structure.html_of_markdown(text)
    if name in VISIBLE:
        assert structure.of_html(page) == comment_outline()
    assert [line for line in text.splitlines() if not BEGINNING.match(line)] == []
    assert REFERENCES.findall(structure.words_of_html(page)) == []
    assert "&" not in re.sub(
        r"&(?:#[0-9]+|amp|lt|gt);|^[+-] .*", "", text, flags=re.MULTILINE
    )  # but in a fence
    assert (
        plan_markdown(ATTACKS[name], mention=True, limit=10**7) == text
    )  # none of them is a handle
    assert len(plan_markdown(ATTACKS[name]).encode()) < COMMENT_LIMIT


def sealed(plan: Plan) -> Plan:
    """With the digest that it must have."""
    digest = plan_digest(
        plan.environment,
        plan.project,
        plan.git_commit,
        plan.actions,
        plan.revisions,
        plan.desired_digests,
    )
    return replace(plan, digest=digest)


@pytest.mark.parametrize("name", ATTACKS)
def test_json_says_what_the_plan_says(name: str) -> None:
    plan = sealed(ATTACKS[name])
    if name == "surrogates":  # no text, so no plan: refused in plain words
        with pytest.raises(ReconcilerError, match="not Unicode text"):
            load_plan(render(plan, "json"))
    else:
        assert load_plan(render(plan, "json")) == plan


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
@pytest.mark.parametrize("name", ATTACKS)
def test_reports_for_forges_keep_their_shape(name: str, form: str) -> None:
    document = json.loads(attacked(name, form))
    if name in VISIBLE:
        assert structure.of_json(document) == structure.of_json(json.loads(benign(form)))
    paths = re.findall(r'"(?:path|uri)":\s*"([^"]*)"', attacked(name, form))
    assert paths
    assert all(
        re.match(r"integrations(/|$)", path) and ".." not in path.split("/") for path in paths
    )


def test_code_scanning_takes_every_log(tmp_path: Path) -> None:
    """The multitool, with the rules of GitHub, in one go.

    One log is broken, so that it is seen to judge.
    """
    plans = ATTACKS.values()
    everything = replace(
        review_plan(),
        actions=tuple(action for plan in plans for action in plan.actions),
        findings=tuple(finding for plan in plans for finding in plan.findings),
        sources={name: source for plan in plans for name, source in plan.sources.items()},
    )
    (tmp_path / "attacks.sarif").write_text(render(everything, "sarif"))
    (tmp_path / "review.sarif").write_text(render(review_plan(), "sarif"))
    broken = render(review_plan(), "sarif").replace('"startLine":4', '"startLine":0')
    (tmp_path / "broken.sarif").write_text(broken)
    said = complaints(sorted(tmp_path.iterdir()))
    no_address = "SARIF2005"  # an informationUri; the project has no page on the web
    assert [
        one for one in said if no_address not in one and not one.startswith("broken.sarif")
    ] == []
    assert [one for one in said if no_address not in one]


@pytest.mark.parametrize("name", ATTACKS)
def test_junit(name: str) -> None:
    text = attacked(name, "junit")
    assert text.isascii()
    assert breaches(text) == []
    found = structure.of_xml(text)
    if name in VISIBLE:
        assert found == structure.of_xml(benign("junit"))


@pytest.mark.parametrize("name", ATTACKS)
def test_html(name: str) -> None:
    """As Python's parser reads it; tests/report/test_page.py asks a browser."""
    page = attacked(name, "html")
    assert page.isascii()
    if name in VISIBLE:
        assert structure.of_html(page) == structure.of_html(benign("html"))


@pytest.mark.parametrize(
    ("handle", "shown"),
    [
        ("octocat", "@octocat"),
        ("@octocat", "@octocat"),
        ("acme/security", "@acme/security"),
        ("@acme/platform/on-call", "@acme/platform/on-call"),
        ("@all", "@&#8203;all"),
        ("Everyone", "Everyone"),
        ("security@example.com", "security@&#8203;example.com"),
        ("a team", "a team"),
        ("acme//x", "acme//x"),
        ("-x", "-x"),
        ("x" * 101, "x" * 99 + "…"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_only_what_can_be_a_handle_is_called(handle: str, shown: str) -> None:
    plan = replace(review_plan(), approvals=(Approval(handle, ("why",), ()),))
    assert f"| <b>{shown}</b> | why |" in plan_markdown(plan, mention=True)
    assert f"@{handle.lstrip('@')}" not in plan_markdown(plan)
