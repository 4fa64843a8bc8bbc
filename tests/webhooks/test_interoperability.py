"""Schemes × independent verifiers: the libraries that receivers use accept what we sign, and we
what they sign."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import standardwebhooks
import stripe
import svix.webhooks
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from reconciler.domain.declared.desired import DesiredWebhook, Lifecycle
from reconciler.domain.declared.proof import Probe
from reconciler.domain.declared.schemes import (
    GITHUB,
    INTUIT,
    PAYSTACK,
    SCHEMES,
    SHOPIFY,
    STANDARD_WEBHOOKS,
    STRIPE,
    SVIX,
    Scheme,
)
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.signing import sign
from reconciler.webhooks.signature.verification import verify
from reconciler.webhooks.wire.exchange import request
from reconciler.webhooks.wire.http import HttpRequest
from tests.kit.programs.npm import unpack
from tests.kit.suite.tally import Tally
from tests.kit.webhooks.node_verifiers import PINNED, NodeVerifiers, node_verifiers
from tests.kit.webhooks.proving import order_for

ID = "msg_0123456789abcdefghijABCD"
BODY = '{"type":"payout.settled","data":{"amount":12.5,"note":"Grüße — 你好"}}'
OLD, NEW, WRONG = ("whsec_" + digits * 32 for digits in ("0a", "1b", "2c"))


@dataclass(frozen=True)
class Delivery:
    """What a receiver gets. ``secret`` is the one it holds."""

    secret: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Case:
    name: str
    delivery: Delivery
    good: bool


def cases(scheme: Scheme) -> list[Case]:
    """Deliveries of ours, right and spoilt.

    Their timestamps are present: these libraries read the clock.
    """
    now = int(time.time())

    def signed(*secrets: str, at: int = now) -> dict[str, str]:
        return dict(sign(scheme, [Secret(one) for one in secrets], ID, at, BODY.encode()))

    genuine = signed(NEW)
    swapped = {"0": "1", "1": "0"}
    value = genuine[scheme.header]
    spoilt = {
        at: value[:at] + swapped.get(value[at], "0") + value[at + 1 :]
        for at in range(value.rindex(scheme.tag) + len(scheme.tag), len(value.rstrip("=")) - 1, 5)
    }
    found = [
        Case("genuine", Delivery(NEW, genuine, BODY), True),
        Case("rotation, receiver has the new secret", Delivery(NEW, signed(NEW, OLD), BODY), True),
        Case("rotation, receiver has the old secret", Delivery(OLD, signed(NEW, OLD), BODY), scheme.several),
        Case("wrong secret", Delivery(WRONG, genuine, BODY), False),
        Case("no signature", Delivery(NEW, {**genuine, scheme.header: ""}, BODY), False),
        *(Case(f"body without character {at}", Delivery(NEW, genuine, BODY[:at] + BODY[at + 1 :]), False)
          for at in range(0, len(BODY), 7)),
        *(Case(f"signature spoilt at {at}", Delivery(NEW, {**genuine, scheme.header: text}, BODY), False)
          for at, text in spoilt.items()),
    ]  # fmt: skip
    if scheme.timed:
        found.append(Case("ten minutes old", Delivery(NEW, signed(NEW, at=now - 600), BODY), False))
    return found


Accepts = Callable[[Delivery], object]


def _documented(
    header: str, algorithm: hashes.HashAlgorithm, encode: Callable[[bytes], str]
) -> Accepts:
    """As the provider's documentation tells receivers to do it, with another library's HMAC."""

    def accepts(delivery: Delivery) -> bool:
        mac = HMAC(delivery.secret.encode(), algorithm)
        mac.update(delivery.body.encode())
        return hmac.compare_digest(encode(mac.finalize()), delivery.headers[header])

    return accepts


# (scheme, verifier, how it judges). One that returns without raising has accepted, unless it
# returns False.
PYTHON: list[tuple[Scheme, str, Accepts]] = [
    (STANDARD_WEBHOOKS, "PyPI standardwebhooks",
     lambda d: standardwebhooks.Webhook(d.secret).verify(d.body, dict(d.headers))),
    (STANDARD_WEBHOOKS, "PyPI svix", lambda d: svix.webhooks.Webhook(d.secret).verify(d.body, dict(d.headers))),
    (SVIX, "PyPI svix", lambda d: svix.webhooks.Webhook(d.secret).verify(d.body, dict(d.headers))),
    (STRIPE, "PyPI stripe",
     lambda d: stripe.WebhookSignature.verify_header(d.body, d.headers["stripe-signature"], d.secret, 300)),
    (GITHUB, "cryptography", _documented("x-hub-signature-256", hashes.SHA256(), lambda raw: f"sha256={raw.hex()}")),
    (PAYSTACK, "cryptography", _documented("x-paystack-signature", hashes.SHA512(), bytes.hex)),
    (INTUIT, "cryptography",
     _documented("intuit-signature", hashes.SHA256(), lambda raw: base64.b64encode(raw).decode())),
    (SHOPIFY, "cryptography",
     _documented("x-shopify-hmac-sha256", hashes.SHA256(), lambda raw: base64.b64encode(raw).decode())),
]  # fmt: skip
NODE: list[tuple[Scheme, str]] = [
    (STANDARD_WEBHOOKS, "npm standardwebhooks"),
    (STANDARD_WEBHOOKS, "npm svix"),
    (SVIX, "npm svix"),
    (STRIPE, "npm stripe"),
    (GITHUB, "npm @octokit/webhooks-methods"),
    (PAYSTACK, "node crypto, paystack"),
    (INTUIT, "node crypto, intuit"),
    (SHOPIFY, "node crypto, shopify"),
]


def _judgement(accepts: Accepts, delivery: Delivery) -> bool:
    refusals = (
        standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError,
        stripe.SignatureVerificationError, json.JSONDecodeError,
    )  # fmt: skip
    try:
        return accepts(delivery) is not False
    except refusals:
        return False


def _agree(
    scheme: Scheme, verifier: str, tried: list[Case], accepted: list[bool], tally: Tally
) -> None:
    assert {case.name: answer for case, answer in zip(tried, accepted, strict=True)} == {
        case.name: case.good for case in tried
    }
    tally(f"scheme {scheme.name} × {verifier}: our deliveries judged", len(tried))


@pytest.mark.parametrize(
    ("scheme", "verifier", "accepts"), PYTHON, ids=[f"{row.name}-{name}" for row, name, _ in PYTHON]
)
def test_python_libraries_judge_our_deliveries(
    scheme: Scheme, verifier: str, accepts: Accepts, tally: Tally
) -> None:
    tried = cases(scheme)
    _agree(scheme, verifier, tried, [_judgement(accepts, case.delivery) for case in tried], tally)


@pytest.fixture(scope="session")
def node() -> NodeVerifiers:
    return node_verifiers()


@pytest.mark.parametrize(
    ("scheme", "verifier"), NODE, ids=[f"{row.name}-{name}" for row, name in NODE]
)
def test_javascript_libraries_judge_our_deliveries(
    scheme: Scheme, verifier: str, node: NodeVerifiers, tally: Tally
) -> None:
    tried = cases(scheme)
    questions = [
        {
            "library": verifier,
            "action": "verify",
            "secret": one.secret,
            "headers": one.headers,
            "body": one.body,
        }
        for one in (case.delivery for case in tried)
    ]
    _agree(scheme, verifier, tried, [answer is True for answer in node.ask(questions)], tally)


def _request(probe: Probe, event: str, declared: tuple[tuple[str, str], ...] = ()) -> HttpRequest:
    """The whole request that is sent to a receiver of GitHub's webhooks."""
    life = Lifecycle(timedelta(days=90), timedelta(days=30), timedelta(hours=24))
    hook = DesiredWebhook(
        "a", "https://a.example/hook", (event,), life, scheme=GITHUB, headers=declared
    )
    steps = request(order_for(hook, [Secret(NEW)]), probe, event, datetime.now(UTC))
    try:
        next(steps)
    except StopIteration as end:
        made: HttpRequest = end.value[0]
        return made
    raise AssertionError("a shared secret does not sign remotely")


