"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.output import Settings

if TYPE_CHECKING:
    from pathlib import Path

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Directory(click.Path):
    """A directory as a ``Path``: pathlib is imported once one is named, and not by ``--help``."""

    def __init__(self) -> None:
        super().__init__(file_okay=False)

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Raises ``click.BadParameter`` for a file."""
        from pathlib import Path

        return Path(os.fsdecode(super().convert(value, param, ctx)))


def global_options(*, hidden: bool) -> list[click.Parameter]:
    """``--project``, ``-q``, ``-v`` and ``--no-color``: each is put into the ``Settings`` of the
    context."""
    common: dict[str, Any] = {"expose_value": False, "callback": _settle, "hidden": hidden}
    where = "The directory of reconciler.yaml. Default: the nearest one upwards."
    colour = "No colour; the NO_COLOR variable does the same."
    return [
        click.Option(
            ["--project"],
            type=Directory(),
            metavar="DIR",
            help=where,
            **common,
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help="No progress on stderr.", **common),
        click.Option(["-v", "--verbose"], is_flag=True, help="More detail.", **common),
        click.Option(["--no-color"], is_flag=True, help=colour, **common),
    ]


def _settle(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # what is not said here may have been said before the command
    if value and param.name is not None:
        setattr(ctx.ensure_object(Settings), param.name, value)


def with_global_options(command: click.Command) -> click.Command:
    """``command``, and each of a group, so that it takes the global options behind its name,
    too."""
    made = copy(command)
    made.params = [*command.params, *global_options(hidden=True)]
    if isinstance(made, click.Group):
        made.commands = {name: with_global_options(one) for name, one in made.commands.items()}
    return made


def environment_option(command: Decorated) -> Decorated:
    return click.option(
        "-e",
        "--environment",
        required=True,
        metavar="ENV",
        help="An environment of reconciler.yaml.",
    )(command)


def format_option(*formats: str) -> Callable[[Decorated], Decorated]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default="text",
        show_default=True,
        help="How to print the result.",
    )


def find_format(arguments: Sequence[str]) -> str:
    """What ``--format`` says, before anything is parsed: an error of parsing is printed in that
    format too."""
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
        "--verify",
        multiple=True,
        metavar="CLIENT[/WEBHOOK]",
        help=(
            "Have this webhook prove itself again, also when it has, or answered 410; may be"
            " repeated."
        ),
    )(command)


def upkeep_option(command: Decorated) -> Decorated:
    return click.option(
        "--upkeep",
        is_flag=True,
        help="Only what needs no decision: renewals, ends of grace, repairs of drift.",
    )(command)


def yes_remove_option(command: Decorated) -> Decorated:
    return click.option(
        "--yes-remove",
        type=click.IntRange(min=1),
        metavar="N",
        help="Exactly N clients are to be removed, also if these are most of them.",
    )(command)


def only_option(command: Decorated) -> Decorated:
    return click.option(
        "--only", multiple=True, metavar="CLIENT", help="Only this client; may be repeated."
    )(command)


def rollback_option(command: Decorated) -> Decorated:
    """``--allow-rollback``: a HEAD that does not build on the commit that was applied last."""
    return click.option(
        "--allow-rollback",
        metavar="COMMIT",
        help=(
            "Go back on purpose: HEAD is COMMIT, and need not build on the commit that was applied"
            " last."
        ),
    )(command)
