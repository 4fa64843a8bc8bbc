"""Requests to real receivers on loopback: what arrives, what comes back, and what is never sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.webhooks.wire.http import HttpFailure, HttpResponse
from tests.kit.suite.tally import Tally
from tests.kit.webhooks.receivers import Behaviour, Handler, answers, receiving
from tests.kit.webhooks.sending import LOOPBACK, post, said, send


def test_a_request_arrives_as_it_was_made() -> None:
    headers = (("content-type", "application/json"), ("X-Signature", "t=1,v1=abc"), ("x-empty", ""))
    with receiving(answers(200, b"fine", **{"X-Request-Id": "7"})) as receiver:
        url = f"{receiver.url}/payouts?tenant=7&x=%20"
        answer = WebhookSender(LOOPBACK).send(post(url, headers=headers, body=b"\x00\xff body"))
    (seen,) = receiver.seen
    assert (seen.method, seen.path, seen.body) == (
        "POST",
        "/payouts?tenant=7&x=%20",
        b"\x00\xff body",
    )
    assert seen.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": "7",
        "content-type": "application/json",
        "x-signature": "t=1,v1=abc",
        "x-empty": "",
    }
    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.body) == (200, b"fine")
    assert answer.headers["x-request-id"] == "7"


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 206, 299, 400, 401, 403, 404, 410, 429, 500, 503, 599]
)
def test_every_status_is_an_answer(status: int) -> None:
    with receiving(answers(status)) as receiver:
        assert said(send(receiver.url)) == str(status)
    assert len(receiver.seen) == 1, "nothing is tried twice here"


@pytest.mark.parametrize(("size", "cap", "sentence"), [
    (65_536, 65_536, "200"),
    (65_537, 65_536, "RC512: the answer's body is larger than 65536 bytes"),
    (10, 10, "200"),
    (11, 10, "RC512: the answer's body is larger than 10 bytes"),
    (0, 0, "200"),
    (1, 0, "RC512: the answer's body is larger than 0 bytes"),
])  # fmt: skip
def test_a_body_is_read_up_to_the_cap(size: int, cap: int, sentence: str) -> None:
    with receiving(answers(200, b"x" * size)) as receiver:
        answer = WebhookSender(LOOPBACK).send(post(receiver.url, cap=cap))
    assert (said(answer), answer.status) == (sentence, 200)


def _until_the_end(handler: Handler) -> None:
    handler.send_response_only(200)
    handler.end_headers()
    handler.wfile.write(b"to the end")


def _in_chunks(handler: Handler) -> None:
    handler.send_response_only(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3\r\nto \r\n7;x=y\r\nthe end\r\n0\r\nx-trailer: 1\r\n\r\n")


def _after_a_hint(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
    handler.reply(200, b"to the end")


@pytest.mark.parametrize("behaviour", [_until_the_end, _in_chunks, _after_a_hint])
def test_bodies_of_every_framing(behaviour: Behaviour) -> None:
    with receiving(behaviour) as receiver:
        answer = send(receiver.url)
    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.body) == (200, b"to the end")


def test_hundreds_of_requests_at_once() -> None:
    sender = WebhookSender(LOOPBACK)
    with receiving(answers(200)) as receiver, ThreadPoolExecutor(64) as pool:
        urls = [f"{receiver.url}/{number}" for number in range(300)]
        assert list(pool.map(lambda url: said(send(url, sender)), urls)) == ["200"] * 300
    assert sorted(seen.path for seen in receiver.seen) == sorted(
        url.removeprefix(receiver.url) for url in urls
    )


def test_no_cookie_is_kept() -> None:
    sender = WebhookSender(LOOPBACK)
    with receiving(
        lambda handler: handler.reply(200, headers={"set-cookie": "session=1"})
    ) as receiver:
        send(receiver.url, sender)
        send(receiver.url, sender)
    assert ["cookie" in seen.headers for seen in receiver.seen] == [False, False]


INJECTIONS = {
    "a line end in a value": ("x-signature", "v1=\r\nX-Injected: 1"),
    "a line feed": ("x-signature", "v1=\nX-Injected: 1"),
    "a carriage return": ("x-signature", "v1=\rX-Injected: 1"),
    "a NUL": ("x-signature", "v1=\0"),
    "a tab": ("x-signature", "v1=\t"),
    "a DEL": ("x-signature", "v1=\x7f"),
    "a line end of Unicode": ("x-signature", "v1=\u2028X-Injected: 1"),
    "a line feed in disguise": ("x-signature", "v1=\u010a"),
    "a letter that is not ASCII": ("x-signature", "é"),
    "a final line end": ("x-signature", "v1=\n"),
    "a line end in a name": ("x-signature\r\nX-Injected", "1"),
    "a colon in a name": ("x-signature: 1\r\nX-Injected", "1"),
    "a space in a name": ("x signature", "1"),
    "no name": ("", "1"),
    "a name with a final line end": ("x-signature\n", "1"),
    "another host": ("Host", "evil.example"),
    "a second length": ("Content-Length", "0"),
    "another framing": ("transfer-encoding", "chunked"),
    "another connection": ("connection", "keep-alive"),
    "another encoding": ("Accept-Encoding", "gzip"),
}


@pytest.mark.parametrize("name", INJECTIONS)
def test_what_would_inject_a_header_is_not_sent(name: str, tally: Tally) -> None:
    with receiving(answers(200)) as receiver:
        answer = WebhookSender(LOOPBACK).send(post(receiver.url, headers=(INJECTIONS[name],)))
        assert isinstance(answer, HttpFailure)
        assert answer.code == "RC519"
        assert answer.detail.isprintable()
        assert receiver.seen == []
    tally("header injections refused by the sender", 1)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=40))
def test_no_text_makes_the_sender_raise(name: str, value: str, host: str) -> None:
    """Nothing is resolved: the answer of the network is always that there is nothing."""
    sender = WebhookSender(LOOPBACK, resolve=lambda _host, _port: [])
    answer = sender.send(post(f"http://{host}/", headers=((name, value),)))
    assert isinstance(answer, HttpFailure)
    assert answer.detail.isascii()
