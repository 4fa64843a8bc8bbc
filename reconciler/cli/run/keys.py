"""``rotate`` and ``revoke``."""

from __future__ import annotations

import click

from reconciler.cli.ended import exit_code
from reconciler.cli.options import environment_option
from reconciler.cli.output import Settings
from reconciler.cli.run.options import run_options


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
    from reconciler.cli.terminal import session

    with session(settings, environment) as here:
        run = here.rotate(
            target,
            reason=reason,
            commit=not no_commit,
            push=push,
            wait=not no_wait,
            alerts=not no_alerts,
        )
    return exit_code(run)


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
    from reconciler.cli.terminal import session

    with session(settings, environment) as here:
        run = here.revoke(
            target,
            reason=reason,
            incident=incident,
            commit=not no_commit,
            push=push,
            alerts=not no_alerts,
        )
    return exit_code(run)
