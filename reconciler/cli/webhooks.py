"""``test`` and ``deliveries``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit

if TYPE_CHECKING:
    from datetime import timedelta


@click.command()
@environment_option
@click.argument("target", required=False, metavar="[CLIENT[/WEBHOOK]]")
@format_option("text", "json")
@click.pass_obj
def test(
    settings: Settings,
    environment: str,
    target: str | None,
    form: str,
) -> int:
    """Send test deliveries to the declared webhooks of ENV: each must accept what is genuine and
    refuse what is not.

    Without a target every webhook is tested. Nothing is written to Vault or git: apply records
    proofs, test shows them. -v shows every attempt. Exit 1 when a webhook did not prove itself.

    \b
    Examples:
      reconciler test -e staging
      reconciler -v test -e staging paystack-payouts/settlements
    """
    from reconciler.cli.terminal import session
    from reconciler.report.webhooks.tested import proofs_text

    with session(settings, environment) as here:
        proofs = here.prove(*[target] if target is not None else ())
    if form == "json":
        emit(proofs.to_json(), form)
    else:
        text = proofs_text(
            environment,
            proofs.tested,
            width=settings.width,
            colour=settings.colour,
            verbose=settings.verbose,
        )
        emit(text)
    return 0 if proofs.passed else 1


@click.command()
@environment_option
@click.argument("client", required=False)
@click.option(
    "--failed", is_flag=True, help="Only attempts that were not answered as they should be."
)
@click.option(
    "--since", metavar="DURATION", help="Only attempts of the last DURATION, such as 7d or 12h."
)
@format_option("text", "json")
@click.pass_obj
def deliveries(
    settings: Settings,
    environment: str,
    client: str | None,
    failed: bool,
    since: str | None,
    form: str,
) -> int:
    """Show the attempts of deliveries to ENV that runs made, the newest first: from the audit
    reports of this checkout and from the live record.

    Reports that others committed are there after a git pull. What reconciler test sent is not on
    record.

    \b
    Examples:
      reconciler deliveries -e production --failed --since 7d
      reconciler -v deliveries -e staging paystack-payouts
    """
    from reconciler.app.reading import read_deliveries
    from reconciler.cli.terminal import workplace
    from reconciler.report.webhooks.deliveries import deliveries_json, deliveries_text

    back = lasting(since)
    found = read_deliveries(workplace(settings), environment, client, failed=failed, back=back)
    if form == "json":
        emit(deliveries_json(environment, found), form)
    else:
        emit(deliveries_text(found, width=settings.width, verbose=settings.verbose))
    return 0


def lasting(text: str | None) -> timedelta | None:
    """The duration of ``--since``. Raises ``UsageError``."""
    from reconciler.domain.values.duration import parse_duration
    from reconciler.errors import UsageError

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError("RC026", f"--since: {error}", "write for example --since 7d") from None
