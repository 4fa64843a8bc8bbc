"""One attempt as a generator, and how an answer is judged."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.desired import DesiredWebhook, Lifecycle
from reconciler.domain.proof import Latency
from reconciler.domain.schemes import GITHUB
from reconciler.domain.secret import Secret
from reconciler.webhooks.attempt import Verdict, attempt, judge
from reconciler.webhooks.codes import CODES
from reconciler.webhooks.http import HttpFailure, HttpRequest, HttpResponse
from reconciler.webhooks.payload import LIMIT, sample_payload

NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(days=1))
WEBHOOK = DesiredWebhook("settlements", "https://hooks.example.com/payouts", ("payout.settled", "payout.failed"), LIFE)
SECRET = Secret("whsec_" + base64.b64encode(b"s" * 32).decode())
ID = "msg_0123456789abcdefghijABCD"


def _request(webhook: DesiredWebhook = WEBHOOK) -> HttpRequest:
    return next(attempt("paystack-payouts", webhook, [SECRET], ID, NOW))


def _refused(webhook: DesiredWebhook, secrets: list[Secret]) -> Verdict:
    with pytest.raises(StopIteration) as end:
        next(attempt("paystack-payouts", webhook, secrets, ID, NOW))
    verdict = end.value.value
    assert isinstance(verdict, Verdict)
    return verdict


def test_the_request() -> None:
    request = _request(replace(WEBHOOK, timeout=timedelta(seconds=7)))
    assert (request.method, request.url, request.deadline) == ("POST", WEBHOOK.url, 7.0)
    assert dict(request.headers)["webhook-id"] == ID
    assert dict(request.headers)["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert json.loads(request.body) == {
        "type": "payout.settled",
        "timestamp": "2026-11-23T22:45:00Z",
        "test": True,
        "data": {
            "test": True,
            "id": "test_f3153ab69694",
            "object": "payout",
            "status": "settled",
            "client": "paystack-payouts",
            "webhook": "settlements",
            "message": "A test delivery. Nothing happened. Answer with a 2xx status.",
        },
    }


def test_without_events_the_type_is_a_fixed_one() -> None:
    assert json.loads(sample_payload("c", replace(WEBHOOK, events=()), NOW))["type"] == "integration.test"


@given(event=st.text(max_size=40), url_tail=st.text(max_size=40))
def test_nothing_declared_gets_into_a_header(event: str, url_tail: str) -> None:
    webhook = replace(WEBHOOK, events=(event,), name=event, url=f"https://hooks.example.com/{url_tail}")
    request, refusal = None, ""
    try:
        request = _request(webhook)
    except StopIteration as end:
        refusal = end.value.message
    if request is None:
        assert refusal.startswith("RC501")
        return
    assert all((name + value).isascii() and (name + value).isprintable() for name, value in request.headers)
    # What is left in the headers once the fixed part is taken away depends on body and time alone.
    assert [name for name, _ in request.headers] == [name for name, _ in _request().headers]
    json.loads(request.body)


def test_a_payload_stays_below_the_limit() -> None:
    huge = replace(WEBHOOK, events=("x" * 30_000,))
    body = sample_payload("client", huge, NOW)
    assert len(body) < LIMIT
    assert json.loads(body)["type"] == "integration.test"


@pytest.mark.parametrize("wrong", ["", "msg_", "msg_a\r\nx: 1", "msg_a.b", "evt_abc"])
def test_a_wrong_message_id_is_a_mistake_of_the_program(wrong: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        next(attempt("client", WEBHOOK, [SECRET], wrong, NOW))


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
def test_what_cannot_be_sent_is_not_sent(webhook: DesiredWebhook, secrets: list[Secret], code: str) -> None:
    verdict = _refused(webhook, secrets)
    assert (verdict.accepted, verdict.status) == (False, None)
    assert verdict.message.startswith(f"{code}: ")
    assert "plain text" not in verdict.message
    assert "hunter2" not in verdict.message


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_accepted(status: int) -> None:
    verdict = judge(HttpResponse(status, {}, b"", Latency(12)))
    assert verdict == Verdict(True, status, 12, f"the receiver accepted the delivery with {status}")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((status, "RC513") for status in (300, 301, 302, 304, 307, 308)),
        *((status, "RC515") for status in (401, 403)),
        *((status, "RC516") for status in (400, 404, 405, 413, 415, 429, 499)),
        *((status, "RC517") for status in (500, 502, 503, 504, 599)),
        *((status, "RC518") for status in (101, 600, 999)),
        (410, "RC514"),
    ],
)
def test_every_other_status_is_a_failure_that_says_what_to_check(status: int, code: str) -> None:
    verdict = judge(HttpResponse(status, {}, b"", Latency(12)))
    assert (verdict.accepted, verdict.status, verdict.latency_ms) == (False, status, 12)
    assert verdict.message.startswith(f"{code}: the receiver answered {status}")
    assert verdict.message.endswith(CODES[code][1])


def test_a_redirect_names_the_host_and_nothing_else_of_the_location() -> None:
    there = HttpResponse(301, {"location": "https://www.example.com:8443/in?token=hunter2"}, b"", Latency(1))
    assert "and points to www.example.com:8443;" in judge(there).message
    assert "hunter2" not in judge(there).message
    for location in ("/relative", "https://u:hunter2@x.example/", "javascript:1", "https://\x1b[31m/"):
        message = judge(HttpResponse(302, {"location": location}, b"", Latency(1))).message
        assert "points to" not in message
        assert "hunter2" not in message


def test_no_answer_keeps_its_code_and_step() -> None:
    verdict = judge(HttpFailure("RC510", "the deadline passed while connecting", Latency(10_000)))
    assert verdict.message.startswith("RC510: the deadline passed while connecting; ")
    assert (verdict.accepted, verdict.status, verdict.latency_ms) == (False, None, 10_000)


def test_only_one_attempt() -> None:
    steps = attempt("client", WEBHOOK, [SECRET], ID, NOW)
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(HttpResponse(503, {}, b"", Latency(1)))