def test_githubs_own_middleware_takes_our_deliveries(node: NodeVerifiers, tally: Tally) -> None:
    """It demands the event and the id of the delivery beside the signature, and hands them on."""
    asked = {
        "genuine": _request(Probe.VALID, "push"),
        "another event": _request(Probe.VALID, "push", (("x-github-event", "pull_request"),)),
        "tampered": _request(Probe.TAMPERED, "push"),
        "by a stranger": _request(Probe.WRONG_SECRET, "push"),
        "unsigned": _request(Probe.UNSIGNED, "push"),
    }
    answers = node.ask([
        {"library": "npm @octokit/webhooks, middleware", "action": "receive", "secret": NEW,
         "headers": dict(one.headers), "body": one.body.decode()}
        for one in asked.values()
    ])  # fmt: skip
    said = dict(zip(asked, answers, strict=True))
    first = dict(asked["genuine"].headers)
    assert UUID(first["x-github-delivery"]).version == 4
    assert said["genuine"] == {
        "status": 200,
        "heard": {"id": first["x-github-delivery"], "name": "push"},
    }
    assert said["another event"] == {
        "status": 200,
        "heard": {"id": first["x-github-delivery"], "name": "pull_request"},
    }
    refused = {
        name: answer for name, answer in said.items() if name not in ("genuine", "another event")
    }
    assert refused == {
        "tampered": {"status": 400, "heard": None},
        "by a stranger": {"status": 400, "heard": None},
        "unsigned": {"status": 400, "heard": None},
    }
    tally("scheme github × npm @octokit/webhooks, middleware: whole deliveries", len(asked))


