"""What is sent, how an answer is judged, when a delivery is tried again, and what is kept of an
answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.desired import DesiredWebhook, Lifecycle
from reconciler.domain.declared.proof import Demand, Expectation, Latency, Probe
from reconciler.domain.declared.schemes import GITHUB
from reconciler.domain.live.record import Delivery
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors.codes import CODES
from reconciler.webhooks.proof.judging import judge_answer
from reconciler.webhooks.proof.proving import Pause
from reconciler.webhooks.wire.excerpt import EXCERPT_SHOWN, excerpt
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from reconciler.webhooks.wire.retries import read_delay
from tests.kit.webhooks.proving import Answer, drive, order_for

NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(days=1))
WEBHOOK = DesiredWebhook(
    "settlements", "https://hooks.example.com/payouts", ("payout.settled",), LIFE
)
SECRET = Secret("whsec_" + "5e" * 32)
BROKEN = HttpFailure("RC511", "the connection broke while waiting for the answer")


def answered(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return HttpResponse(status, named, body, Latency(12))


class Receiving:
    """Gives ``answers`` one after the other, the last one for ever; keeps what it was sent and what
    was waited."""

    def __init__(self, *answers: Answer, go_on: bool = True) -> None:
        self.answers, self.go_on = list(answers), go_on
        self.seen: list[HttpRequest] = []
        self.pauses: list[Pause] = []
        self.at = NOW

    def send(self, request: HttpRequest) -> Answer:
        self.seen.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def pause(self, pause: Pause) -> bool:
        self.pauses.append(pause)
        self.at += timedelta(seconds=pause.seconds)
        return self.go_on


def proven(receiving: Receiving, webhook: DesiredWebhook = WEBHOOK, owner: str = "") -> Delivery:
    return drive(
        order_for(webhook, [SECRET], owner=owner),
        receiving.send,
        lambda: receiving.at,
        receiving.pause,
    )


def test_the_request() -> None:
    receiving = Receiving(answered(204))
    delivery = proven(receiving, replace(WEBHOOK, timeout=timedelta(seconds=7)))
    (request,) = receiving.seen
    assert (request.method, request.url, request.deadline) == ("POST", WEBHOOK.url, 7.0)
    headers = dict(request.headers)
    assert headers["webhook-id"] == delivery.id
    assert (delivery.id[:4], len(delivery.id)) == ("msg_", 28)
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    body = json.loads(request.body)
    assert (body["type"], body["timestamp"], body["test"]) == (
        "payout.settled",
        "2026-11-23T22:45:00Z",
        True,
    )


@given(event=st.text(max_size=40), url_tail=st.text(max_size=40))
def test_nothing_declared_gets_into_a_header(event: str, url_tail: str) -> None:
    receiving = Receiving(answered(204))
    webhook = replace(
        WEBHOOK, events=(event,), name=event, url=f"https://hooks.example.com/{url_tail}"
    )
    delivery = proven(receiving, webhook)
    if not receiving.seen:
        assert delivery.code == "RC501"
        return
    plain = Receiving(answered(204))
    proven(plain)
    (request,), (usual,) = receiving.seen, plain.seen
    assert all(
        (name + value).isascii() and (name + value).isprintable() for name, value in request.headers
    )
    assert [name for name, _ in request.headers] == [name for name, _ in usual.headers]


@pytest.mark.parametrize(
    ("webhook", "secrets", "code"),
    [
        (WEBHOOK, [], "RC500"),
        (WEBHOOK, [Secret("whsec_???")], "RC500"),
        (WEBHOOK, [SECRET, Secret("plain text")], "RC500"),
        (replace(WEBHOOK, url="https://u:hunter2@example.com/"), [SECRET], "RC501"),
        (replace(WEBHOOK, scheme=replace(GITHUB, algorithm="hmac-md5")), [SECRET], "RC519"),
        (replace(WEBHOOK, scheme=replace(GITHUB, header="x-a\r\nx-b")), [SECRET], "RC519"),
        (replace(WEBHOOK, scheme=replace(GITHUB, header="authorization")), [SECRET], "RC519"),
        (replace(WEBHOOK, scheme=replace(GITHUB, tag="sha256=\r\nx-b: c")), [SECRET], "RC519"),
    ],
)
def test_what_cannot_be_sent_is_not_sent(
    webhook: DesiredWebhook, secrets: list[Secret], code: str
) -> None:
    receiving = Receiving(answered(204))
    delivery = drive(order_for(webhook, secrets), receiving.send, lambda: NOW)
    assert receiving.seen == []
    assert (delivery.accepted, delivery.status, delivery.code) == (False, None, code)
    assert delivery.message.startswith(f"{code}: ")
    assert "plain text" not in repr(delivery)
    assert "hunter2" not in repr(delivery)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_accepted(status: int) -> None:
    assert judge_answer(Probe.VALID, answered(status), Expectation()).passed


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        *((status, "RC513", False) for status in (300, 301, 302, 304, 307, 308)),
        *((status, "RC515", False) for status in (401, 403)),
        *((status, "RC516", False) for status in (400, 405, 413, 415, 499)),
        *((status, "RC517", True) for status in (500, 502, 503, 504, 599)),
        *((status, "RC518", False) for status in (101, 600, 999)),
        (404, "RC525", False),
        (408, "RC516", True),
        (410, "RC514", False),
        (429, "RC522", True),
    ],
)
def test_every_other_status_is_a_failure_that_says_what_to_check(
    status: int, code: str, again: bool
) -> None:
    verdict = judge_answer(Probe.VALID, answered(status), Expectation())
    assert (verdict.passed, verdict.code, verdict.again) == (False, code, again)
    assert verdict.message.startswith(f"{code}: the receiver answered {status}")
    assert verdict.message.endswith(CODES[code].remedy)


def test_a_redirect_names_the_host_and_nothing_else_of_the_location() -> None:
    there = answered(301, location="https://www.example.com:8443/in?token=hunter2")
    message = judge_answer(Probe.VALID, there, Expectation()).message
    assert "and points to www.example.com:8443;" in message
    assert "hunter2" not in message
    for location in (
        "/relative",
        "https://u:hunter2@x.example/",
        "javascript:1",
        "https://\x1b[31m/",
    ):
        message = judge_answer(Probe.VALID, answered(302, location=location), Expectation()).message
        assert "points to" not in message
        assert "hunter2" not in message


def test_a_failure_says_whom_to_ask() -> None:
    delivery = proven(Receiving(answered(401)), owner="payments (payments@example.com)")
    assert delivery.message.endswith("; ask payments (payments@example.com)")


def test_what_passes_is_tried_again_with_the_same_id_and_a_new_timestamp() -> None:
    receiving = Receiving(BROKEN, answered(503), answered(429), answered(204))
    delivery = proven(receiving)
    assert delivery.accepted
    headers = [dict(request.headers) for request in receiving.seen]
    assert len({one["webhook-id"] for one in headers}) == 1
    stamps = [int(one["webhook-timestamp"]) for one in headers]
    assert stamps == sorted(stamps)
    assert stamps[-1] > stamps[0]
    assert [pause.seconds for pause in receiving.pauses] == [0.5, 1.0, 2.0]
    assert all(0 < pause.jitter <= pause.seconds / 2 for pause in receiving.pauses)
    assert [(one.number, one.status, one.code) for one in delivery.attempts] == [
        (1, None, "RC511"), (2, 503, "RC517"), (3, 429, "RC522"), (4, 204, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301, 418])
def test_what_decides_is_not_tried_again(status: int) -> None:
    receiving = Receiving(answered(status))
    assert not proven(receiving).accepted
    assert len(receiving.seen) == 1


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_delivery_is_tried_as_often_as_declared(attempts: int) -> None:
    receiving = Receiving(answered(500))
    delivery = proven(receiving, replace(WEBHOOK, attempts=attempts))
    assert len(receiving.seen) == len(delivery.attempts) == attempts
    assert delivery.code == "RC517"


def test_retry_after_is_waited_for_without_jitter() -> None:
    receiving = Receiving(answered(429, retry_after="7"), answered(204))
    assert proven(receiving).accepted
    assert receiving.pauses == [Pause(7.0, 0.0)]


def test_longer_pauses_than_declared_are_left_to_the_next_run() -> None:
    receiving = Receiving(answered(503, retry_after="3600"))
    delivery = proven(receiving)
    assert (len(receiving.seen), receiving.pauses) == (1, [])
    assert "it asks for a pause of 3600 s, so the next run goes on" in delivery.message
    patient = Receiving(answered(503, retry_after="3600"), answered(204))
    assert proven(patient, replace(WEBHOOK, retry_for=timedelta(hours=1))).accepted


def test_all_pauses_together_are_bounded() -> None:
    receiving = Receiving(answered(500))
    proven(receiving, replace(WEBHOOK, attempts=20, retry_for=timedelta(seconds=4)))
    assert sum(pause.seconds for pause in receiving.pauses) <= 4


def test_a_run_that_is_told_to_stop_does_not_go_on() -> None:
    receiving = Receiving(answered(500), go_on=False)
    assert not proven(receiving).accepted
    assert len(receiving.seen) == 1


def test_a_probe_is_tried_again_until_the_answer_is_clear() -> None:
    webhook = replace(WEBHOOK, probes={Probe.UNSIGNED: Demand.REQUIRE})
    assert proven(Receiving(answered(204), answered(503), answered(401)), webhook).accepted
    assert not proven(Receiving(answered(204), answered(503), answered(200)), webhook).accepted


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0), ("0", 0.0), ("Mon, 23 Nov 2026 22:46:00 GMT", 60.0), ("Mon, 23 Nov 2026 22:44:00 GMT", 0.0),
        ("", 0.0), ("soon", 0.0), ("-5", 0.0), ("1.5", 0.0), ("99999999999", float("inf")), ("\u0663", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float) -> None:
    assert read_delay({"retry-after": text}, NOW) == seconds


HIDDEN = {
    "an issued key": "acme_prod_AuKrH5hpsVRY_" + "k" * 49,
    "a signing secret": "whsec_" + "ab" * 32,
    "a public key": "whpk_1UigyI49hyqTCpIqC5dEzaOkiikPQVqJQKd/2jINO7Y=",
    "a bearer token": "Authorization: Bearer abc.def",
    "a password": '{"password": "hunter2 hunter2"}',
    "a field of a form": "user_token=hunter2&x=1",
    "an e-mail address": "jane.doe@example.com",
    "a telephone number": "+44 20 7946 0958",
    "a card": "4111 1111 1111 1111",
    "an IBAN": "DE89 3704 0044 0532 0130 00",
    "an address": "203.0.113.77",
    "an IPv6 address": "2001:db8::8a2e:370:7334",
    "a long token": "Z" * 40,
    "a name": '{"first_name": "Jane"}',
    "a private key": "-----BEGIN PRIVATE KEY----- MIIB -----END PRIVATE KEY-----",
}
TOLD = {
    "an issued key": "AuKrH5", "a signing secret": "abab", "a public key": "1UigyI", "a bearer token": "abc.def",
    "a password": "hunter2", "a field of a form": "hunter2", "an e-mail address": "jane", "a telephone number": "7946",
    "a card": "4111", "an IBAN": "3704", "an address": "203.0", "an IPv6 address": "8a2e", "a long token": "ZZ",
    "a name": "Jane", "a private key": "MIIB",
}  # fmt: skip


@pytest.mark.parametrize("what", HIDDEN)
def test_an_excerpt_has_no_secret_and_no_personal_data(what: str) -> None:
    shown = excerpt(f"the answer is {HIDDEN[what]} for you".encode())
    assert shown.startswith("the answer is ")
    assert "***" in shown
    assert TOLD[what] not in shown


def test_an_excerpt_shows_what_helps() -> None:
    text = b'{"error":"invalid_signature","hint":"timestamp too old","request":"req 42"}'
    assert excerpt(text) == text.decode()
    assert (
        excerpt(b"<h1>502 Bad Gateway</h1>\n<hr>nginx/1.25\n")
        == "<h1>502 Bad Gateway</h1> <hr>nginx/1.25"
    )


@given(body=st.binary(max_size=6000), hidden=st.text(alphabet="abcXYZ123", min_size=8, max_size=30))
def test_an_excerpt_is_short_and_never_has_what_was_sent(body: bytes, hidden: str) -> None:
    shown = excerpt(hidden.encode() + body + hidden.encode(), [hidden])
    assert len(shown) <= EXCERPT_SHOWN
    assert hidden not in shown


def test_a_receiver_that_echoes_the_signature_or_the_secret_gets_neither_into_the_log() -> None:
    receiving = Receiving(answered(401))

    def echo(request: HttpRequest) -> Answer:
        receiving.seen.append(request)
        return answered(
            401,
            f"got {dict(request.headers)['webhook-signature']} wanted {SECRET.reveal()}".encode(),
        )

    delivery = drive(order_for(WEBHOOK, [SECRET]), echo, lambda: NOW)
    (attempt,) = delivery.attempts
    assert attempt.excerpt == "got *** wanted ***"
