"""``audit repair``: a registry that was restored from a backup learns what the log in git knows, or
a new log follows one that cannot go on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.app.project import environment_and_files
from reconciler.app.wiring import engine_for

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace
    from reconciler.engine.repair import Repaired


def repair_registry(
    workplace: Workplace,
    environment: str,
    *,
    dry_run: bool,
    push: bool,
    new_log: bool = False,
) -> Repaired:
    """Revoke again what was revoked, then move the registry to the log in HEAD, and say so in an
    entry. ``new_log``: where the log cannot go on, keep it and begin another one. With ``dry_run``
    only tell what the registry lacks.

    Raises ``AuditError`` RC680, RC681, RC683, RC686, RC648, and what keeps git from taking the
    entry, before the registry is moved; ``LeaseHeldError``, ``RegistryError``, ``VaultError``.
    """
    from reconciler.engine.apply import Options
    from reconciler.engine.emergency import look_for_client, revoke_now
    from reconciler.engine.engine import ledger_directory
    from reconciler.engine.repair import Repaired, assess_damage, repair_log

    project, chosen, loaded = environment_and_files(workplace.root, environment)
    console = workplace.console
    with (
        console.interruptible() as stopping,
        engine_for(workplace, project, chosen, stopping) as engine,
    ):
        damage = assess_damage(engine, new_log=new_log)
        if dry_run or not damage.present:
            return Repaired(damage)
        for request in damage.revocations:
            observed = look_for_client(engine, request.client)
            # its report is written once the log can go on
            revoke_now(engine, request, observed, Options("revoke", commit=False), loaded)
        # only now: git holds no revocation up
        engine.ledger.refuse_unready(ledger_directory(engine), push=push)
        return replace(repair_log(engine, push=push, new_log=new_log), damage=damage)