def test_every_scheme_is_judged_in_both_languages() -> None:
    assert (
        {scheme.name for scheme, _, _ in PYTHON}
        == {scheme.name for scheme, _ in NODE}
        == SCHEMES.keys()
    )


def _headers(scheme: Scheme, theirs: str, stamp: int) -> dict[str, str]:
    """The delivery that a sender with that library makes; ``theirs`` is what the library
    returned."""
    headers = {scheme.header: theirs, scheme.id_header: ID, scheme.timestamp_header: str(stamp)}
    return {name: value for name, value in headers.items() if name}


def _ours(scheme: Scheme, theirs: str, stamp: int, tally: Tally, signer: str) -> None:
    """We accept what another signed, also between signatures of others, and refuse it spoilt."""
    at, body, held = datetime.fromtimestamp(stamp, UTC), BODY.encode(), [Secret(OLD), Secret(NEW)]
    headers = _headers(scheme, theirs, stamp)
    assert verify(scheme, held, headers, body, at).accepted
    assert not verify(scheme, [Secret(WRONG)], headers, body, at).accepted
    spoilt = [
        body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :] for index in range(len(body))
    ]
    assert not any(verify(scheme, held, headers, other, at).accepted for other in spoilt)
    tally(f"scheme {scheme.name} × {signer}: their deliveries judged by us", 2 + len(spoilt))


PYTHON_SIGNERS: list[tuple[Scheme, str, Callable[[int], str]]] = [
    (STANDARD_WEBHOOKS, "PyPI standardwebhooks",
     lambda stamp: standardwebhooks.Webhook(NEW).sign(ID, datetime.fromtimestamp(stamp, UTC), BODY)),
    (SVIX, "PyPI svix",
     lambda stamp: svix.webhooks.Webhook(NEW).sign(ID, datetime.fromtimestamp(stamp, UTC), BODY)),
    (STRIPE, "PyPI stripe", lambda stamp: stripe.WebhookSignature.generate_signature_header(BODY, NEW, stamp)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "signer", "make"), PYTHON_SIGNERS, ids=[row[1] for row in PYTHON_SIGNERS]
)
def test_we_judge_what_python_libraries_sign(
    scheme: Scheme, signer: str, make: Callable[[int], str], tally: Tally
) -> None:
    stamp = int(time.time())
    _ours(scheme, make(stamp), stamp, tally, signer)


@pytest.mark.parametrize(
    ("scheme", "signer"), NODE, ids=[f"{row.name}-{name}" for row, name in NODE]
)
def test_we_judge_what_javascript_libraries_sign(
    scheme: Scheme, signer: str, node: NodeVerifiers, tally: Tally
) -> None:
    stamp = int(time.time())
    question = {
        "library": signer,
        "action": "sign",
        "secret": NEW,
        "id": ID,
        "timestamp": stamp,
        "body": BODY,
    }
    (theirs,) = node.ask([question])
    _ours(scheme, str(theirs), stamp, tally, signer)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_a_custom_scheme_can_be_any_row_of_the_table(scheme: Scheme, tally: Tally) -> None:
    """So what the libraries say of the rows holds for custom schemes: there is no other code."""
    own = replace(scheme, name="custom")
    tried = cases(own)
    judges = [accepts for row, _, accepts in PYTHON if row is scheme]
    assert [[_judgement(judge, case.delivery) for case in tried] for judge in judges] == [
        [case.good for case in tried] for _ in judges
    ]
    tally(
        f"scheme custom, as {scheme.name} × Python libraries: our deliveries judged",
        len(tried) * len(judges),
    )


def test_an_archive_with_another_hash_is_not_opened(tmp_path: Path) -> None:
    archive = tmp_path / "stripe-23.1.0.tgz"
    archive.write_bytes(b"no archive at all")
    with pytest.raises(AssertionError, match=r"stripe-23\.1\.0\.tgz has sha512"):
        unpack(archive, PINNED["stripe@23.1.0"], tmp_path / "stripe")
    assert not (tmp_path / "stripe").exists()
