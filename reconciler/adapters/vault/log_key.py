"""The key that signs the evidence log: it is in the transit engine and never leaves it."""

from __future__ import annotations

import base64
import binascii

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import SIGNING_KEY
from reconciler.dataclass import dataclass
from reconciler.errors import VaultError
from reconciler.registry.requests import LogKeys, SignedLog


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key ``ledger`` of one transit mount. All raise ``VaultError``."""

    adapter: VaultAdapter
    mount: str

    def sign(self, version: int, content: bytes) -> SignedLog:
        """An ed25519 signature by that version of the key."""
        body = {"input": base64.b64encode(content).decode("ascii"), "key_version": version}
        answer = self.adapter.post(f"/v1/{self.mount}/sign/{SIGNING_KEY}", json=body)
        head, _, encoded = answer.field(str, "signature").rpartition(":")
        try:
            signature = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            signature = b""
        if head != f"vault:v{version}" or len(signature) != 64:
            raise errors.unusable(answer.where, "it is not an ed25519 signature")
        return SignedLog(signature, answer.at)

    def read(self) -> LogKeys:
        """The public keys. RC419: it is not there, or is no ed25519 key."""
        try:
            answer = self.adapter.get(f"/v1/{self.mount}/keys/{SIGNING_KEY}")
        except StatusError as error:
            if error.status != 404:
                raise
            raise VaultError(
                errors.SIGNING_KEY_WRONG,
                f"{self.mount}/keys/{SIGNING_KEY}, which signs the evidence log, is not there",
                "restore it from a backup of Vault; if it is lost, run `reconciler bootstrap`, then"
                " `reconciler audit repair --new-log`",
            ) from None
        if answer.data.get("type") != "ed25519":
            raise VaultError(
                errors.SIGNING_KEY_WRONG,
                f"{self.mount}/keys/{SIGNING_KEY} is no ed25519 key",
                "run `reconciler bootstrap`",
            )
        try:
            versions = {
                int(version): base64.b64decode(key["public_key"], validate=True)
                for version, key in answer.field(dict, "keys").items()
            }
        except (KeyError, TypeError, ValueError):
            raise errors.unusable(answer.where, "it has no public keys") from None
        least = answer.data.get("min_encryption_version")
        return LogKeys(versions, least if isinstance(least, int) else 0, answer.at)
