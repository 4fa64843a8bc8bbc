"""``trust``: which servers may be sent a credential."""

from __future__ import annotations

import os

import click

from reconciler.cli.output import Settings, emit, say


@click.command()
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--remove", is_flag=True, help="Take ADDRESS off the list.")
@click.pass_obj
def trust(settings: Settings, address: str | None, remove: bool) -> int:
    """Accept ADDRESS, a Vault or OpenBao server, as one that may be sent your credentials.

    Without ADDRESS list the servers that are accepted.

    reconciler.yaml names a server, and whoever writes that file may be somebody else. So a
    credential goes only to an address that you accepted: here, in the question of the first command
    that needs it, or with VAULT_ADDR. The list is a file of your own, in your configuration.
    Scheme, host and port count.

    \b
    Examples:
      reconciler trust https://vault.example.com:8200
      reconciler trust
      reconciler trust --remove https://vault.example.com:8200
    """
    from reconciler.adapters.vault import consent
    from reconciler.errors import VaultError

    if address is None:
        if remove:
            raise click.UsageError("--remove needs the ADDRESS")
        servers = sorted(consent.read_accepted(os.environ))
        if servers:
            emit("\n".join(servers))
        else:
            say(settings, "no server is accepted yet")
        return 0
    change, done, nothing = (
        (consent.forget, "taken off", "was not on the list")
        if remove
        else (consent.accept, "accepted", "was accepted already")
    )
    try:
        where = consent.origin(address)
    except VaultError as error:
        example = "write for example `reconciler trust https://vault.example.com:8200`"
        raise VaultError(
            error.code, "ADDRESS is not a URL of the form https://host:port", example
        ) from None
    changed = change(address, os.environ)
    say(settings, f"{done}: {where}" if changed else f"{where} {nothing}")
    return 0
