"""Signature schemes as rows of a table, and signing with them.

Source: Standard Webhooks 1.0.0, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one kind of webhook is signed. A further scheme is a further row of ``SCHEMES``.

    ``digest`` names a hash (``sha256``); ``key_encoding`` and ``encoding`` name rows of the tables below.
    ``signed`` lists what is signed, joined by full stops: ``id``, ``timestamp``, ``body``.
    One signature reads ``tag`` + encoded HMAC; several are joined with ``separator``.
    ``key_sizes`` is the least and the greatest number of key bytes.
    """

    name: str
    algorithm: str
    digest: str
    key_prefix: str
    key_encoding: str
    key_sizes: tuple[int, int]
    signed: tuple[str, ...]
    encoding: str
    tag: str
    separator: str
    signature_header: str
    id_header: str
    timestamp_header: str


STANDARD_WEBHOOKS = Scheme(
    name="standard-webhooks",
    algorithm="hmac-sha256",
    digest="sha256",
    key_prefix="whsec_",
    key_encoding="base64",
    key_sizes=(24, 64),
    signed=("id", "timestamp", "body"),
    encoding="base64",
    tag="v1,",
    separator=" ",
    signature_header="webhook-signature",
    id_header="webhook-id",
    timestamp_header="webhook-timestamp",
)

SCHEMES: Mapping[tuple[str, str], Scheme] = {(row.name, row.algorithm): row for row in (STANDARD_WEBHOOKS,)}

_DECODE: Mapping[str, Callable[[str], bytes]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "text": lambda text: text.encode(),
}
_ENCODE: Mapping[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode("ascii"),
    "hex": lambda raw: raw.hex(),
}


def key_bytes(scheme: Scheme, secret: Secret) -> bytes:
    """The HMAC key of a signing secret. Raises ``ValueError`` whose text holds nothing of the secret."""
    text = secret.reveal()
    if not text.startswith(scheme.key_prefix):
        raise ValueError(f"a signing secret does not begin with {scheme.key_prefix}")
    try:
        key = _DECODE[scheme.key_encoding](text[len(scheme.key_prefix) :])
    except (binascii.Error, ValueError):
        key = b""
    least, greatest = scheme.key_sizes
    if not least <= len(key) <= greatest:
        raise ValueError(f"a signing secret is not {scheme.key_encoding} of {least} to {greatest} bytes")
    return key


def signature(scheme: Scheme, secret: Secret, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature such as ``v1,g0hM9Ss…``; ``timestamp`` in seconds since 1970. Raises ``ValueError``."""
    parts = {"id": message_id.encode(), "timestamp": str(timestamp).encode(), "body": body}
    content = b".".join(parts[name] for name in scheme.signed)
    return scheme.tag + _ENCODE[scheme.encoding](hmac.digest(key_bytes(scheme, secret), content, scheme.digest))


def sign(
    scheme: Scheme, secrets: Sequence[Secret], message_id: str, timestamp: int, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The headers of a delivery, signed with every secret of a rotation so that a receiver may hold either.

    Raises ``ValueError`` when there is no secret, or one cannot be used.
    """
    if not secrets:
        raise ValueError("there is no usable signing secret")
    value = scheme.separator.join(signature(scheme, secret, message_id, timestamp, body) for secret in secrets)
    return (
        (scheme.id_header, message_id),
        (scheme.timestamp_header, str(timestamp)),
        (scheme.signature_header, value),
    )
