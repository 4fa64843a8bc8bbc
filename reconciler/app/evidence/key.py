"""``audit key``: what to pin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.app.wiring import connect_live

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace


def read_log_key(workplace: Workplace, environment: str) -> str:
    """The verifier key of the version that signs the log of ``environment`` now, as Vault has it.

    Raises ``AuditError`` RC681 where there is no log, ``VaultError``, ``RegistryError``.
    """
    from reconciler.engine.evidence.live import read_live_head

    _, chosen = load_environment(workplace.root, environment)
    with connect_live(workplace, chosen) as live:
        head = read_live_head(live, environment)
    return head.verifiers[head.key]
