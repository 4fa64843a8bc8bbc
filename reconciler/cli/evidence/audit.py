"""``audit``: the evidence log, for auditors and for whoever runs Vault."""

from __future__ import annotations

import click

from reconciler.cli.options import environment_option
from reconciler.cli.output import Settings, emit


@click.group()
def audit() -> None:
    """The evidence log: every run is an entry, signed by a key in Vault and chained to the one
    before.

    \b
    Examples:
      reconciler audit key -e production
      reconciler audit verify -e production --key production.vkey
    """


@audit.command("key", short_help="Print the verifier key to pin.")
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
