"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.output import Settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def environment_option(command: Decorated) -> Decorated:
    return click.option("-e", "--environment", required=True, metavar="ENV", help="An environment of reconciler.yaml.")(
        command
    )


def format_option(*formats: str) -> Callable[[Decorated], Decorated]:
    """``--format``, remembered so that an error is printed in the same format."""

    def remember(context: click.Context, _parameter: click.Parameter, value: str) -> str:
        context.ensure_object(Settings).format = value
        return value

    return click.option(
        "--format", "form", type=click.Choice(formats), default="text", show_default=True, callback=remember,
        is_eager=True, help="How to print the result.",
    )  # fmt: skip


def only_option(command: Decorated) -> Decorated:
    return click.option("--only", multiple=True, metavar="CLIENT", help="Only this client; may be repeated.")(command)
