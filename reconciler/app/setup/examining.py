"""An environment examined: the way to its server, the server itself, and what owners are told
through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.app.setup.check import Check
from reconciler.app.setup.doctor import examine
from reconciler.app.wiring import connect_live

if TYPE_CHECKING:
    from reconciler.adapters.vault.conformance.trials import Trial
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Project


def examine_environment(workplace: Workplace, environment: str) -> list[Check]:
    """All checks of one environment: the way to its server, and what owners are told through.

    Raises ``DeclarationError``, ``UsageError`` RC002, ``VaultError`` when there is no credential.
    """
    project, chosen = load_environment(workplace.root, environment)
    with connect_live(workplace, chosen) as live:
        checks = examine(live, project.name, environment)
    return [*checks, *alert_checks(project, environment, workplace.environ)]


def try_server(workplace: Workplace, environment: str) -> tuple[str, list[Trial]]:
    """Which server it is, and whether it does what is relied on. Makes mounts, policies and token
    roles with names of their own, and removes them whatever happens.

    Raises as ``examine_environment`` does.
    """
    from reconciler.adapters.vault.conformance.trials import conform

    _, chosen = load_environment(workplace.root, environment)
    with connect_live(workplace, chosen) as live:
        workplace.console.say(
            "mounts, policies and token roles named reconciler-conformance-… are made and removed"
        )
        return conform(live)


def alert_checks(
    project: Project,
    environment: str,
    environ: Mapping[str, str],
) -> list[Check]:
    """Whether the secret of each channel is there. Nothing is sent."""
    from reconciler.adapters.alerts.channels import Missing, secret_from, signing_secret_from
    from reconciler.domain.declared.alert import WebhookTarget

    checks = []
    for channel in project.alerts:
        if not channel.serves(environment) or channel.variable is None:
            continue
        signing = isinstance(channel.target, WebhookTarget)
        found = (signing_secret_from if signing else secret_from)(channel.variable, environ)
        name = f"alert channel {channel.name}"
        if isinstance(found, Missing):
            checks.append(
                Check(
                    name,
                    "warn",
                    found.sentence,
                    "set it where apply runs; without it nothing is sent",
                )
            )
        else:
            checks.append(Check(name, "ok", f"{channel.variable} is set"))
    return checks
