"""The receiver's side: is this delivery genuine, untouched and fresh?"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from reconciler.dataclass import dataclass
from reconciler.domain.declared.schemes import Scheme, sibling
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.ed25519 import PUBLIC_PREFIX, is_valid, public_bytes
from reconciler.webhooks.signature.signing import signature, signed_content


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """``reason`` is SignatureValid, HeaderMissing, TimestampMalformed, TimestampOutsideTolerance,
    SecretUnusable or SignatureMismatch; ``message`` is a sentence without secret or signature."""

    accepted: bool
    reason: str
    message: str


def verify(
    scheme: Scheme,
    secrets: Sequence[Secret],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> SignatureCheck:
    """Whether one signature of a delivery was made with one of ``secrets`` over exactly these
    bytes.

    Header names are compared without case. Every secret is tried against every signature, in
    constant time each. Where a scheme has no timestamp nothing tells a delivery from its
    repetition.

    >>> from datetime import UTC
    >>> from reconciler.domain.declared.schemes import STRIPE
    >>> from reconciler.webhooks.signature.signing import sign
    >>> secrets, now = [Secret("a secret of 24 letters or more")], datetime(2026, 11, 23, tzinfo=UTC)
    >>> headers = dict(sign(STRIPE, secrets, "", int(now.timestamp()), b"{}"))
    >>> verify(STRIPE, secrets, headers, b"{}", now).reason
    'SignatureValid'
    >>> verify(STRIPE, secrets, headers, b"{ }", now).reason
    'SignatureMismatch'
    >>> verify(STRIPE, secrets, headers, b"{}", now + timedelta(minutes=6)).message
    'the delivery is 360 s old; 300 s are tolerated'
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id = scheme.id_header if "id" in scheme.signed else ""
    needed = [name for name in (message_id, scheme.timestamp_header, scheme.header) if name]
    missing = [name for name in needed if not given.get(name)]
    if missing:
        return SignatureCheck(False, "HeaderMissing", f"the delivery has no {missing[0]} header")
    value = given[scheme.header]
    parts = value.split(scheme.separator) if scheme.separator else [value]
    stamp = _stamp(scheme, given, parts)
    if scheme.timed:
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            where = scheme.timestamp_header or scheme.header
            return SignatureCheck(
                False, "TimestampMalformed", f"{where} does not say one number of seconds"
            )
        age = now.timestamp() - int(stamp)
        if abs(age) > scheme.tolerance.total_seconds():
            return SignatureCheck(
                False, "TimestampOutsideTolerance", _age_sentence(age, scheme.tolerance)
            )
    try:
        matches = [
            _matches(scheme, secret, given.get(message_id, ""), stamp, body, parts)
            for secret in secrets
        ]
    except ValueError as error:
        return SignatureCheck(False, "SecretUnusable", str(error))
    if any(matches):
        return SignatureCheck(True, "SignatureValid", "the signature is valid")
    return SignatureCheck(
        False, "SignatureMismatch", "no signature matches a signing secret and the body"
    )


def _matches(
    scheme: Scheme,
    secret: Secret,
    message_id: str,
    stamp: str,
    body: bytes,
    parts: Sequence[str],
) -> bool:
    """Whether one of the signatures is by this secret, or by the private half of this public
    key."""
    own = sibling(scheme, asymmetric=secret.reveal().startswith(PUBLIC_PREFIX))
    if not own.asymmetric:
        ours = signature(own, secret, message_id, stamp, body).encode()
        return any(hmac.compare_digest(ours, theirs.encode("utf-8", "replace")) for theirs in parts)
    public, content = public_bytes(secret.reveal()), signed_content(own, message_id, stamp, body)
    return any(is_valid(public, raw, content) for theirs in parts if (raw := _raw(theirs, own.tag)))


def _raw(text: str, tag: str) -> bytes:
    """The 64 bytes of an ed25519 signature; none for anything else."""
    try:
        return (
            base64.b64decode(text.removeprefix(tag), validate=True) if text.startswith(tag) else b""
        )
    except ValueError:
        return b""


def _stamp(scheme: Scheme, headers: Mapping[str, str], parts: Sequence[str]) -> str:
    """The timestamp as it was sent; empty when there is none, or more than one to choose from."""
    if scheme.timestamp_header:
        return headers[scheme.timestamp_header]
    tag = scheme.timestamp_tag
    found = [part.removeprefix(tag) for part in parts if part.startswith(tag)] if tag else []
    return found[0] if len(found) == 1 else ""


def _age_sentence(age: float, tolerance: timedelta) -> str:
    side = "old" if age > 0 else "ahead"
    return (
        f"the delivery is {abs(age):.0f} s {side}; {tolerance.total_seconds():.0f} s are tolerated"
    )
