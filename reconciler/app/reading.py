"""The use cases that change nothing: ``validate``, ``status``, ``test`` and ``deliveries``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.project import load_desired, load_environment
from reconciler.app.values import Findings, Proofs, Status
from reconciler.app.wiring import engine_for
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.app.workplace import Workplace
    from reconciler.report.webhooks.deliveries import Logged


def validate_project(root: Path, paths: Sequence[Path] = ()) -> Findings:
    """Everything that is wrong with the declaration below ``root``, or with ``paths`` of it.

    Needs no Vault. Raises ``UsageError`` for a path that is not there.
    """
    from reconciler.adapters.cel.judge import CelJudge
    from reconciler.adapters.git.command import GitCommand
    from reconciler.adapters.git.ledger import GitLedger
    from reconciler.declare.files.certificates import certificate_findings
    from reconciler.declare.repository import validate as check

    found = check(root, paths, now=datetime.now(UTC), judge=CelJudge())
    return Findings((*found, *certificate_findings(root, GitLedger(GitCommand(root)).tracks)))


def read_status(
    workplace: Workplace,
    environment: str,
    client: str | None = None,
) -> Status:
    """What Vault holds for ``environment``, or for one client of it. Reads no secret.

    Raises ``UsageError`` RC361 for a client that is not registered, ``VaultError``.
    """
    from reconciler.engine.runs.unfinished import find_unfinished_business
    from reconciler.planning.actions.renames import merge_revocations

    project, chosen = load_environment(workplace.root, environment)
    with engine_for(workplace, project, chosen) as engine:
        observed = engine.look()
        unfinished = find_unfinished_business(engine, observed)
    observed = replace(observed, records=merge_revocations(observed.records))
    if client is not None and client not in observed.records:
        none = "none is registered yet: reconciler apply registers what is declared"
        raise _not_registered(client, environment, observed.records, none)
    return Status(environment, observed, tuple(unfinished), (client,) if client else ())


def prove_declared(
    workplace: Workplace,
    environment: str,
    targets: Sequence[str] = (),
) -> Proofs:
    """Send test deliveries and probes to the declared webhooks that ``targets`` (``CLIENT`` or
    ``CLIENT/WEBHOOK``; none: all) name. Nothing is written to Vault or git.

    Raises ``UsageError`` RC007 and RC025 for targets that are not declared, ``VaultError``,
    ``DeliveryError``.
    """
    from reconciler.app.plan.targets import webhook_addresses
    from reconciler.domain.values.names import webhook_address
    from reconciler.engine.testing import prove_all

    desired = load_desired(workplace.root, environment)
    declared = [
        webhook_address(name, one.name)
        for name, client in desired.clients.items()
        for one in client.webhooks
    ]
    addresses = webhook_addresses(targets, desired) if targets else frozenset(declared)
    if not addresses:
        raise UsageError(
            "RC025", f"no webhook is declared in {environment}", "declare one under clients/"
        )
    console = workplace.console
    with (
        console.interruptible() as stopping,
        engine_for(
            workplace, desired.project, desired.environment, stopping, delivers=True
        ) as engine,
    ):
        observed = engine.look()
        told = console.tests(len(addresses))
        tested = prove_all(engine, desired, observed, addresses, told)
    return Proofs(environment, observed.now, tuple(tested))


def read_deliveries(
    workplace: Workplace,
    environment: str,
    client: str | None,
    *,
    failed: bool,
    back: timedelta | None,
) -> Sequence[Logged]:
    """The attempts of deliveries that runs made, the newest first: all, those of ``client``, those
    that ``failed``, those of the last ``back``.

    Raises ``UsageError`` RC361 for a client that nothing is known of, ``VaultError``.
    """
    from itertools import chain

    from reconciler.engine.engine import ledger_directory
    from reconciler.report.webhooks.deliveries import (
        choose_attempts,
        read_recorded_attempts,
        read_reported_attempts,
    )

    project, selected = load_environment(workplace.root, environment)
    with engine_for(workplace, project, selected) as engine:
        observed = engine.look()
        reports = engine.ledger.reports(ledger_directory(engine))
        logged = chain(read_recorded_attempts(observed.records), read_reported_attempts(reports))
        since = None if back is None else observed.now - back
        found = choose_attempts(logged, client=client, failed=failed, since=since)
    if client is not None and client not in observed.records and not found:
        raise _not_registered(client, environment, observed.records, "none is registered yet")
    return found


def _not_registered(
    client: str,
    environment: str,
    known: Mapping[str, object],
    none: str,
) -> UsageError:
    from reconciler.domain.values.names import one_of

    message = f"client {client} is not registered in {environment}"
    return UsageError("RC361", message, one_of(known, none))
