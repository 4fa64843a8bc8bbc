"""Asymmetric signatures of Standard Webhooks 1.0.0 (``v1a``): ed25519 (RFC 8032).

Signing with a webhook's own key happens in Vault's transit engine. What is here needs no private
key of anybody: reading and writing ``whpk_…``, verifying, and signing with a key that no receiver
knows, for a probe.
"""

from __future__ import annotations

import base64

PUBLIC_PREFIX = "whpk_"
KEY_BYTES = 32


def public_text(raw: bytes) -> str:
    """``whpk_`` and the base64 of the 32 bytes of a public key. Raises ``ValueError``."""
    if len(raw) != KEY_BYTES:
        raise ValueError(f"an ed25519 public key has {KEY_BYTES} bytes")
    return PUBLIC_PREFIX + base64.b64encode(raw).decode("ascii")


def public_bytes(text: str) -> bytes:
    """The inverse. Raises ``ValueError``."""
    try:
        raw = base64.b64decode(text.removeprefix(PUBLIC_PREFIX), validate=True)
    except ValueError:
        raw = b""
    if not text.startswith(PUBLIC_PREFIX) or len(raw) != KEY_BYTES:
        raise ValueError(f"a public key is {PUBLIC_PREFIX} and base64 of {KEY_BYTES} bytes")
    return raw


def is_valid(public: bytes, signature: bytes, content: bytes) -> bool:
    # Slow to import, and seldom needed.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def sign_by_stranger(seed: bytes, content: bytes) -> bytes:
    """64 bytes of a good signature by the key that ``seed`` (32 bytes) makes: one that no receiver
    was given."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.from_private_bytes(seed).sign(content)
