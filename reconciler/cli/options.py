"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def environment_option(command: Decorated) -> Decorated:
    return click.option("-e", "--environment", required=True, metavar="ENV", help="An environment of reconciler.yaml.")(
        command
    )


def format_option(*formats: str) -> Callable[[Decorated], Decorated]:
    return click.option(
        "--format", "form", type=click.Choice(formats), default="text", show_default=True,
        help="How to print the result.",
    )  # fmt: skip


def asked_format(arguments: Sequence[str]) -> str:
    """What ``--format`` says, before anything is parsed: an error of parsing is printed in that format too."""
    found = "text"
    for one, following in pairwise([*arguments, ""]):
        if one == "--":
            break
        if one == "--format":
            found = following
        elif one.startswith("--format="):
            found = one.removeprefix("--format=")
    return found


def verify_option(command: Decorated) -> Decorated:
    return click.option(
        "--verify", multiple=True, metavar="CLIENT[/WEBHOOK]",
        help="Have this webhook prove itself again, also when it has, or answered 410; may be repeated.",
    )(command)  # fmt: skip


def upkeep_option(command: Decorated) -> Decorated:
    return click.option(
        "--upkeep", is_flag=True, help="Only what needs no decision: renewals, ends of grace, repairs of drift."
    )(command)


def yes_remove_option(command: Decorated) -> Decorated:
    return click.option(
        "--yes-remove", type=click.IntRange(min=1), metavar="N",
        help="Exactly N clients are to be removed, also if these are most of them.",
    )(command)  # fmt: skip


def only_option(command: Decorated) -> Decorated:
    return click.option("--only", multiple=True, metavar="CLIENT", help="Only this client; may be repeated.")(command)
