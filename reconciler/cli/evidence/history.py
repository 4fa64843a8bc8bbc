"""``audit show`` and ``audit export``: what the log tells, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import Directory, environment_option, format_option
from reconciler.cli.output import Settings, emit, say

if TYPE_CHECKING:
    from reconciler.app.evidence.history import WorkTreeLog


@click.command("show", short_help="Show who changed what, when and why.")
@environment_option
@click.option("--client", metavar="CLIENT", help="Only this client, by any name that it had.")
@click.option(
    "--since", metavar="DATE|DURATION", help="Only runs from then on: 2026-03-03, or 90d ago."
)
@click.option("--until", metavar="DATE", help="Only runs to the end of that day, or that instant.")
@click.option(
    "--kind", metavar="KIND", help="Only such changes: rotate, rotate-key, revoke, …; or entries."
)
@click.option(
    "--at", metavar="DATE", help="Instead: the versions that were valid on that day or instant."
)
@format_option("text", "json", "markdown")
@click.pass_obj
def audit_show(
    settings: Settings,
    environment: str,
    client: str | None,
    since: str | None,
    until: str | None,
    kind: str | None,
    at: str | None,
    form: str,
) -> int:
    """Show what the log of ENV tells, the newest last: who changed what, when, why, from which
    commit and pull request, and who approved it as far as commits say.

    Offline, from the files of the work tree; signatures are not verified, reconciler audit verify
    does that. Names and reasons in words stand in the reports: where one was erased, they are left
    out. --at answers which key was valid at a time.

    \b
    Examples:
      reconciler audit show -e production --client paystack-payouts --since 90d
      reconciler audit show -e production --at 2026-03-03
    """
    from reconciler.app.evidence.history import open_log
    from reconciler.cli.terminal import workplace

    here = workplace(settings)
    log = open_log(here, environment)
    if at is not None:
        _refuse_both(since=since, until=until, kind=kind)
        text = _show_usable(settings, log, at, client, form)
    else:
        from reconciler.app.evidence.choosing import choose_history

        runs = choose_history(here, log, client=client, kind=kind, since=since, until=until)
        from reconciler.report.evidence import history

        if form == "text":
            text = history.history_text(environment, runs, width=settings.width)
        else:
            render = {"json": history.history_json, "markdown": history.history_markdown}
            text = render[form](environment, runs)
    emit(text, form)
    return 0


def _show_usable(
    settings: Settings, log: WorkTreeLog, at: str, client: str | None, form: str
) -> str:
    from reconciler.app.evidence.choosing import find_usable_at
    from reconciler.report.evidence import usable

    moment, found = find_usable_at(log, at, client)
    if form == "text":
        return usable.usable_text(moment, found, width=settings.width)
    render = {"json": usable.usable_json, "markdown": usable.usable_markdown}
    return render[form](moment, found)


def _refuse_both(**others: str | None) -> None:
    """Raises ``UsageError`` RC020 for options that make no sense beside ``--at``."""
    for name, value in others.items():
        if value is not None:
            raise click.UsageError(f"--at and --{name} exclude each other")


@click.command("export", short_help="Write the pack for an auditor.")
@environment_option
@click.option(
    "--out",
    required=True,
    type=Directory(),
    metavar="DIR",
    help="Where to: absent, or an empty folder.",
)
@click.option("--since", metavar="DATE", help="The first day of the period (UTC).")
@click.option("--until", metavar="DATE", help="The last day of the period (UTC).")
@click.pass_obj
def audit_export(
    settings: Settings, environment: str, out: Path, since: str | None, until: str | None
) -> int:
    """Write the pack for an auditor of ENV to DIR: sheets as CSV and one page, a map of controls,
    and the log with all it takes to verify it without us.

    Offline, from the files of the work tree: the same files give the same bytes. The sheets are of
    the period; the log is whole, because a part of it cannot be verified.

    \b
    Examples:
      reconciler audit export -e production --out evidence
      reconciler audit export -e production --out pack --since 2026-01-01 --until 2026-03-31
    """
    from reconciler.app.evidence.export import export_pack
    from reconciler.cli.terminal import workplace

    count = export_pack(workplace(settings), environment, out, since=since, until=until)
    emit(f"{count} files in {out}: begin with {out / 'README.md'}")
    say(settings, f"verify the log first: reconciler audit verify -e {environment}")
    return 0
