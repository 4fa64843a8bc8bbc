"""The receiver's side: is this delivery genuine, untouched and fresh?"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.domain.secret import Secret
from reconciler.webhooks.schemes import Scheme, signature

# What the Standard Webhooks libraries allow, in both directions.
TOLERANCE = timedelta(minutes=5)


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
    tolerance: timedelta = TOLERANCE,
) -> SignatureCheck:
    """Whether one signature of a delivery was made with one of ``secrets`` over exactly these bytes.

    Header names are compared without case. Every secret is tried against every signature, in constant time each.
    """
    given = {name.lower(): value for name, value in headers.items()}
    needed = (scheme.id_header, scheme.timestamp_header, scheme.signature_header)
    missing = [name for name in needed if not given.get(name)]
    if missing:
        return SignatureCheck(False, "HeaderMissing", f"the delivery has no {missing[0]} header")
    stamp = given[scheme.timestamp_header]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return SignatureCheck(False, "TimestampMalformed", f"{scheme.timestamp_header} is not a number of seconds")
    age = now.timestamp() - int(stamp)
    if abs(age) > tolerance.total_seconds():
        return SignatureCheck(False, "TimestampOutsideTolerance", _age_sentence(age, tolerance))
    candidates = [part.encode() for part in given[scheme.signature_header].split(scheme.separator)]
    try:
        expected = [signature(scheme, secret, given[scheme.id_header], int(stamp), body).encode() for secret in secrets]
    except ValueError as error:
        return SignatureCheck(False, "SecretUnusable", str(error))
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in candidates]
    if any(matches):
        return SignatureCheck(True, "SignatureValid", "the signature is valid")
    return SignatureCheck(False, "SignatureMismatch", "no signature matches a signing secret and the body")


def _age_sentence(age: float, tolerance: timedelta) -> str:
    side = "old" if age > 0 else "ahead"
    return f"the delivery is {abs(age):.0f} s {side}; {tolerance.total_seconds():.0f} s are tolerated"
