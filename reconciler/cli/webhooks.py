"""``test`` and ``deliveries``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit, say

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.engine.testing import Tested


@click.command()
@environment_option
@click.argument("target", required=False, metavar="[CLIENT[/WEBHOOK]]")
@format_option("text", "json")
@click.pass_obj
def test(settings: Settings, environment: str, target: str | None, form: str) -> int:
    """Send test deliveries to the declared webhooks of ENV: each must accept what is genuine and
    refuse what is not.

    Without a target every webhook is tested. Nothing is written to Vault or git: apply records
    proofs, test shows them. -v shows every attempt. Exit 1 when a webhook did not prove itself.

    \b
    Examples:
      reconciler test -e staging
      reconciler -v test -e staging paystack-payouts/settlements
    """
    from reconciler.app import project, wiring
    from reconciler.app.plan.targets import webhook_addresses
    from reconciler.cli.terminal import stop_on_signals, workplace
    from reconciler.domain.values.names import webhook_address
    from reconciler.engine.testing import prove_all
    from reconciler.errors import UsageError
    from reconciler.report.webhooks.tested import proofs_json, proofs_text

    here = workplace(settings)
    desired = project.load_desired(here.root, environment)
    declared = [
        webhook_address(name, one.name)
        for name, client in desired.clients.items()
        for one in client.webhooks
    ]
    addresses = webhook_addresses([target], desired) if target is not None else frozenset(declared)
    if not addresses:
        raise UsageError(
            "RC025", f"no webhook is declared in {environment}", "declare one under clients/"
        )
    with (
        stop_on_signals(settings) as stopping,
        wiring.engine_for(
            replace(here, stopping=stopping), desired.project, desired.environment, delivers=True
        ) as engine,
    ):
        observed = engine.look()
        tested = prove_all(
            engine, desired, observed, addresses, TestsTold(settings, len(addresses))
        )
    if form == "json":
        emit(proofs_json(environment, observed.now, tested), form)
    else:
        emit(
            proofs_text(
                environment,
                tested,
                width=settings.width,
                colour=settings.colour,
                verbose=settings.verbose,
            )
        )
    return 1 if any(one.delivery is None or one.failed for one in tested) else 0


class TestsTold:
    """A line for each webhook of a few, a count now and then for many; what failed is told at
    once."""

    EVERY_ONE_UP_TO = 40
    STEPS = 20

    def __init__(self, settings: Settings, total: int) -> None:
        self._settings = settings
        self._total = total
        self._done = 0

    def __call__(self, one: Tested) -> None:
        from reconciler.report.text.escape import terminal

        self._done += 1
        count = f"[{self._done}/{self._total}]"
        if self._total <= self.EVERY_ONE_UP_TO or one.failed:
            told = (
                one.skipped
                if one.delivery is None
                else "passed"
                if one.delivery.accepted
                else one.delivery.message
            )
            say(self._settings, f"{count} {terminal(f'{one.client}/{one.webhook}: {told}')}")
        elif self._done % max(1, self._total // self.STEPS) == 0 or self._done == self._total:
            say(self._settings, f"{count} webhooks tested")


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
    from itertools import chain

    from reconciler.app.project import load_environment
    from reconciler.app.wiring import engine_for
    from reconciler.cli.terminal import workplace
    from reconciler.engine.runs.reporting import ledger_directory
    from reconciler.report.webhooks.deliveries import (
        chosen,
        deliveries_json,
        deliveries_text,
        logged_in_records,
        logged_in_reports,
    )

    back = lasting(since)
    here = workplace(settings)
    project, selected = load_environment(here.root, environment)
    with engine_for(here, project, selected) as engine:
        observed = engine.look()
        reports = engine.ledger.reports(ledger_directory(engine))
        logged = chain(logged_in_records(observed.records), logged_in_reports(reports))
        found = chosen(
            logged,
            client=client,
            failed=failed,
            since=None if back is None else observed.now - back,
        )
    if client is not None and client not in observed.records and not found:
        from reconciler.domain.values.names import one_of
        from reconciler.errors import UsageError

        remedy = one_of(observed.records, "none is registered yet")
        raise UsageError("RC361", f"client {client} is not registered in {environment}", remedy)
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
