"""What a receiver says of a delivery: a case table."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.domain.declared.schemes import GITHUB, SCHEMES, STANDARD_WEBHOOKS, STRIPE, Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.receiving import (
    NOT_VERIFIED,
    HeldSecret,
    Judgement,
    judge_delivery,
    unusable_secret,
)
from reconciler.webhooks.signature.signing import sign
from reconciler.webhooks.signature.verification import SignatureCheck

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OLD, NEW, WRONG = (Secret("whsec_" + digits * 32) for digits in ("0a", "1b", "2c"))
EVENT, TEST = b'{"type":"order.paid"}', b'{"type":"order.paid","test":true}'
HELD = [HeldSecret(OLD, "env:OLD"), HeldSecret(NEW, "vault:staging/web-shop/orders", 2)]


def headers(scheme: Scheme, *secrets: Secret, age: int = 0, body: bytes = EVENT) -> dict[str, str]:
    stamp = int((NOW - timedelta(seconds=age)).timestamp())
    return dict(sign(scheme, list(secrets), "msg_abc", stamp, body))


def judged(
    given: dict[str, str],
    body: bytes = EVENT,
    *,
    scheme: Scheme = STANDARD_WEBHOOKS,
    held: list[HeldSecret] = HELD,
    proven: bool = False,
) -> Judgement:
    return judge_delivery(scheme, held, given, body, NOW, proven=proven)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_it_says_which_secret_verified(scheme: Scheme) -> None:
    for number, secret in enumerate((OLD, NEW), 1):
        found = judged(headers(scheme, secret), scheme=scheme)
        assert (found.accepted, found.reason, found.number, found.held) == (
            True,
            "SignatureValid",
            number,
            2,
        )
        assert found.by is HELD[number - 1]
        assert found.remedy == ""


# (name, headers, reason, part of the message, part of the remedy)
REFUSED = [
    ("wrong secret", headers(STANDARD_WEBHOOKS, WRONG), "SignatureMismatch", "no signature matches", "the present one"),
    ("old", headers(STANDARD_WEBHOOKS, NEW, age=660), "TimestampOutsideTolerance",
     "the delivery is 660 s old; 300 s are tolerated", "clock"),
    ("ahead", headers(STANDARD_WEBHOOKS, NEW, age=-660), "TimestampOutsideTolerance", "660 s ahead", "clock"),
    ("no number", {**headers(STANDARD_WEBHOOKS, NEW), "webhook-timestamp": "noon"}, "TimestampMalformed",
     "webhook-timestamp does not say", "seconds since 1970"),
    ("unsigned", {}, "HeaderMissing", "no webhook-id header", "must sign"),
    ("another scheme", headers(GITHUB, NEW), "HeaderMissing", "no webhook-id header", "signature of the scheme github"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "reason", "message", "remedy"), [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])  # fmt: skip
def test_a_refusal_says_why_and_what_to_do(
    given: dict[str, str], reason: str, message: str, remedy: str
) -> None:
    found = judged(given)
    assert (found.accepted, found.reason, found.by) == (False, reason, None)
    assert message in found.message
    assert remedy in found.remedy
    assert not found.as_it_should_be


def test_a_tolerance_of_one_s_own_counts() -> None:
    patient = replace(STANDARD_WEBHOOKS, tolerance=timedelta(minutes=15))
    assert judged(headers(STANDARD_WEBHOOKS, NEW, age=660), scheme=patient).accepted


def test_without_a_secret_nothing_is_verified() -> None:
    found = judged(headers(STANDARD_WEBHOOKS, NEW), held=[])
    assert (found.accepted, found.reason) == (None, "NotVerified")
    assert "--secret-from" in found.remedy


PROBES = {
    "tampered": (headers(STANDARD_WEBHOOKS, NEW, body=TEST), TEST.replace(b"paid", b"sent")),
    "replayed": (headers(STANDARD_WEBHOOKS, NEW, body=TEST, age=660), TEST),
    "future": (headers(STANDARD_WEBHOOKS, NEW, body=TEST, age=-660), TEST),
    "wrong secret": (headers(STANDARD_WEBHOOKS, WRONG, body=TEST), TEST),
    "unsigned": ({}, TEST),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_alarms_nobody_once_it_is_known_to_be_one(name: str) -> None:
    given, body = PROBES[name]
    found = judged(given, body, proven=True)
    assert (found.accepted, found.test, found.as_it_should_be, found.remedy) == (
        False,
        True,
        True,
        "",
    )
    before = judged(given, body)
    assert before.as_it_should_be is (name == "unsigned")
    assert (before.remedy == "") is (name == "unsigned")
    if name != "unsigned":
        assert "or it is a probe" in before.remedy
    event = judged(given, body.replace(b',"test":true', b""), proven=True)
    assert not event.as_it_should_be


def test_a_test_delivery_signed_by_another_scheme_is_no_probe_yet() -> None:
    found = judged(headers(GITHUB, NEW, body=TEST), TEST)
    assert (found.test, found.as_it_should_be) == (True, False)


@pytest.mark.parametrize(
    ("body", "given", "test"),
    [
        (TEST, {}, True),
        (EVENT, {}, False),
        (b'{"test": "true"}', {}, False),
        (b"[true]", {}, False),
        (b"[" * 100_000, {}, False),
        (b"\xff", {}, False),
        (b"\xff", {"user-agent": "reconciler-webhooks/1"}, True),
    ],
)
def test_what_is_marked_as_a_test(body: bytes, given: dict[str, str], test: bool) -> None:
    assert judged(given, body).test is test


def test_a_secret_that_a_scheme_cannot_use_is_told_without_it() -> None:
    assert unusable_secret(STANDARD_WEBHOOKS, NEW) == ""
    assert unusable_secret(GITHUB, Secret("a text of twenty-four characters")) == ""
    for scheme in (STANDARD_WEBHOOKS, STRIPE):
        why = unusable_secret(scheme, Secret("short"))
        assert why
        assert "short" not in why
    assert judged(
        headers(STRIPE, NEW), scheme=STRIPE, held=[HeldSecret(Secret("x"), "stdin")]
    ).reason == ("SecretUnusable")


def test_every_reason_has_a_row_in_the_documentation_of_webhooks() -> None:
    named = set(re.findall(r"\b[A-Z][a-z]+[A-Z][A-Za-z]+\b", SignatureCheck.__doc__ or "")) | {
        NOT_VERIFIED
    }
    section = PAGE.split("\n## Reasons\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| ([A-Z][A-Za-z]+) \|", section, re.MULTILINE)) - {"Reason"} == named
    assert {row[2] for row in REFUSED} < named
