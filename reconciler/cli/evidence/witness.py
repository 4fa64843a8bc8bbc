"""``audit witness`` and ``audit witness-key``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options import environment_option
from reconciler.cli.output import Settings, emit, say


@click.command("witness", short_help="Cosign the log, if it only grew.")
@environment_option
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Your private key, made by `audit witness-key`.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="What you saw last; it is written anew.",
)
@click.option(
    "--log-key",
    "log_keys",
    multiple=True,
    metavar="VKEY|FILE",
    help="The log's key, as `audit key` printed it: the log must have it.",
)
@click.option("--first", is_flag=True, help="There is no state yet: trust the log that is there.")
@click.pass_obj
def audit_witness(
    settings: Settings,
    environment: str,
    key: Path,
    state: Path,
    log_keys: tuple[str, ...],
    first: bool,
) -> int:
    """Be a witness of the log of ENV: verify it, refuse it unless it only grew since the last time,
    and cosign its checkpoint. Prints the checkpoint with all signatures.

    Run it elsewhere than the log is made: another person, another repository. --project names a
    clone of the project. No Vault is asked, and nothing is written to the project. Where nothing is
    new, the former checkpoint is printed once more.

    \b
    Examples:
      reconciler audit witness -e production --key me.key --state seen.json --first
      reconciler audit witness -e production --key me.key --state seen.json > checkpoint
    """
    from reconciler.app.evidence.witnessing import WitnessPlace, witness_log
    from reconciler.cli.terminal import workplace

    seen = witness_log(
        workplace(settings),
        environment,
        WitnessPlace(key, state),
        log_keys=log_keys,
        first=first,
    )
    if seen.size == seen.former:
        say(settings, f"Nothing is new since entry {seen.size}.")
    else:
        say(settings, f"Cosigned {seen.size} entries; {seen.former} were seen before.")
    emit(seen.note.encode().decode())
    return 0


@click.command("witness-key", short_help="Make the key of a witness.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Where the private key is written to (mode 0600); nothing may be there.",
)
@click.option(
    "--name",
    default="witness",
    show_default=True,
    metavar="NAME",
    help="Who you are, such as witness.example.com: it stands in each cosignature.",
)
@click.pass_obj
def audit_witness_key(settings: Settings, out: Path, name: str) -> int:
    """Make a private key for `audit witness`, and print the line that verifies what it cosigns.

    The line is for a policy (`audit verify --policy`). It may be shown to everybody. The file may
    not: it is not encrypted. It needs no project.

    \b
    Example:
      reconciler audit witness-key --out me.key --name witness.example.com
    """
    from reconciler.app.evidence.witnessing import make_witness_key

    emit(make_witness_key(out, name).text)
    say(
        settings,
        f"The private key is in {out}. Keep it where whoever changes the log cannot read it.",
    )
    return 0
