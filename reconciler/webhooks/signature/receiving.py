"""What a receiver makes of one delivery: a verdict in words, which secret verified, and what to do
about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.schemes import SCHEMES, Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.verification import SignatureCheck, verify

NOT_VERIFIED = "NotVerified"
_USER_AGENT = "reconciler-webhooks/"
# Any number of seconds: only whether a secret can be used is asked.
_SOME_TIME = "1"


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """A signing secret that a receiver holds, and where it has it from.

    ``version`` is known of Vault's only.
    """

    secret: Secret
    source: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """``accepted`` None: there is no secret to verify with. ``reason`` is one of ``SignatureCheck``
    or NotVerified.

    ``by`` is the secret that verified, the ``number``th (from 1) of ``held``. ``test``: marked as a
    test delivery of reconciler. ``as_it_should_be``: refused, and it is a probe, which must be
    refused. ``remedy`` is empty where all is well.
    """

    accepted: bool | None
    reason: str
    message: str
    remedy: str = ""
    by: HeldSecret | None = None
    number: int = 0
    held: int = 0
    test: bool = False
    as_it_should_be: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery as it came in, by this machine's clock, and what was answered.

    Header names in lower case.
    """

    number: int
    at: datetime
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    judgement: Judgement
    status: int


def judge_delivery(
    scheme: Scheme,
    held: Sequence[HeldSecret],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    *,
    proven: bool = False,
) -> Judgement:
    """Verify one delivery with each secret. Header names in lower case; ``now`` is the receiver's
    own time.

    ``proven``: a test delivery was accepted before, so the secret is the right one and a test
    delivery that does not verify is a probe. Without that nothing tells a wrong secret here from a
    probe that is signed with one.
    """
    test = is_test(headers, body)
    if not held:
        return Judgement(
            None, NOT_VERIFIED, "nothing was verified: no secret is held", _NO_SECRET, test=test
        )
    checks = [verify(scheme, [one.secret], headers, body, now) for one in held]
    for number, (one, good) in enumerate(zip(held, checks, strict=True), 1):
        if good.accepted:
            return Judgement(
                True,
                good.reason,
                good.message,
                "",
                one,
                number,
                len(held),
                test,
            )
    check = checks[0]
    unsigned = check.reason == "HeaderMissing" and not headers.get(scheme.header)
    expected = (
        test
        and check.reason != "SecretUnusable"
        and (proven or (unsigned and not _elsewhere(scheme, headers)))
    )
    remedy = "" if expected else _remedy(scheme, check, headers, test=test)
    return Judgement(
        False,
        check.reason,
        check.message,
        remedy,
        held=len(held),
        test=test,
        as_it_should_be=expected,
    )


def is_test(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a delivery says that it is one of reconciler's own.

    It decides about words only: anybody may say so.
    """
    if headers.get("user-agent", "").startswith(_USER_AGENT):
        return True
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("test") is True


def unusable_secret(scheme: Scheme, secret: Secret) -> str:
    """Why a secret cannot be used with a scheme, a sentence without it; empty when it can."""
    stamp = f"{scheme.timestamp_tag}{_SOME_TIME}{scheme.separator}" if scheme.timestamp_tag else ""
    headers = {name: _SOME_TIME for name in (scheme.id_header, scheme.timestamp_header) if name}
    check = verify(
        scheme,
        [secret],
        {**headers, scheme.header: f"{stamp}{scheme.tag}none"},
        b"",
        datetime.fromtimestamp(int(_SOME_TIME), UTC),
    )
    return check.message if check.reason == "SecretUnusable" else ""


def _elsewhere(scheme: Scheme, headers: Mapping[str, str]) -> str:
    """The scheme whose signature header is there instead, empty when none is."""
    return next(
        (
            row.name
            for row in SCHEMES.values()
            if row.header != scheme.header and headers.get(row.header)
        ),
        "",
    )


def _remedy(
    scheme: Scheme,
    check: SignatureCheck,
    headers: Mapping[str, str],
    *,
    test: bool,
) -> str:
    other = _elsewhere(scheme, headers)
    if check.reason == "HeaderMissing" and other:
        return (
            f"it has the signature of the scheme {other}, and {scheme.name} is expected: correct"
            " one of the two"
        )
    remedy = _REMEDIES[check.reason]
    return f"{remedy}; {_PERHAPS_A_PROBE}" if test and check.reason in _ALSO_PROBES else remedy


_NO_SECRET = (
    "give the signing secret with --secret-from (env:NAME, file:PATH, vault:ENV/CLIENT/WEBHOOK, or"
    " - for stdin)"
)
_PERHAPS_A_PROBE = (
    "or it is a probe, and refusing it is right: no test delivery has been accepted here yet that"
    " would tell"
)
_ALSO_PROBES = frozenset({"TimestampOutsideTolerance", "SignatureMismatch"})
_REMEDIES: Mapping[str, str] = {
    "HeaderMissing": "the sender must sign, and a proxy on the way must let the header through",
    "TimestampMalformed": "the sender must write the time in seconds since 1970",
    "TimestampOutsideTolerance": (
        "if it was sent just now, correct the clock of the sender or of this machine; else somebody"
        " sent an old delivery again"
    ),
    "SecretUnusable": "give the secret as it is in Vault, whole and without anything around it",
    "SignatureMismatch": (
        "check that the secret is the present one of this webhook, that the scheme is the sender's,"
        " and that nothing on the way changes the body"
    ),
}
