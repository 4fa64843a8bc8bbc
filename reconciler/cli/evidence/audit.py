"""``audit``: the evidence log, for auditors and for whoever runs Vault."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.evidence.history import audit_export, audit_show
from reconciler.cli.evidence.removal import audit_archive, audit_erase
from reconciler.cli.evidence.repair import audit_repair
from reconciler.cli.evidence.witness import audit_witness, audit_witness_key
from reconciler.cli.options import Directory, environment_option, format_option
from reconciler.cli.output import Settings, emit


@click.group("audit")
def audit_group() -> None:
    """The evidence log: every run is an entry, signed by a key in Vault and chained to the one
    before.

    \b
    Examples:
      reconciler audit key -e production
      reconciler audit verify -e production --key production.vkey
      reconciler audit show -e production --at 2026-03-03
    """


@audit_group.command("key", short_help="Print the verifier key to pin.")
@environment_option
@click.pass_obj
def audit_key(settings: Settings, environment: str) -> int:
    """Print the key that verifies the log of ENV, as Vault has it: one line.

    Keep it where whoever may push to the repository cannot change it: log and keys that lie beside
    each other can be replaced together. After a rotation the old line still verifies the log.

    \b
    Example:
      reconciler audit key -e production > production.vkey
    """
    from reconciler.app.evidence.key import read_log_key
    from reconciler.cli.terminal import workplace

    emit(read_log_key(workplace(settings), environment))
    return 0


@audit_group.command("verify", short_help="Verify the log; no Vault needed.")
@environment_option
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY|FILE",
    help="A key that you pinned, or a file with it.",
)
@click.option(
    "--since",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint that you kept: the log must begin with what it counts.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A witness policy (C2SP tlog-policy): its quorum must have cosigned.",
)
@click.option(
    "--in",
    "folder",
    type=Directory(),
    metavar="DIR",
    help="The log in this pack or archive, not the one of the project.",
)
@click.option("--live", is_flag=True, help="Compare with Vault: head and history of every client.")
@click.option("--log", metavar="NAME", help="A former log, by its folder's name: log-1a2b3c4d.")
@format_option("text", "json")
@click.pass_obj
def audit_verify(
    settings: Settings,
    environment: str,
    keys: tuple[str, ...],
    since: tuple[Path, ...],
    policy: Path | None,
    folder: Path | None,
    live: bool,
    log: str | None,
    form: str,
) -> int:
    """Verify the log of ENV as it lies in the work tree: every entry, its signature, the chain, the
    reports, the checkpoint. Names the first thing that does not hold.

    Without an anchor it exits with 1 even if all of that holds: whoever may push could have
    replaced everything together. An anchor is --key, --since, --policy or --live, one or more of
    them. Former logs, which could not go on, are verified with it; --log verifies one alone.

    With --in it needs no project: it verifies what audit export or audit archive wrote.

    \b
    Examples:
      reconciler audit verify -e production --key production.vkey
      reconciler audit verify -e production --since checkpoint-of-march
      reconciler audit verify -e production --live --format json
      reconciler audit verify -e production --in evidence-2025 --key production.vkey
    """
    from reconciler.app.evidence.verifying import Given, verify_folder, verify_log_of
    from reconciler.cli.terminal import workplace
    from reconciler.evidence.verification.walk import VerifiedLog
    from reconciler.report.evidence.verdict import verdict_json, verdict_text

    given = Given(keys, since, policy, live, log)
    if folder is not None and live:
        raise click.UsageError("--in and --live exclude each other: Vault knows the log of today")
    found = (
        verify_log_of(workplace(settings), environment, given)
        if folder is None
        else verify_folder(folder, environment, given)
    )
    if form == "json":
        emit(verdict_json(environment, found), form)
    else:
        emit(verdict_text(environment, found, width=settings.width, colour=settings.colour))
    return 0 if isinstance(found, VerifiedLog) and not found.unanchored else 1


audit_group.add_command(audit_show)
audit_group.add_command(audit_export)
audit_group.add_command(audit_repair)
audit_group.add_command(audit_erase)
audit_group.add_command(audit_archive)
audit_group.add_command(audit_witness)
audit_group.add_command(audit_witness_key)
