"""``status``."""

from __future__ import annotations

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit


@click.command()
@environment_option
@click.argument("client", required=False)
@format_option("text", "json")
@click.pass_obj
def status(
    settings: Settings,
    environment: str,
    client: str | None,
    form: str,
) -> int:
    """Show what Vault holds for ENV: clients, key versions, webhooks, and what is unfinished. Reads
    no secret.

    \b
    Examples:
      reconciler status -e staging
      reconciler status -e production paystack-payouts --format json
    """
    from reconciler.cli.terminal import session
    from reconciler.report.status.text import status_text

    with session(settings, environment) as here:
        found = here.status(client)
    if form == "json":
        emit(found.to_json(), form)
    else:
        text = status_text(
            environment,
            found.observed,
            found.unfinished,
            only=found.only,
            width=settings.width,
            colour=settings.colour,
        )
        emit(text)
    return 0
