"""hvac, which knows the rest of Vault's API: mounts, policies, capabilities and the transit engine.

It is built by its public constructor, on an adapter of its own kind that hands each request to
ours: one pool, one patience, one token, our errors. Importing it costs a tenth of a second, so it
is imported by who asks for it: ``bootstrap``, ``doctor`` and runs with key pairs.
"""

from __future__ import annotations

from typing import Any

import hvac
import hvac.adapters

from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.adapters.vault.http.answer import Answer


class _Through(hvac.adapters.Adapter):  # type: ignore[misc]
    """What hvac sends through. ``token`` and TLS settings that hvac hands over are not used."""

    def __init__(self, *, through: VaultAdapter, **given: Any) -> None:
        super().__init__(**given)
        self._through = through

    def get_login_token(self, response: Answer) -> str:
        return self._through.get_login_token(response)

    def request(self, method: str, url: str, **kwargs: Any) -> Answer:
        """``json``, ``params`` and ``wrap_ttl`` count. hvac's headers and choices do not."""
        used = {name: kwargs[name] for name in ("json", "params", "wrap_ttl") if name in kwargs}
        return self._through.request(method, url, **used)


def hvac_client(adapter: VaultAdapter) -> Any:
    """An hvac ``Client`` whose requests go through ``adapter``."""
    return hvac.Client(url=adapter.base_uri, token="", adapter=_Through, through=adapter)
