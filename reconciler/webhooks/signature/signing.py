"""Signing a delivery by a row of ``reconciler.domain.declared.schemes``.

No scheme has a code path of its own.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Generator, Mapping, Sequence

from reconciler.dataclass import dataclass
from reconciler.domain.declared.schemes import ALGORITHMS, Scheme, sibling
from reconciler.domain.secrecy.secret import Secret

SECRET_PREFIX = "whsec_"
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Credential:
    """What one version of a signing secret signs with: a shared ``secret``, or the transit key
    named ``key``."""

    version: int
    secret: Secret | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class SignRemotely:
    """Asks for the 64 bytes of an ed25519 signature over ``content`` by the transit key ``key``."""

    key: str
    content: bytes


class SigningFailed(ValueError):
    """The driver could not answer ``SignRemotely``; the text holds no secret."""


@dataclass(frozen=True, slots=True)
class _KeyForm:
    """How a secret's text becomes a key of ``least`` to ``greatest`` bytes; ``prefix`` is not part
    of the key."""

    prefix: str
    decode: Callable[[str], bytes]
    least: int
    greatest: int


_KEYS: Mapping[str, _KeyForm] = {
    "base64": _KeyForm(SECRET_PREFIX, lambda text: base64.b64decode(text, validate=True), 24, 64),
    "hex": _KeyForm(SECRET_PREFIX, binascii.unhexlify, 24, 64),
    "text": _KeyForm("", str.encode, 24, 512),
}
_ENCODE: Mapping[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode("ascii"),
    "hex": bytes.hex,
}


def key_bytes(scheme: Scheme, secret: Secret) -> bytes:
    """The HMAC key of a signing secret.

    Raises ``ValueError`` whose text holds nothing of the secret.
    """
    form, text = _KEYS[scheme.key_encoding], secret.reveal()
    if not text.startswith(form.prefix):
        raise ValueError(f"it does not begin with {form.prefix}, as a signing secret must")
    try:
        key = form.decode(text[len(form.prefix) :])
    except ValueError:  # binascii.Error and UnicodeError are some
        key = b""
    if not form.least <= len(key) <= form.greatest:
        raise ValueError(
            f"it is not {scheme.key_encoding} of {form.least} to {form.greatest} bytes, as a"
            " signing secret must be"
        )
    return key


def signed_content(
    scheme: Scheme,
    message_id: str,
    timestamp: int | str,
    body: bytes,
) -> bytes:
    """The bytes that are signed; ``timestamp`` in seconds since 1970.

    >>> from reconciler.domain.declared.schemes import SCHEMES
    >>> signed_content(SCHEMES["standard-webhooks"], "msg_1", 1795474800, b"{}")
    b'msg_1.1795474800.{}'
    >>> signed_content(SCHEMES["github"], "msg_1", 1795474800, b"{}")
    b'{}'
    """
    parts = {"id": message_id.encode(), "timestamp": str(timestamp).encode(), "body": body}
    return scheme.joiner.encode().join(parts[name] for name in scheme.signed)


def encode_signature(scheme: Scheme, raw: bytes) -> str:
    """A signature such as ``v1,g0hM9Ss…``."""
    return scheme.tag + _ENCODE[scheme.encoding](raw)


def signature(
    scheme: Scheme,
    secret: Secret,
    message_id: str,
    timestamp: int | str,
    body: bytes,
) -> str:
    """One HMAC signature with a shared secret. Raises ``ValueError``.

    >>> from reconciler.domain.declared.schemes import SCHEMES
    >>> secret = Secret("a secret of 24 letters or more")
    >>> signature(SCHEMES["github"], secret, "msg_1", 1795474800, b"{}")[:15]
    'sha256=a8e79b82'
    """
    content = signed_content(scheme, message_id, timestamp, body)
    return encode_signature(
        scheme, hmac.digest(key_bytes(scheme, secret), content, ALGORITHMS[scheme.algorithm])
    )


def signatures(
    scheme: Scheme,
    credentials: Sequence[Credential],
    message_id: str,
    timestamp: int,
    body: bytes,
) -> Generator[SignRemotely, bytes, list[str]]:
    """One signature for each credential, the newest first, where the scheme has room; else that of
    the first alone.

    So a receiver may hold any secret of a rotation. Raises ``ValueError`` when there is none, or
    one cannot be used.
    """
    if not credentials:
        raise ValueError("there is no usable signing secret")
    made = []
    for credential in credentials if scheme.several else credentials[:1]:
        own = sibling(scheme, asymmetric=bool(credential.key))
        if credential.key:
            raw = yield SignRemotely(
                credential.key, signed_content(own, message_id, timestamp, body)
            )
            made.append(encode_signature(own, raw))
        elif credential.secret is not None and not own.asymmetric:
            made.append(signature(own, credential.secret, message_id, timestamp, body))
        else:
            raise ValueError(f"version {credential.version} cannot sign for {scheme.name}")
    return made


def headers(
    scheme: Scheme,
    message_id: str,
    timestamp: int,
    made: Sequence[str],
) -> Headers:
    """The headers of a delivery with these signatures; without any the header that carries them is
    left out."""
    stamp = [f"{scheme.timestamp_tag}{timestamp}"] if scheme.timestamp_tag else []
    value = scheme.separator.join([*stamp, *made]) if made else ""
    named = (
        (scheme.id_header, message_id),
        (scheme.timestamp_header, str(timestamp)),
        (scheme.header, value),
    )
    return tuple((name, text) for name, text in named if name and text)


def sign(
    scheme: Scheme,
    secrets: Sequence[Secret],
    message_id: str,
    timestamp: int,
    body: bytes,
) -> Headers:
    """The headers of a delivery that is signed with shared secrets, the newest first.

    Raises ``ValueError``.

    >>> from reconciler.domain.declared.schemes import SCHEMES
    >>> old, new = Secret("whsec_" + "b2xk" * 8), Secret("whsec_" + "bmV3" * 8)
    >>> made = dict(sign(SCHEMES["svix"], [new, old], "msg_1", 1795474800, b"{}"))
    >>> list(made), made["svix-signature"].count("v1,")
    (['svix-id', 'svix-timestamp', 'svix-signature'], 2)
    """
    credentials = [Credential(number, secret) for number, secret in enumerate(secrets, 1)]
    steps = signatures(scheme, credentials, message_id, timestamp, body)
    try:
        next(steps)
    except StopIteration as end:
        return headers(scheme, message_id, timestamp, end.value)
    raise ValueError("a shared secret does not sign remotely")
