"""The signing secrets of a webhook as a receiver reads them: with a deliverer's token, which sees
no registry."""

from __future__ import annotations

from reconciler.adapters.vault.http import paths
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.domain.secrecy.secret import Secret

# As many as Svix signs with at most. More versions than that are never valid at once.
MOST_VERSIONS = 10


def readable_versions(live: Live, path: str) -> list[tuple[int, Secret]]:
    """The newest versions of ``webhooks/<client>.<webhook>`` that are there, the newest first.

    A version that was revoked is destroyed, so what can be read is what is usable. Empty when
    nothing was issued. Raises ``VaultError``.
    """
    newest = _newest(live, path)
    found = []
    for number in range(newest, max(0, newest - MOST_VERSIONS), -1):
        secret = live.read_secret(path, number)
        if secret is not None:
            found.append((number, secret))
    return found


def _newest(live: Live, path: str) -> int:
    """The number of the newest version, also of one that is destroyed; 0 when there was never
    one."""
    where = f"/v1/{live.settings.secrets_mount}/data/{paths.secret_path(path)}"
    try:
        number: int = live.adapter.get(where).field(int, "metadata", "version")
    except StatusError as error:
        if error.status != 404:
            raise
        metadata = error.data.get("metadata")
        gone = metadata.get("version") if isinstance(metadata, dict) else 0
        return gone if isinstance(gone, int) else 0
    return number
