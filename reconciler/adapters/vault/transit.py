"""Signatures by keys that never leave the server."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from reconciler.adapters.vault import errors, paths
from reconciler.adapters.vault.answer import Answer


def sign(transit: Any, mount: str, key: str, content: bytes) -> bytes:
    """The 64 bytes of an ed25519 signature (RFC 8032) by ``key``; ``transit`` is hvac's. Raises ``VaultError``."""
    paths.transit_key(key)
    text = base64.b64encode(content).decode("ascii")
    answer: Answer = transit.sign_data(key, text, mount_point=mount)
    version, _, encoded = str(answer.data.get("signature", "")).rpartition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raw = b""
    if not version or len(raw) != 64:
        raise errors.unusable(answer.where, "it is not an ed25519 signature")
    return raw
