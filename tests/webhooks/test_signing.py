"""Signatures agree with the specification's vector and with an independent implementation."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.signing import key_bytes, sign, signature
from reconciler.webhooks.signature.verification import verify

ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
STAMP = 1614265330
BODY = b'{"test": 2432232314}'
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime.fromtimestamp(STAMP, UTC)
OLD = Secret("whsec_" + base64.b64encode(b"o" * 32).decode())
NEW = Secret("whsec_" + base64.b64encode(b"n" * 32).decode())


def test_the_vector_of_the_specification() -> None:
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(STANDARD_WEBHOOKS, Secret(VECTOR_SECRET), ID, STAMP, BODY) == expected


@given(body=st.text(max_size=200), key=st.binary(min_size=24, max_size=64))
def test_an_independent_library_computes_the_same(body: str, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    theirs = Webhook(secret).sign(ID, AT, body)
    assert signature(STANDARD_WEBHOOKS, Secret(secret), ID, STAMP, body.encode()) == theirs


@pytest.mark.parametrize("held", [OLD, NEW])
def test_in_a_rotation_a_receiver_may_hold_either_secret(held: Secret) -> None:
    now = datetime.now(UTC)
    headers = dict(sign(STANDARD_WEBHOOKS, [OLD, NEW], ID, int(now.timestamp()), BODY))
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(held.reveal()).verify(BODY.decode(), headers) == json.loads(BODY)
    assert verify(STANDARD_WEBHOOKS, [held], headers, BODY, now).accepted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_not base64!",
        "whsec_c2hvcnQ=",
        "whsec_" + "QUJD" * 30,
    ],
)
def test_an_unusable_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="signing secret") as caught:
        key_bytes(STANDARD_WEBHOOKS, Secret(text))
    remainder = text.removeprefix("whsec_")
    assert not remainder or remainder not in str(caught.value)


def test_signing_with_no_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="no usable signing secret"):
        sign(STANDARD_WEBHOOKS, [], ID, STAMP, BODY)


def _headers(**changes: str | None) -> dict[str, str]:
    given_headers: dict[str, str | None] = dict(sign(STANDARD_WEBHOOKS, [NEW], ID, STAMP, BODY))
    given_headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in given_headers.items() if value is not None}


GENUINE = _headers()["webhook-signature"]
CASES = [
    ("genuine", _headers(), BODY, timedelta(0), "SignatureValid"),
    ("at the end of the tolerance", _headers(), BODY, timedelta(minutes=5), "SignatureValid"),
    ("too old", _headers(), BODY, timedelta(minutes=5, seconds=1), "TimestampOutsideTolerance"),
    (
        "from the future",
        _headers(),
        BODY,
        -timedelta(minutes=5, seconds=1),
        "TimestampOutsideTolerance",
    ),
    ("tampered body", _headers(), BODY + b" ", timedelta(0), "SignatureMismatch"),
    ("another id", _headers(webhook_id="msg_other"), BODY, timedelta(0), "SignatureMismatch"),
    (
        "timestamp moved",
        _headers(webhook_timestamp=str(STAMP + 1)),
        BODY,
        timedelta(0),
        "SignatureMismatch",
    ),
    ("no signature", _headers(webhook_signature=None), BODY, timedelta(0), "HeaderMissing"),
    ("empty signature", _headers(webhook_signature=""), BODY, timedelta(0), "HeaderMissing"),
    ("no id", _headers(webhook_id=None), BODY, timedelta(0), "HeaderMissing"),
    ("no timestamp", _headers(webhook_timestamp=None), BODY, timedelta(0), "HeaderMissing"),
    (
        "timestamp in words",
        _headers(webhook_timestamp="now"),
        BODY,
        timedelta(0),
        "TimestampMalformed",
    ),
    (
        "timestamp in odd digits",
        _headers(webhook_timestamp="١٦١٤٢٦٥٣٣٠"),
        BODY,
        timedelta(0),
        "TimestampMalformed",
    ),
    (
        "negative timestamp",
        _headers(webhook_timestamp="-1"),
        BODY,
        timedelta(0),
        "TimestampMalformed",
    ),
    (
        "another version",
        _headers(webhook_signature="v2," + GENUINE[3:]),
        BODY,
        timedelta(0),
        "SignatureMismatch",
    ),
    (
        "no version",
        _headers(webhook_signature=GENUINE[3:]),
        BODY,
        timedelta(0),
        "SignatureMismatch",
    ),
    ("no ASCII", _headers(webhook_signature="v1,ä"), BODY, timedelta(0), "SignatureMismatch"),
    (
        "among others",
        _headers(webhook_signature=f"v1a,x v1,y {GENUINE}"),
        BODY,
        timedelta(0),
        "SignatureValid",
    ),
    (
        "upper case",
        {name.upper(): value for name, value in _headers().items()},
        BODY,
        timedelta(0),
        "SignatureValid",
    ),
]


@pytest.mark.parametrize(
    ("name", "headers", "body", "later", "reason"), CASES, ids=[case[0] for case in CASES]
)
def test_verification(
    name: str, headers: dict[str, str], body: bytes, later: timedelta, reason: str
) -> None:
    check = verify(STANDARD_WEBHOOKS, [OLD, NEW], headers, body, AT + later)
    assert (check.reason, check.accepted) == (reason, reason == "SignatureValid")
    assert NEW.reveal()[6:] not in check.message


def test_a_receiver_whose_secret_is_unusable_says_so() -> None:
    assert (
        verify(STANDARD_WEBHOOKS, [Secret("whsec_x")], _headers(), BODY, AT).reason
        == "SecretUnusable"
    )


def test_a_receiver_without_secrets_accepts_nothing() -> None:
    assert verify(STANDARD_WEBHOOKS, [], _headers(), BODY, AT).reason == "SignatureMismatch"
