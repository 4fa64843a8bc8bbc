"""The options that say how a plan is shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.app.plan.rendering import PLAN_FORMATS, SMALLEST, USUAL, Look, is_web_address
from reconciler.app.project import project_folder
from reconciler.cli.options import format_option
from reconciler.cli.output import Settings
from reconciler.domain.secrecy import beginning

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def _web_address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_web_address(value):
        raise click.BadParameter(
            f"{beginning(repr(value), 80)} is not a web address such as"
            " https://ci.example.com/runs/7",
            ctx,
            param,
        )
    return value


def look_options(command: _Decorated) -> _Decorated:
    """``--format`` (parameter ``form``) and the options of the comment."""
    options = [
        format_option(*PLAN_FORMATS),
        click.option(
            "--link",
            callback=_web_address,
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
            type=click.IntRange(min=SMALLEST),
            metavar="BYTES",
            default=USUAL,
            show_default=True,
            help="Markdown: the size that the least risky rows are left out to keep.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def look_of(settings: Settings, form: str, **options: Any) -> Look:
    """How this terminal shows a plan; ``options`` are those of ``look_options``."""
    return Look(
        form,
        project_folder(settings.project),
        **options,
        width=settings.width,
        colour=settings.colour,
        verbose=settings.verbose,
        environ=os.environ,
    )
