"""``audit erase`` and ``audit archive``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options import Directory, environment_option, format_option
from reconciler.cli.output import Settings, emit


@click.command("erase", short_help="Erase reports; the log says so.")
@environment_option
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--dry-run", is_flag=True, help="Say what would be erased; change nothing.")
@click.option("--push", is_flag=True, help="Push the audit commit.")
@format_option("text", "json")
@click.pass_obj
def audit_erase(
    settings: Settings,
    environment: str,
    runs: tuple[str, ...],
    dry_run: bool,
    push: bool,
    form: str,
) -> int:
    """Erase the reports of these runs of ENV, because a person asked to be forgotten: names stand
    in reports alone. A signed entry says which files are gone, and the log still verifies.

    The files go from the branch, the disk and the registry. The history of git has them until
    somebody rewrites it and every clone is replaced. reconciler audit show lists runs with who ran
    them. Needs the token of a run.

    \b
    Examples:
      reconciler audit erase -e production 20260305t120000z-0e2879d5b0cc-79f6 --dry-run
      reconciler audit erase -e production 20260305t120000z-0e2879d5b0cc-79f6 --push
    """
    from reconciler.app.evidence.removing import erase_runs
    from reconciler.cli.terminal import workplace
    from reconciler.report.evidence.removal import erasure_json, erasure_text

    removed = erase_runs(workplace(settings), environment, runs, push=push, dry_run=dry_run)
    if form == "json":
        emit(erasure_json(environment, removed, dry_run=dry_run), form)
    else:
        emit(erasure_text(environment, removed, dry_run=dry_run, width=settings.width))
    return 1 if removed.problem else 0


@click.command("archive", short_help="Move the reports of closed years to an archive.")
@environment_option
@click.option(
    "--before", required=True, metavar="DATE", help="Reports of entries closed before that (UTC)."
)
@click.option(
    "--out",
    required=True,
    type=Directory(),
    metavar="DIR",
    help="Where the archive is written: absent, or an empty folder.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be archived; change nothing.")
@click.option("--push", is_flag=True, help="Push the audit commits.")
@format_option("text", "json")
@click.pass_obj
def audit_archive(
    settings: Settings,
    environment: str,
    before: str,
    out: Path,
    dry_run: bool,
    push: bool,
    form: str,
) -> int:
    """Write the pack for an auditor of ENV to DIR, then take the reports of entries that were
    closed before DATE out of the branch. Entries stay: they are the chain, and one of them says
    which files lie in an archive.

    Nothing is removed before DIR verifies by itself and holds every file that goes, byte for byte.
    An archive is verified with --in, without a project. Needs the token of a run.

    \b
    Examples:
      reconciler audit archive -e production --before 2026-01-01 --out evidence-2025 --dry-run
      reconciler audit archive -e production --before 2026-01-01 --out evidence-2025 --push
      reconciler audit verify -e production --in evidence-2025 --key production.vkey
    """
    from reconciler.app.evidence.removing import archive_before
    from reconciler.cli.terminal import workplace
    from reconciler.report.evidence.removal import archive_json, archive_text

    removed = archive_before(
        workplace(settings), environment, before, out, push=push, dry_run=dry_run
    )
    if form == "json":
        emit(archive_json(environment, removed, str(out), dry_run=dry_run), form)
    else:
        emit(archive_text(environment, removed, str(out), dry_run=dry_run, width=settings.width))
    return 1 if removed.problem else 0
