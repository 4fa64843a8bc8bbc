"""Probes against receivers that are right, and that are wrong in each way: each caught, none
falsely accused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
import stripe
import svix.webhooks

from reconciler.domain.declared.desired import DesiredWebhook, Lifecycle
from reconciler.domain.declared.proof import DECLARED_PROBES, Demand, Probe
from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS, STRIPE, SVIX, Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.proof.judging import MUST_REFUSE
from reconciler.webhooks.signature.verification import SignatureCheck, verify
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from tests.kit.suite.tally import Tally
from tests.kit.webhooks.proving import drive, order_for

LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(days=1))
NEW, OLD = Secret("whsec_" + "5e" * 32), Secret("whsec_" + "01" * 32)
REFUSED, ACCEPTED = 401, 204
ALL = {probe: Demand.REQUIRE for probes in DECLARED_PROBES.values() for probe in probes}
# What a receiver answers to a request: a status, or a failure.
Receiver = Callable[[HttpRequest], int | HttpFailure]


def hooked(scheme: Scheme, probes: Mapping[Probe, Demand] | None = None) -> DesiredWebhook:
    """With every probe that the scheme can be sent."""
    left_out = {
        Probe.REPLAYED: not scheme.timed, Probe.FUTURE: not scheme.timed or not scheme.refuses_future,
        Probe.NEW_SECRET: not scheme.several, Probe.OLD_SECRET: not scheme.several,
    }  # fmt: skip
    sent = {probe: demand for probe, demand in (probes or ALL).items() if not left_out.get(probe)}
    events = ("payout.settled", "payout.failed")
    return DesiredWebhook(
        "settlements", "https://hooks.example.com/in", events, LIFE, scheme, attempts=2, probes=sent
    )


def proven(
    webhook: DesiredWebhook, receiver: Receiver, secrets: tuple[Secret, ...] = (NEW,)
) -> dict[Probe, str]:
    """The code of every probe that was sent; empty for the right answer."""

    def send(request: HttpRequest) -> HttpResponse | HttpFailure:
        answer = receiver(request)
        return answer if isinstance(answer, HttpFailure) else HttpResponse(answer, {}, b"")

    now = datetime.now(UTC)
    delivery = drive(order_for(webhook, secrets), send, lambda: now)
    assert delivery.accepted is not any(result.failed for result in delivery.probes)
    return {result.probe: result.code for result in delivery.probes if result.passed is not None}


def check(
    scheme: Scheme, request: HttpRequest, *secrets: Secret, now: datetime | None = None
) -> SignatureCheck:
    return verify(
        scheme, secrets or (NEW,), dict(request.headers), request.body, now or datetime.now(UTC)
    )


def verifies(scheme: Scheme, *secrets: Secret) -> Receiver:
    return lambda request: ACCEPTED if check(scheme, request, *secrets).accepted else REFUSED


def library(verified: Callable[[HttpRequest], object]) -> Receiver:
    """A receiver built on a library that raises for what it does not accept."""
    refusals = (
        standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError,
        stripe.SignatureVerificationError,
    )  # fmt: skip

    def receive(request: HttpRequest) -> int:
        try:
            verified(request)
        except refusals:
            return REFUSED
        return ACCEPTED

    return receive


def _lower(request: HttpRequest) -> dict[str, str]:
    return dict(request.headers)


RIGHT: dict[str, tuple[Scheme, Receiver]] = {
    **{f"ours, {name}": (row, verifies(row)) for name, row in SCHEMES.items()},
    "PyPI standardwebhooks": (
        STANDARD_WEBHOOKS,
        library(lambda one: standardwebhooks.Webhook(NEW.reveal()).verify(one.body.decode(), _lower(one))),
    ),
    "PyPI svix": (SVIX, library(lambda one: svix.webhooks.Webhook(NEW.reveal()).verify(one.body, _lower(one)))),
    "PyPI stripe": (
        STRIPE,
        library(
            lambda one: stripe.WebhookSignature.verify_header(
                one.body.decode(), _lower(one).get("stripe-signature", ""), NEW.reveal(), 300
            )
        ),
    ),
    "one that refuses with 400": (
        STANDARD_WEBHOOKS, lambda one: 204 if check(STANDARD_WEBHOOKS, one).accepted else 400,
    ),
    "one that answers 200 with a text": (
        STANDARD_WEBHOOKS, lambda one: 200 if check(STANDARD_WEBHOOKS, one).accepted else 403,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_nobody_is_falsely_accused(name: str, tally: Tally) -> None:
    scheme, receiver = RIGHT[name]
    found = proven(hooked(scheme), receiver)
    assert set(found.values()) == {""}
    tally(f"probes × receivers that are right, {scheme.name}: none accused", len(found))


def verified(request: HttpRequest) -> int:
    return ACCEPTED if check(STANDARD_WEBHOOKS, request).accepted else REFUSED


def _without_time(request: HttpRequest) -> int:
    """Verifies the signature and forgets the timestamp."""
    stamp = int(_lower(request)["webhook-timestamp"])
    judged = check(STANDARD_WEBHOOKS, request, now=datetime.fromtimestamp(stamp, UTC))
    return ACCEPTED if judged.accepted else REFUSED


def _past_only(request: HttpRequest) -> int:
    """Compares the age, but not its absolute value."""
    stamp = datetime.fromtimestamp(int(_lower(request)["webhook-timestamp"]), UTC)
    return _without_time(request) if stamp > datetime.now(UTC) else verified(request)


def _if_there(request: HttpRequest) -> int:
    """``if header: verify(header)``"""
    if "webhook-signature" not in _lower(request):
        return ACCEPTED
    return verified(request)


def _header_only(request: HttpRequest) -> int:
    return ACCEPTED if "webhook-signature" in _lower(request) else REFUSED


def _first_characters(request: HttpRequest) -> int:
    """Compares as far as the version: ``v1,``."""
    return ACCEPTED if _lower(request).get("webhook-signature", "").startswith("v1,") else REFUSED


def _without_body(request: HttpRequest) -> int:
    """Signs what it thinks that was sent: the signature is right for the body before it was
    changed."""
    value = json.loads(request.body)
    when = datetime.fromtimestamp(int(_lower(request)["webhook-timestamp"]), UTC)
    value["timestamp"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return verified(replace(request, body=body))


def _answers_to_the_refused(answer: int | HttpFailure) -> Receiver:
    return lambda request: ACCEPTED if check(STANDARD_WEBHOOKS, request).accepted else answer


def _any_secret(request: HttpRequest) -> int:
    """Checks everything about a signature but whose it is."""
    headers = _lower(request)
    stale = check(STANDARD_WEBHOOKS, request).reason in (
        "HeaderMissing",
        "TimestampOutsideTolerance",
    )
    well_formed = len(headers.get("webhook-signature", "")) == len("v1,") + 44
    bodies = abs(json.loads(request.body)["timestamp"][:4] == str(datetime.now(UTC).year))
    return ACCEPTED if well_formed and bodies and not stale else REFUSED


EVERY = {probe: code for probe, (_, code) in MUST_REFUSE.items()}
NO_ANSWER = dict.fromkeys(MUST_REFUSE, "RC535")
WRONG: dict[str, tuple[Receiver, dict[Probe, str]]] = {
    "accepts everything": (lambda request: 200, EVERY),
    "looks for a header only": (
        _header_only,
        {k: v for k, v in EVERY.items() if k is not Probe.UNSIGNED},
    ),
    "verifies only if there is a signature": (_if_there, {Probe.UNSIGNED: "RC534"}),
    "compares the first characters": (
        _first_characters,
        {k: v for k, v in EVERY.items() if k is not Probe.UNSIGNED},
    ),
    "ignores the timestamp": (_without_time, {Probe.REPLAYED: "RC532", Probe.FUTURE: "RC533"}),
    "ignores timestamps ahead": (_past_only, {Probe.FUTURE: "RC533"}),
    "does not look at the body": (_without_body, {Probe.TAMPERED: "RC530"}),
    "does not look whose signature it is": (_any_secret, {Probe.WRONG_SECRET: "RC531"}),
    "crashes on what it should refuse": (_answers_to_the_refused(500), NO_ANSWER),
    "redirects it to a login": (_answers_to_the_refused(302), NO_ANSWER),
    "says that it is busy": (_answers_to_the_refused(429), NO_ANSWER),
    "hangs": (
        _answers_to_the_refused(HttpFailure("RC510", "the deadline passed while waiting")),
        NO_ANSWER,
    ),
    "hangs up": (_answers_to_the_refused(HttpFailure("RC511", "the connection broke")), NO_ANSWER),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_way_to_be_wrong_is_caught(name: str, tally: Tally) -> None:
    receiver, caught = WRONG[name]
    found = proven(hooked(STANDARD_WEBHOOKS), receiver)
    assert {probe: code for probe, code in found.items() if code} == caught
    assert found[Probe.VALID] == ""
    tally("probes × receivers that are wrong, each caught", len(caught))


def test_a_receiver_that_accepts_nothing_is_not_probed() -> None:
    found = proven(hooked(STANDARD_WEBHOOKS), lambda request: 401)
    assert found == {Probe.VALID: "RC515"}


def test_a_warning_keeps_nobody_from_being_proven() -> None:
    now = datetime.now(UTC)
    webhook = hooked(STANDARD_WEBHOOKS, dict.fromkeys(MUST_REFUSE, Demand.WARN))
    delivery = drive(
        order_for(webhook, [NEW]), lambda request: HttpResponse(200, {}, b""), lambda: now
    )
    assert delivery.accepted
    assert delivery.message.startswith(
        "the receiver accepted the delivery with 200 and refused 0 of 5 probes; warning: RC530"
    )


def test_what_is_off_is_not_sent() -> None:
    seen: list[HttpRequest] = []

    def receive(request: HttpRequest) -> int:
        seen.append(request)
        return 200

    webhook = replace(hooked(STANDARD_WEBHOOKS), probes=dict.fromkeys(ALL, Demand.OFF))
    assert set(proven(webhook, receive)) == {Probe.VALID}
    assert [json.loads(one.body)["type"] for one in seen] == ["payout.settled", "payout.failed"]


@pytest.mark.parametrize(
    ("held", "caught"),
    [
        ((NEW, OLD), {}),
        ((NEW,), {Probe.OLD_SECRET: "RC536"}),
        ((OLD,), {Probe.NEW_SECRET: "RC536"}),
    ],
    ids=["both", "the new one", "the old one"],
)
def test_in_a_grace_each_secret_is_tried_alone(
    held: tuple[Secret, ...], caught: dict[Probe, str], tally: Tally
) -> None:
    """Whichever it holds, the delivery with both signatures is accepted: nothing is lost, and it is
    known what is."""
    found = proven(hooked(STANDARD_WEBHOOKS), verifies(STANDARD_WEBHOOKS, *held), (NEW, OLD))
    assert {probe: code for probe, code in found.items() if code} == caught
    assert found[Probe.VALID] == ""
    tally("probes in a grace", 2)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_a_probe_differs_from_the_valid_delivery_in_one_thing(scheme: Scheme) -> None:
    """So what a receiver says to it is about that thing."""
    seen: dict[Probe, HttpRequest] = {}
    webhook, now = replace(hooked(scheme), events=("payout.settled",)), datetime.now(UTC)
    order = [Probe.VALID, *(probe for probe in webhook.probes if probe in MUST_REFUSE)]

    def send(request: HttpRequest) -> HttpResponse:
        seen[order[len(seen)]] = request
        return HttpResponse(ACCEPTED if len(seen) == 1 else REFUSED, {}, b"")

    drive(order_for(webhook, [NEW]), send, lambda: now)
    valid = seen[Probe.VALID]
    identifiers = [_lower(one).get(scheme.id_header) for one in seen.values()]
    assert not scheme.id_header or len(set(identifiers)) == len(seen)
    for probe, request in seen.items():
        assert (request.body != valid.body) is (probe is Probe.TAMPERED)
        assert len(request.body) == len(valid.body)
        assert (scheme.header in _lower(request)) is (probe is not Probe.UNSIGNED)
        assert json.loads(request.body)["test"] is True
        right = verify(scheme, [NEW], _lower(request), request.body, now)
        expected = {
            Probe.VALID: "SignatureValid", Probe.TAMPERED: "SignatureMismatch", Probe.WRONG_SECRET: "SignatureMismatch",
            Probe.REPLAYED: "TimestampOutsideTolerance", Probe.FUTURE: "TimestampOutsideTolerance",
            Probe.UNSIGNED: "HeaderMissing",
        }  # fmt: skip
        assert right.reason == expected[probe]
    stamped = [probe for probe in (Probe.REPLAYED, Probe.FUTURE) if probe in seen]
    for probe in stamped:  # apart from their time they are genuine
        request = seen[probe]
        then = now + (1 if probe is Probe.FUTURE else -1) * (
            2 * scheme.tolerance + timedelta(seconds=60)
        )
        assert verify(scheme, [NEW], _lower(request), request.body, then).accepted


def test_the_secret_that_was_never_issued_is_another_one_each_time() -> None:
    webhook = hooked(STANDARD_WEBHOOKS, {Probe.WRONG_SECRET: Demand.REQUIRE})
    now = datetime(2026, 11, 25, tzinfo=UTC)

    def last_signature(seed: str) -> str:
        sent: list[HttpRequest] = []

        def send(request: HttpRequest) -> HttpResponse:
            sent.append(request)
            return HttpResponse(ACCEPTED, {}, b"")

        drive(order_for(webhook, [NEW], seed=seed), send, lambda: now)
        return _lower(sent[-1])["webhook-signature"]

    assert last_signature("a") != last_signature("b")
