"""What is really there:

Vault and the registry of the demo, seen past the commands, with an administrator's token.
"""

from __future__ import annotations

import json
import time

from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.meta import read_meta
from reconciler.cli.demo.tour import NotAsTold
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.live.record import Version, VersionState
from reconciler.domain.secrecy.secret import Secret
from reconciler.engine.look.records import read_registry

_VALID = (VersionState.ACTIVE, VersionState.RETIRING)
# More versions of a signing secret than the story makes.
_VERSIONS = range(1, 4)
_PATIENCE_SECONDS = 60.0


class Eyes:
    """``seen`` has every key that was read.

    Keys are those named ``primary``. Methods raise ``VaultError``.
    """

    def __init__(self, live: Live, project: str, environment: str) -> None:
        self.seen: list[Secret] = []
        self._live = live
        self._project = project
        self._environment = environment
        self._secrets = f"/v1/{live.settings.secrets_mount}"

    def new_token(self, role: str) -> Secret:
        """A token of one of the roles that bootstrap made."""
        made = self._live.adapter.post(
            f"/v1/auth/token/create/integrations-{self._environment}-{role}", json={}
        )
        return Secret(str(made.body["auth"]["client_token"]))

    def destroy(self, client: str, version: int) -> str:
        """Destroy a version of a key by hand; the request that did it."""
        path, body = (
            f"{self._secrets}/destroy/{KEY.path(client, 'primary')}",
            {"versions": [version]},
        )
        self._live.adapter.request("PUT", path, json=body)
        return f"PUT {path} {json.dumps(body)}"

    def key(self, client: str, version: int) -> Secret | None:
        """What Vault holds; None when that version is gone."""
        try:
            path = f"{self._secrets}/data/{KEY.path(client, 'primary')}"
            found = self._live.adapter.get(path, params={"version": version}).data["data"]
        except StatusError as error:
            if error.status == 404:
                return None
            raise
        self.seen.append(Secret(found["value"]))
        return self.seen[-1]

    def signing_secrets(self, client: str, webhook: str) -> list[Secret]:
        """The versions of a signing secret that Vault holds now: what the partner was given."""
        found = (
            self._live.read_secret(SIGNING_SECRET.path(client, webhook), version)
            for version in _VERSIONS
        )
        return [secret for secret in found if secret is not None]

    def valid(self, client: str) -> dict[int, Version]:
        """The versions that the registry has as active or retiring, by number."""
        meta = read_meta(self._live, self._project, self._environment)
        record = read_registry(self._live, self._project, meta.buckets).records[client]
        return {
            version.number: version
            for version in record.series_of(KEY, "primary").in_state(*_VALID)
        }

    def accepts(self, client: str, *versions: int) -> bool:
        """What a gateway decides of the keys in Vault: is the hash of each that of a valid
        version?"""
        valid = self.valid(client)
        held = {number: self.key(client, number) for number in versions}
        return all(
            secret is not None and number in valid and secret.sha256() == valid[number].sha256
            for number, secret in held.items()
        )

    def grace_left(self, client: str, version: int) -> float:
        """Seconds, by the server's clock. Raises ``NotAsTold`` when the version has no grace."""
        retiring = self.valid(client).get(version)
        if retiring is None or retiring.grace_until is None:
            raise NotAsTold(f"version {version} of {client} works on through its grace")
        return (retiring.grace_until - self._live.now()).total_seconds()

    def wait_for_grace(self, client: str, version: int) -> None:
        """Return once the grace of a retiring version is over."""
        end = time.monotonic() + self.grace_left(client, version)
        if end > time.monotonic() + _PATIENCE_SECONDS:
            raise NotAsTold(f"the grace of version {version} of {client} is short")
        while self.grace_left(client, version) > 0:
            time.sleep(max(0.1, min(end - time.monotonic(), 1.0)))
