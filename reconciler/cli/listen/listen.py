"""``listen``: what arrives, and whether it is genuine."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from functools import partial

import click

from reconciler.cli.options import format_option
from reconciler.cli.output import Settings
from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS

_USUAL_PORT = 8787


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_USUAL_PORT,
    show_default=True,
    help="The loopback port; 0: any free one.",
)
@click.option(
    "--secret-from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help="env:NAME, file:PATH, vault:ENV/CLIENT/WEBHOOK, or - for stdin; may be repeated.",
)
@click.option(
    "--scheme",
    type=click.Choice([*SCHEMES]),
    help=f"How deliveries are signed [{STANDARD_WEBHOOKS.name}].",
)
@click.option(
    "--webhook", metavar="ENV/CLIENT/WEBHOOK", help="Take the scheme that this webhook declares."
)
@click.option("--tolerance", metavar="DURATION", help="How far a timestamp may be off, such as 5m.")
@click.option(
    "--status", type=click.IntRange(200, 599), help="Answer every delivery so, whatever it is."
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many deliveries.")
@format_option("text", "json")
@click.pass_obj
def listen(
    settings: Settings,
    port: int,
    sources: tuple[str, ...],
    scheme: str | None,
    webhook: str | None,
    tolerance: str | None,
    status: int | None,
    count: int | None,
    form: str,
) -> int:
    """Receive webhook deliveries on 127.0.0.1, verify them, and show what arrived and what is wrong
    with it.

    For whoever builds an endpoint. Answers as a right receiver does: 204 to a genuine delivery, 401
    to any other. Several secrets are those of a rotation. What is in a file or in Vault is read
    again when a delivery does not verify. Ctrl-C ends it.

    \b
    Examples:
      reconciler listen --secret-from env:WEBHOOK_SECRET
      reconciler listen --secret-from vault:staging/paystack-payouts/settlements --port 18787
      reconciler listen --scheme github --secret-from file:secret.txt --count 1 --format json
    """
    from reconciler.app.listen.sources import choose_scheme, secret_sources
    from reconciler.cli.listen import listening
    from reconciler.cli.terminal import workplace

    find = partial(workplace, settings)
    with ExitStack() as stack:
        found = secret_sources(find, sources, stack, os.environ, sys.stdin)
        row = choose_scheme(find, scheme, webhook, sources, tolerance)
        return listening.run(
            settings,
            row,
            found,
            port=port,
            status=status,
            count=count,
            form=form,
        )
