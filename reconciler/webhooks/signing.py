"""Signing a delivery by a row of ``reconciler.domain.schemes``. No scheme has a code path of its own."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.schemes import ALGORITHMS, Scheme
from reconciler.domain.secret import Secret

PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class _KeyForm:
    """How a secret's text becomes a key of ``least`` to ``greatest`` bytes; ``prefix`` is not part of the key."""

    prefix: str
    decode: Callable[[str], bytes]
    least: int
    greatest: int


_KEYS: Mapping[str, _KeyForm] = {
    "base64": _KeyForm(PREFIX, lambda text: base64.b64decode(text, validate=True), 24, 64),
    "hex": _KeyForm(PREFIX, binascii.unhexlify, 24, 64),
    "text": _KeyForm("", str.encode, 24, 512),
}
_ENCODE: Mapping[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode("ascii"),
    "hex": bytes.hex,
}


def key_bytes(scheme: Scheme, secret: Secret) -> bytes:
    """The HMAC key of a signing secret. Raises ``ValueError`` whose text holds nothing of the secret."""
    form, text = _KEYS[scheme.key_encoding], secret.reveal()
    if not text.startswith(form.prefix):
        raise ValueError(f"a signing secret does not begin with {form.prefix}")
    try:
        key = form.decode(text[len(form.prefix) :])
    except ValueError:  # binascii.Error and UnicodeError are some
        key = b""
    if not form.least <= len(key) <= form.greatest:
        raise ValueError(f"a signing secret is not {scheme.key_encoding} of {form.least} to {form.greatest} bytes")
    return key


def signature(scheme: Scheme, secret: Secret, message_id: str, timestamp: int | str, body: bytes) -> str:
    """One signature such as ``v1,g0hM9Ss…``; ``timestamp`` in seconds since 1970. Raises ``ValueError``."""
    parts = {"id": message_id.encode(), "timestamp": str(timestamp).encode(), "body": body}
    content = scheme.joiner.encode().join(parts[name] for name in scheme.signed)
    digest = hmac.digest(key_bytes(scheme, secret), content, ALGORITHMS[scheme.algorithm])
    return scheme.tag + _ENCODE[scheme.encoding](digest)


def sign(
    scheme: Scheme, secrets: Sequence[Secret], message_id: str, timestamp: int, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The headers of a delivery. ``secrets`` are all usable ones of a rotation, the newest first.

    Where the scheme has room, every one of them signs, so that a receiver may hold either; else the newest alone.
    Raises ``ValueError`` when there is no secret, or one cannot be used.
    """
    if not secrets:
        raise ValueError("there is no usable signing secret")
    used = secrets if scheme.several else secrets[:1]
    signatures = [signature(scheme, secret, message_id, timestamp, body) for secret in used]
    stamp = [f"{scheme.timestamp_tag}{timestamp}"] if scheme.timestamp_tag else []
    value = scheme.separator.join([*stamp, *signatures])
    headers = (
        (scheme.id_header, message_id), (scheme.timestamp_header, str(timestamp)), (scheme.header, value),
    )  # fmt: skip
    return tuple((name, text) for name, text in headers if name)
