"""A plan in each of its formats: one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from reconciler.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.domain.plan.plan import Plan

_LINK = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#][^\s\\]*)?", re.ASCII)
# The least and the usual size of Markdown: those of report/plan/markdown, which --help must not
# import.
SMALLEST, USUAL = 10_000, 65_000


def is_web_address(text: str) -> bool:
    """Whether it is an absolute http(s) address without white space and without a password."""
    return text.isprintable() and _LINK.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Look:
    """How a plan is to be shown.

    ``folder``: where the project lies in its repository. ``link``, ``mention`` and ``limit`` (bytes)
    are about Markdown; without ``link`` it is that of the run of CI that ``environ`` tells of.
    ``width`` (columns), ``colour`` and ``verbose`` are about text.
    """

    form: str
    folder: str = ""
    link: str | None = None
    mention: bool = False
    limit: int = USUAL
    width: int = 100
    colour: bool = False
    verbose: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


def _text(plan: Plan, look: Look) -> str:
    from reconciler.report.plan.text import plan_text

    return plan_text(plan, width=look.width, colour=look.colour, verbose=look.verbose)


def _markdown(plan: Plan, look: Look) -> str:
    from reconciler.report.plan.markdown import plan_markdown

    link = look.link or run_address(look.environ)
    return plan_markdown(plan, mention=look.mention, link=link, limit=look.limit)


def _json(plan: Plan, look: Look) -> str:
    from reconciler.engine.planfile.document import plan_json

    return plan_json(plan)


def _sarif(plan: Plan, look: Look) -> str:
    from reconciler.report.forges.sarif import plan_sarif

    return plan_sarif(plan, look.folder)


def _github(plan: Plan, look: Look) -> str:
    from reconciler.report.forges.annotations import plan_github

    return plan_github(plan, look.folder)


def _gitlab(plan: Plan, look: Look) -> str:
    from reconciler.report.forges.code_quality import plan_gitlab

    return plan_gitlab(plan, look.folder)


def _junit(plan: Plan, look: Look) -> str:
    from reconciler.report.forges.junit import plan_junit

    return plan_junit(plan)


def _html(plan: Plan, look: Look) -> str:
    from reconciler.report.plan.html import plan_html

    return plan_html(plan)


# Every format of a plan. The choices of --format are these, and docs/review.md has a row for each.
PLAN_FORMATS: Mapping[str, Callable[[Plan, Look], str]] = {
    "text": _text,
    "markdown": _markdown,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
    "html": _html,
}


def render_plan(plan: Plan, look: Look) -> str:
    """The plan in one of its formats."""
    return PLAN_FORMATS[look.form](plan, look)


def run_address(environ: Mapping[str, str]) -> str | None:
    """Where the run of a CI system that this is part of can be looked at; None elsewhere."""
    server, repository, run = (
        environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    address = (
        f"{server}/{repository}/actions/runs/{run}"
        if server and repository and run
        else environ.get("CI_JOB_URL")
    )
    return address if address and is_web_address(address) else None
