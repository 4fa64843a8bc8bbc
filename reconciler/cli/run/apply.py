"""``apply``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.ended import exit_code
from reconciler.cli.options import (
    environment_option,
    only_option,
    rollback_option,
    upkeep_option,
    verify_option,
    yes_remove_option,
)
from reconciler.cli.output import Settings
from reconciler.cli.run.options import run_options


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
    from reconciler.cli.terminal import session

    with session(settings, environment) as here:
        run = here.apply(
            planfile,
            only=only,
            verify=verify,
            upkeep=upkeep,
            yes_remove=yes_remove,
            allow_rollback=allow_rollback,
            shard=shard,
            deep=deep,
            allowed_signers=allowed_signers,
            ask=not yes,
            commit=not no_commit,
            push=push,
            wait=not no_wait,
            alerts=not no_alerts,
        )
    return exit_code(run)
