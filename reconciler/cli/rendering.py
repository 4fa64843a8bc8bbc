"""A plan in each of its formats: one table, and the options that a format may need."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.options import format_option
from reconciler.cli.output import Settings
from reconciler.domain.secrecy import beginning

if TYPE_CHECKING:
    from reconciler.domain.plan.plan import Plan

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_LINK = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#][^\s\\]*)?", re.ASCII)
_SMALLEST, _DEFAULT = 10_000, 65_000  # those of report/plan_markdown, which --help must not import


def is_web_address(text: str) -> bool:
    """Whether it is an absolute http(s) address without white space and without a password."""
    return text.isprintable() and _LINK.fullmatch(text) is not None


def _link(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_web_address(value):
        raise click.BadParameter(
            f"{beginning(repr(value), 80)} is not a web address such as"
            " https://ci.example.com/runs/7",
            ctx,
            param,
        )
    return value


@dataclass(frozen=True, slots=True)
class Look:
    """How a plan is to be shown. ``folder``: where the project lies in its repository."""

    form: str
    folder: str = ""
    link: str | None = None
    mention: bool = False
    limit: int = _DEFAULT


def _text(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.plan.text import plan_text

    return plan_text(plan, width=settings.width, colour=settings.colour, verbose=settings.verbose)


def _markdown(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.plan.markdown import plan_markdown

    link = look.link or run_address(os.environ)
    return plan_markdown(plan, mention=look.mention, link=link, limit=look.limit)


def _json(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.engine.planfile.document import plan_json

    return plan_json(plan)


def _sarif(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.forges.plan_sarif import plan_sarif

    return plan_sarif(plan, look.folder)


def _github(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.forges.annotations import plan_github

    return plan_github(plan, look.folder)


def _gitlab(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.forges.code_quality import plan_gitlab

    return plan_gitlab(plan, look.folder)


def _junit(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.forges.junit import plan_junit

    return plan_junit(plan)


def _html(plan: Plan, look: Look, settings: Settings) -> str:
    from reconciler.report.plan.html import plan_html

    return plan_html(plan)


# Every format of a plan. The choices of --format are these, and docs/review.md has a row for each.
PLAN_FORMATS: Mapping[str, Callable[[Plan, Look, Settings], str]] = {
    "text": _text,
    "markdown": _markdown,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
    "html": _html,
}


def look_options(command: Decorated) -> Decorated:
    """``--format`` (parameter ``form``) and the options of the comment."""
    options = [
        format_option(*PLAN_FORMATS),
        click.option(
            "--link",
            callback=_link,
            metavar="URL",
            help=(
                "Markdown: where the whole plan is. Default: this run of GitHub Actions or"
                " GitLab CI."
            ),
        ),
        click.option(
            "--mention",
            is_flag=True,
            help="Markdown: call those who must approve, not only name them.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(min=_SMALLEST),
            metavar="BYTES",
            default=_DEFAULT,
            show_default=True,
            help="Markdown: the size that the least risky rows are left out to keep.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def rendered(plan: Plan, look: Look, settings: Settings) -> str:
    """The plan in one of its formats."""
    return PLAN_FORMATS[look.form](plan, look, settings)


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


def project_folder(settings: Settings) -> str:
    """Where the project lies in its repository, ``/`` between the parts; empty at its root, or
    outside of both. Forges want paths from there, findings have theirs from the project."""
    from reconciler.declare.files.files import find_project

    root = find_project(settings.project or Path.cwd())
    if root is None:
        return ""
    top = next((above for above in (root, *root.parents) if (above / ".git").exists()), root)
    return "" if root == top else root.relative_to(top).as_posix()
