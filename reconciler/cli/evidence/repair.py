"""``audit repair``."""

from __future__ import annotations

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit


@click.command("repair", short_help="Repair a registry that was restored from a backup.")
@environment_option
@click.option("--dry-run", is_flag=True, help="Say what the registry lacks; change nothing.")
@click.option(
    "--new-log",
    is_flag=True,
    help="The signing key is lost: keep the log as it is, and begin another one.",
)
@click.option("--push", is_flag=True, help="Push the audit commit.")
@format_option("text", "json")
@click.pass_obj
def audit_repair(
    settings: Settings,
    environment: str,
    dry_run: bool,
    new_log: bool,
    push: bool,
    form: str,
) -> int:
    """Move the registry of ENV forward to the log in HEAD, after Vault was restored from a backup.

    The log must hold. What was revoked since the backup is revoked again first. Versions that were
    issued since are named: they are gone, and their holders need new ones. An entry of its own says
    what was done. Needs the token of a run.

    With --new-log: the log cannot go on, because its signing key is lost. It moves to a folder of
    its own, audit/ENV/log-…, where it still verifies. Another log begins, whose first entry vouches
    for it. Its key is printed: pin that one.

    \b
    Examples:
      reconciler audit repair -e production --dry-run
      reconciler audit repair -e production --push
      reconciler audit repair -e production --new-log --push
    """
    from reconciler.app.evidence.repairing import repair_registry
    from reconciler.cli.terminal import workplace
    from reconciler.report.evidence.repair import repair_json, repair_text

    repaired = repair_registry(
        workplace(settings), environment, dry_run=dry_run, push=push, new_log=new_log
    )
    if form == "json":
        emit(repair_json(environment, repaired, dry_run=dry_run), form)
    else:
        emit(repair_text(environment, repaired, dry_run=dry_run, width=settings.width))
    return 1 if repaired.problem else 0
