"""Whether a server keeps namespaces apart.

The community edition of HashiCorp Vault ignores ``X-Vault-Namespace`` and repeats it in its
answers, so that an answer in a namespace proves nothing. An answer in one that cannot exist does.
"""

from __future__ import annotations

import secrets

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.live import Live


def ignores_namespaces(live: Live) -> bool:
    """Whether the token is known in a namespace that nobody made.

    False, too, when the server does not answer.
    """
    nowhere = f"{(live.settings.namespace or '').strip('/')}/reconciler-asks-{secrets.token_hex(8)}".strip(
        "/"
    )
    reply = live.adapter.ask_once("GET", "auth/token/lookup-self", namespace=nowhere)
    return reply is not None and reply.status == 200


def require_namespaces(live: Live) -> None:
    """Raises ``VaultError`` RC424 when a namespace is declared and the server ignores it."""
    if live.settings.namespace and ignores_namespaces(live):
        raise errors.namespaces_ignored(live.settings.address, live.settings.namespace)
