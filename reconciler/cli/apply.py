"""``apply``, ``rotate`` and ``revoke``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.ended import finish
from reconciler.cli.options import (
    environment_option,
    format_option,
    only_option,
    rollback_option,
    upkeep_option,
    verify_option,
    yes_remove_option,
)
from reconciler.cli.output import Settings, say

if TYPE_CHECKING:
    from reconciler.app.console import Console
    from reconciler.domain.live.observed import Observed
    from reconciler.domain.plan.plan import Plan
    from reconciler.planning.actions.inputs import Pairs, Question


def run_options(command: click.decorators.FC) -> click.decorators.FC:
    """Options of everything that changes live state."""
    command = format_option("text", "json")(command)
    command = click.option(
        "--no-alerts", is_flag=True, help="Tell nobody through the channels of reconciler.yaml."
    )(command)
    command = click.option(
        "--push", is_flag=True, help="Push the audit commit; a moved branch is tried again."
    )(command)
    return click.option(
        "--no-commit", is_flag=True, help="Write the audit report but do not commit it."
    )(command)


@click.command()
@environment_option
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask; for CI.")
@run_options
@only_option
@yes_remove_option
@verify_option
@upkeep_option
@rollback_option
@click.option(
    "--allowed-signers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="RECONCILER_ALLOWED_SIGNERS",
    help=(
        "The commit must be signed by a key in FILE, outside of the repository.  [env:"
        " RECONCILER_ALLOWED_SIGNERS]"
    ),
)
@click.option("--shard", metavar="K/N", help="Only the K-th of N parts of the registry.")
@click.option(
    "--no-wait", is_flag=True, help="Do not wait for another run's lease: exit 4 at once."
)
@click.option(
    "--deep",
    is_flag=True,
    help="Read the metadata of every secret where the server lists only names.",
)
@click.pass_obj
def apply(
    settings: Settings,
    environment: str,
    planfile: Path | None,
    yes: bool,
    form: str,
    no_commit: bool,
    push: bool,
    no_alerts: bool,
    only: tuple[str, ...],
    yes_remove: int | None,
    verify: tuple[str, ...],
    upkeep: bool,
    allow_rollback: str | None,
    allowed_signers: Path | None,
    shard: str | None,
    no_wait: bool,
    deep: bool,
) -> int:
    """Make ENV what is declared, then commit the audit report.

    With PLANFILE exactly that plan is carried out, or nothing: it is refused when it is stale for
    the clients it touches, used, expired or blocked.

    \b
    Examples:
      reconciler apply -e staging
      reconciler apply -e production plan.json --push
      reconciler apply -e production --yes --yes-remove 2 --allowed-signers /etc/reconciler/allowed_signers
    """
    from reconciler.app import project, wiring
    from reconciler.app.plan import planned
    from reconciler.app.plan.planfile import load_for
    from reconciler.app.run import demands
    from reconciler.app.run.alerts import Alerts
    from reconciler.cli.terminal import stop_on_signals, workplace
    from reconciler.engine import apply as run
    from reconciler.planning.actions.inputs import pair_up
    from reconciler.planning.planner import make_plan

    planned.refuse_misused(planfile, only, yes_remove, shard, verify, upkeep, allow_rollback)
    part_of = planned.parse_shard(shard) if shard is not None else None
    here = workplace(settings)
    desired = project.load_desired(here.root, environment)
    saved = load_for(desired, planfile) if planfile is not None else None
    options = run.Options("apply", saved is not None, not no_wait, not no_commit, push)
    alerts = Alerts(here, desired.project, desired.environment, desired.clients, no_alerts)
    with (
        alerts.if_blocked(),
        stop_on_signals(settings) as stopping,
        wiring.engine_for(
            replace(here, stopping=stopping), desired.project, desired.environment, delivers=True
        ) as engine,
    ):

        def agreed(observed: Observed, pairs: Pairs) -> tuple[Question, Plan]:
            asked = planned.Asked(only, verify, yes_remove, allow_rollback, deep=deep)
            whole = planned.question_for(here, desired, asked, saved=saved, applying=True)
            question = planned.narrowed(
                whole,
                pairs,
                buckets=observed.buckets,
                shard=part_of,
                upkeep=upkeep,
                saved=saved,
            )
            inputs = engine.inputs(question, observed, pairs)
            plan = saved or planned.with_unfinished(engine, observed, make_plan(inputs))
            alerts.learn(observed, plan)
            demands.refuse_plan(here, desired, plan, inputs.checkout)
            agree(here.console, plan, ask=saved is None and not yes)
            return question, plan

        demands.refuse_badly_signed(here, desired, allowed_signers)

        def anew(observed: Observed) -> tuple[Question, Plan]:
            return agreed(observed, pair_up(desired, observed))

        observed = engine.look(desired, deep=deep)
        pairs = pair_up(desired, observed)
        planned.refuse_unknown(only, pairs)
        result, problem = run.apply(
            engine, *agreed(observed, pairs), observed, options, anew if yes else None
        )
    return finish(result, problem, settings, form, alerts, saved=saved is not None)


@click.command()
@environment_option
@click.argument("target", metavar="CLIENT[/KEY|/WEBHOOK]")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it goes into the evidence.")
@run_options
@click.option(
    "--no-wait", is_flag=True, help="Do not wait for another run's lease: exit 4 at once."
)
@click.pass_obj
def rotate(
    settings: Settings,
    environment: str,
    target: str,
    reason: str,
    form: str,
    no_commit: bool,
    push: bool,
    no_alerts: bool,
    no_wait: bool,
) -> int:
    """Rotate one key of CLIENT, all of its keys, or the signing secret of one webhook, now. The old
    version works on through its grace.

    \b
    Examples:
      reconciler rotate -e staging paystack-payouts/primary --reason "laptop lost"
      reconciler rotate -e staging paystack-payouts/settlements --reason "receiver moved"
    """
    from reconciler.app import project, wiring
    from reconciler.app.plan.targets import parse_target, rotation_question
    from reconciler.app.run.alerts import Alerts
    from reconciler.cli.terminal import stop_on_signals, workplace
    from reconciler.engine.apply import Options
    from reconciler.engine.apply import apply as carry_out
    from reconciler.planning.actions.inputs import pair_up
    from reconciler.planning.planner import make_plan

    asked = parse_target(target)
    here = workplace(settings)
    desired = project.load_desired(here.root, environment)
    alerts = Alerts(here, desired.project, desired.environment, desired.clients, no_alerts)
    with (
        alerts.if_blocked(),
        stop_on_signals(settings) as stopping,
        wiring.engine_for(
            replace(here, stopping=stopping), desired.project, desired.environment, delivers=True
        ) as engine,
    ):

        def agreed(observed: Observed) -> tuple[Question, Plan]:
            question = rotation_question(desired, observed, asked, reason)
            pairs = pair_up(desired, observed)
            plan = make_plan(engine.inputs(question, observed, pairs))
            alerts.learn(observed, plan)
            agree(here.console, plan, ask=False)
            refuse_nothing(plan, target)
            return question, plan

        observed = engine.look(desired)
        question, plan = agreed(observed)
        options = Options("rotate", False, not no_wait, not no_commit, push)
        result, problem = carry_out(engine, question, plan, observed, options, agreed)
    return finish(result, problem, settings, form, alerts)


@click.command()
@environment_option
@click.argument("target", metavar="CLIENT[/KEY|/WEBHOOK]")
@click.option(
    "--reason",
    required=True,
    metavar="TEXT",
    help="compromise, retired, superseded, … or a few words; it goes into the evidence.",
)
@click.option("--incident", metavar="ID", help="The incident or ticket, such as INC-1234.")
@run_options
@click.pass_obj
def revoke(
    settings: Settings,
    environment: str,
    target: str,
    reason: str,
    incident: str | None,
    form: str,
    no_commit: bool,
    push: bool,
    no_alerts: bool,
) -> int:
    """Revoke one key of CLIENT, the signing secret of one webhook, or everything it has, at once:
    no grace, no lease, no guard.

    Nothing new is issued until the declaration says so (reissueAfter: VERSION); plan says how.

    \b
    Examples:
      reconciler revoke -e production paystack-payouts --reason compromise --incident INC-1234
      reconciler revoke -e production paystack-payouts/settlements --reason compromise
    """
    from reconciler.app import wiring
    from reconciler.app.plan.targets import parse_revocation
    from reconciler.app.project import environment_and_files
    from reconciler.app.run.alerts import Alerts
    from reconciler.cli.terminal import stop_on_signals, workplace
    from reconciler.engine import emergency
    from reconciler.engine.apply import Options

    request = parse_revocation(target, reason, incident)
    here = workplace(settings)
    project, chosen, loaded = environment_and_files(here.root, environment)
    alerts = Alerts(here, project, chosen, muted=no_alerts)
    with (
        stop_on_signals(settings) as stopping,
        wiring.engine_for(replace(here, stopping=stopping), project, chosen) as engine,
    ):
        observed = emergency.look(engine, request.client)
        alerts.learn(observed)
        options = Options("revoke", commit=not no_commit, push=push)
        result, problem = emergency.revoke(engine, request, observed, options, loaded)
    if not result.outcomes:
        say(settings, f"nothing of {target} is usable: there is nothing to revoke")
    return finish(result, problem, settings, form, alerts)


def agree(console: Console, plan: Plan, *, ask: bool) -> None:
    """Show the plan, refuse a blocked one, and have it confirmed."""
    from reconciler.engine.apply import refuse_blocked

    console.show(plan)
    refuse_blocked(plan)
    if plan.changes and ask:
        console.agree(plan)


def refuse_nothing(plan: Plan, target: str) -> None:
    """A rotation that would do nothing says why. Raises ``BlockedError``."""
    from reconciler.errors import BlockedError

    if not plan.changes:
        held = (
            "; ".join(action.message for action in plan.actions) or f"{target} has no key to rotate"
        )
        raise BlockedError(
            "RC360",
            f"nothing can be rotated: {held}",
            "reconciler status shows the versions it has",
        )
