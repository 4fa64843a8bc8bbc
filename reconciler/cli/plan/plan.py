"""``plan`` and ``show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    environment_option,
    only_option,
    rollback_option,
    upkeep_option,
    verify_option,
    yes_remove_option,
)
from reconciler.cli.output import Settings, emit, say, write_file
from reconciler.cli.plan.look import look_of, look_options

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.app.values import Plan

CHANGES_PRESENT = 2
BLOCKED = 3
# Years that --at may name; there is room on both sides for the longest duration.
EARLIEST, LATEST = 1970, 9000


@click.command()
@environment_option
@click.argument("clients", nargs=-1, metavar="[CLIENT]...")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for apply."
)
@look_options
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 when there are changes, 0 when there are none.",
)
@click.option(
    "--at", metavar="TIME", help="What would be due at that time, such as 2027-01-31T00:00:00Z."
)
@only_option
@yes_remove_option
@verify_option
@upkeep_option
@rollback_option
@click.option(
    "--reviewed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Only what the plan in FILE does; exit 4 when something else would be done now.",
)
@click.option(
    "--base",
    metavar="REF",
    help=(
        "The commit to compare policy, catalogue and guards with.  [default: the one that this"
        " change is made on]"
    ),
)
@click.option(
    "--deep",
    is_flag=True,
    help="Read the metadata of every secret where the server lists only names.",
)
@click.option(
    "--no-cache",
    is_flag=True,
    help="Read and judge every client anew, also those that did not change since the last plan.",
)
@click.pass_obj
def plan(
    settings: Settings,
    /,
    environment: str,
    clients: tuple[str, ...],
    out: Path | None,
    detailed_exitcode: bool,
    at: str | None,
    only: tuple[str, ...],
    yes_remove: int | None,
    verify: tuple[str, ...],
    upkeep: bool,
    allow_rollback: str | None,
    reviewed: Path | None,
    base: str | None,
    deep: bool,
    no_cache: bool,
    form: str,
    **look: Any,
) -> int:
    """Show what apply would do to ENV, and why. Changes nothing; reads no secret. With CLIENT only
    to that one.

    With --reviewed a plan is made anew for the clients that the plan in FILE touches, and compared
    with it: what a pull request showed is what comes after its merge, whatever commit that made.
    What policy, catalogue and guards lost since --base is reported beside what the change does.

    \b
    Examples:
      reconciler plan -e staging
      reconciler plan -e staging paystack-payouts
      reconciler plan -e staging --base origin/main
      reconciler plan -e production --yes-remove 2 --out plan.json --format markdown
      reconciler plan -e production --at 2027-01-31T00:00:00Z
      reconciler plan -e production --reviewed pull-request.json --out plan.json
    """
    from reconciler.app.plan.planned import client_names
    from reconciler.app.plan.rendering import render_plan
    from reconciler.cli.terminal import session

    only, time = client_names((*only, *clients)), moment(at)
    refuse_together(at, out, reviewed, narrowed=bool(only or at or verify or upkeep))
    with session(settings, environment) as here:
        made = here.plan(
            only=only,
            verify=verify,
            upkeep=upkeep,
            yes_remove=yes_remove,
            allow_rollback=allow_rollback,
            at=time,
            reviewed=reviewed,
            base=base,
            deep=deep,
            cache=not no_cache and out is None,
        )
    keep(made, out, settings)
    emit(render_plan(made.content, look_of(settings, form, **look)), form)
    return _exit_code(made, detailed=detailed_exitcode)


def _exit_code(plan: Plan, *, detailed: bool) -> int:
    if plan.blocked:
        return BLOCKED
    return CHANGES_PRESENT if detailed and plan.changes else 0


@click.command()
@click.argument("planfile", type=click.Path(path_type=Path))
@look_options
@click.option(
    "--compared",
    is_flag=True,
    help="Only what plan --reviewed compares: the changes and their reasons.",
)
@click.pass_obj
def show(settings: Settings, /, planfile: Path, form: str, compared: bool, **look: Any) -> int:
    """Show a plan that was saved with plan --out: in several formats without planning again.

    With --compared only what plan --reviewed holds against a plan of its own: what else a file says
    may be made up.

    \b
    Examples:
      reconciler show plan.json --format markdown --mention > comment.md
      reconciler show plan.json --format html > plan.html
      reconciler show pull-request.json --format markdown --compared
    """
    from reconciler.app.plan.planfile import load_planfile
    from reconciler.app.plan.rendering import render_plan
    from reconciler.engine.planfile.saved import take_compared as compared_part

    saved = load_planfile(planfile)
    shown = compared_part(saved) if compared else saved
    emit(render_plan(shown, look_of(settings, form, **look)), form)
    return 0


def refuse_together(
    at: str | None,
    out: Path | None,
    reviewed: Path | None,
    *,
    narrowed: bool,
) -> None:
    """Raises ``UsageError`` for options that exclude each other.

    ``narrowed``: a part or another time is asked for.
    """
    from reconciler.errors import UsageError

    if at is not None and out is not None:
        raise UsageError(
            "RC003",
            "a plan for another time cannot be saved and applied",
            "leave out --at or --out",
        )
    if reviewed is not None and narrowed:
        raise UsageError(
            "RC009",
            "a reviewed plan is compared as it is",
            "leave out CLIENT, --only, --at, --verify and --upkeep",
        )


def keep(plan: Plan, out: Path | None, settings: Settings) -> None:
    """Save the plan where that is asked for, and say how it is applied."""
    if out is not None:
        write_file(out, plan.to_json(), "RC004", "choose another file for --out")
        say(
            settings, f"saved to {out}; apply it with: reconciler apply -e {plan.environment} {out}"
        )


def moment(text: str | None) -> datetime | None:
    """The instant of ``--at``. Raises ``UsageError``."""
    from reconciler.domain.values.canonical import parse_iso
    from reconciler.errors import UsageError

    if text is None:
        return None
    try:
        at = parse_iso(text)
    except ValueError:
        raise UsageError(
            "RC006", f"--at {text!r} is not a time", "write it like 2027-01-31T00:00:00Z"
        ) from None
    if not EARLIEST <= at.year < LATEST:
        message = f"--at {text!r} is not a time in the years {EARLIEST} to {LATEST - 1}"
        raise UsageError("RC006", message, "write it like 2027-01-31T00:00:00Z")
    return at
