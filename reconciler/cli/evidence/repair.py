"""``audit repair``."""

from __future__ import annotations

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit


@click.command("repair", short_help="Repair a registry that was restored from a backup.")
@environment_option
@click.option("--dry-run", is_flag=True, help="Say what the registry lacks; change nothing.")
@click.option("--push", is_flag=True, help="Push the audit commit.")
@format_option("text", "json")
@click.pass_obj
def audit_repair(
    settings: Settings,
    environment: str,
    dry_run: bool,
    push: bool,
    form: str,
) -> int:
    """Move the registry of ENV forward to the log in HEAD, after Vault was restored from a backup.

    The log must hold. What was revoked since the backup is revoked again first. Versions that were
    issued since are named: they are gone, and their holders need new ones. An entry of its own says
    what was done. Needs the token of a run.

    \b
    Examples:
      reconciler audit repair -e production --dry-run
      reconciler audit repair -e production --push
    """
    from reconciler.app.evidence.repairing import repair_registry
    from reconciler.cli.terminal import workplace
    from reconciler.report.evidence.repair import repair_json, repair_text

    repaired = repair_registry(workplace(settings), environment, dry_run=dry_run, push=push)
    if form == "json":
        emit(repair_json(environment, repaired, dry_run=dry_run), form)
    else:
        emit(repair_text(environment, repaired, dry_run=dry_run, width=settings.width))
    return 1 if repaired.problem else 0
