"""Receivers that mean harm, or are broken: each is stopped, with its own code and its own
sentence."""

from __future__ import annotations

import gzip
import socket

import pytest

from reconciler.adapters.delivery.resolve import Answers
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.webhooks.wire.http import HttpFailure, HttpResponse
from tests.kit.suite.tally import Tally
from tests.kit.webhooks import receivers
from tests.kit.webhooks.receivers import Behaviour, answers, listening, receiving
from tests.kit.webhooks.sending import AMPLE, BRIEF, LOOPBACK, bounded, post, said

BODY = "RC512: the answer's body is larger than 65536 bytes"
HEADERS = "RC512: 65536 bytes of headers, or of 1xx answers, came and no end of them"
WAITING = "RC510: the deadline passed while waiting for the answer"
READING = "RC510: the deadline passed while reading the answer's body"
BROKE_OFF = "RC511: the receiver broke off, or does not speak HTTP/1.1"

# What it does -> the deadline that it is given (short where only that ends it), the status that
# came, what is said.
BAD: dict[str, tuple[Behaviour, float, int | None, str]] = {
    "never answers": (receivers.never_answers, BRIEF, None, WAITING),
    "slow headers": (receivers.drips_headers, BRIEF, None, WAITING),
    "slow body": (receivers.drips_body, BRIEF, 200, READING),
    "slow endless 1xx": (receivers.endless_informational, BRIEF, None, WAITING),
    "fast endless 1xx": (receivers.floods_informational, AMPLE, None, HEADERS),
    "endless headers": (receivers.endless_headers, AMPLE, None, HEADERS),
    "endless headers in two parts": (receivers.headers_in_two_parts, AMPLE, None, HEADERS),
    "one endless header": (receivers.one_huge_header, AMPLE, None, HEADERS),
    "endless body": (receivers.endless_body, AMPLE, 200, BODY),
    "1 GB body": (receivers.gigabyte, AMPLE, 200, BODY),
    "endless chunks of one byte": (receivers.tiny_chunks, AMPLE, 200, BODY),
    "gzip bomb": (receivers.zipped(100_000_000), AMPLE, 200, BODY),
    "hangs up": (
        receivers.cuts_connection,
        AMPLE,
        None,
        "RC511: the receiver closed the connection without an answer",
    ),
    "hangs up in its body": (receivers.cuts_body, AMPLE, 200, BROKE_OFF),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_receiver_is_stopped(name: str, tally: Tally) -> None:
    behaviour, deadline, status, sentence = BAD[name]
    with receiving(behaviour) as receiver:
        answer = bounded(post(receiver.url, deadline=deadline))
        assert len(receiver.seen) == 1, "nothing is tried twice here"
    assert isinstance(answer, HttpFailure)
    assert (said(answer), answer.status) == (sentence, status)
    assert (answer.latency.first_byte is None) is (name in {"never answers", "hangs up"})
    tally("hostile receivers stopped", 1)


# What a bare port says -> whether it then resets the connection, and what is said.
TALK: dict[str, tuple[bytes, bool, str]] = {
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", False, BROKE_OFF),
    "no status": (b"HTTP/1.1 abc\r\n\r\n", False, BROKE_OFF),
    "zeros": (b"\x00" * 10, False, BROKE_OFF),
    "HTTP/2": (b"HTTP/2 200\r\n\r\n", False, BROKE_OFF),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        False,
        BROKE_OFF,
    ),
    "a length that is none": (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", False, BROKE_OFF),
    "a chunk that is none": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        False,
        BROKE_OFF,
    ),
    "a header without a name": (b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", False, BROKE_OFF),
    "a reset": (b"", True, "RC511: the receiver reset the connection"),
    "a reset within the headers": (
        b"HTTP/1.1 200",
        True,
        "RC511: the receiver reset the connection",
    ),
}


@pytest.mark.parametrize("name", TALK)
def test_what_is_not_http_is_said_to_be_so(name: str, tally: Tally) -> None:
    talk, reset, sentence = TALK[name]
    with listening(talk, cut=True, reset=reset) as port:
        assert said(bounded(post(f"http://127.0.0.1:{port}/"))) == sentence
    tally("hostile receivers stopped", 1)


# Bare ports that accept and keep silent -> the URL's scheme, the bytes to send, the step in which
# the deadline passes.
SILENT: dict[str, tuple[str, int, str]] = {
    "a half-open connection": ("http", 10, "waiting for the answer"),
    "never reads": ("http", 50_000_000, "sending the request"),
    "a TLS handshake that stalls": ("https", 10, "negotiating TLS"),
}


@pytest.mark.parametrize("name", SILENT)
def test_silence_ends_with_the_deadline(name: str, tally: Tally) -> None:
    scheme, size, step = SILENT[name]
    with listening() as port:
        answer = bounded(post(f"{scheme}://127.0.0.1:{port}/", deadline=BRIEF, body=b"x" * size))
    assert said(answer) == f"RC510: the deadline passed while {step}"
    tally("hostile receivers stopped", 1)


def test_a_resolver_that_hangs_ends_with_the_deadline(tally: Tally) -> None:
    with listening() as port:
        silent = socket.create_connection(("127.0.0.1", port))

        def hang(host: str, port: int) -> Answers:
            silent.recv(1)  # until the listener goes away
            raise OSError

        sender = WebhookSender(LOOPBACK, resolve=hang)
        answer = bounded(post("https://hooks.example.com/", deadline=BRIEF), sender)
    silent.close()
    assert said(answer) == "RC510: the deadline passed while resolving the name"
    assert answer.latency.resolve is None
    tally("hostile receivers stopped", 1)


def test_a_connection_that_is_not_answered_ends_with_the_deadline(tally: Tally) -> None:
    """A port whose queue is full drops what comes: nobody says no, nobody says yes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        answer = bounded(post(f"http://127.0.0.1:{port}/", deadline=BRIEF))
        for one in waiting:
            one.close()
    assert said(answer) == "RC510: the deadline passed while connecting"
    tally("hostile receivers stopped", 1)


@pytest.mark.parametrize("deadline", [0, -1, 1e-9])
def test_no_time_at_all_is_a_failure_too(deadline: float) -> None:
    assert said(bounded(post("https://hooks.example.com/", deadline=deadline)))[:6] == "RC510:"


def test_a_refusal_counts_even_if_its_body_never_ends() -> None:
    """The status has decided."""
    endless: list[Behaviour] = [
        lambda handler: receivers.drips_body(handler, 410),
        lambda handler: handler.reply(500, b"x" * 200_000),
    ]
    for behaviour, status in zip(endless, (410, 500), strict=True):
        with receiving(behaviour) as receiver:
            answer = bounded(post(receiver.url, deadline=BRIEF))
        assert isinstance(answer, HttpResponse)
        assert answer.status == status


def test_a_compressed_answer_is_not_decoded(tally: Tally) -> None:
    """Fifty megabytes in less than the cap: they stay compressed."""
    with receiving(receivers.zipped(50_000_000)) as receiver:
        answer = bounded(post(receiver.url))
        assert receiver.seen[0].headers["accept-encoding"] == "identity"
    assert isinstance(answer, HttpResponse)
    assert len(answer.body) < 65536
    assert answer.body == gzip.compress(bytes(50_000_000))[:4] + answer.body[4:]
    assert answer.headers["content-encoding"] == "gzip"
    tally("hostile receivers stopped", 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int, tally: Tally) -> None:
    with receiving(answers(200)) as trap:
        for location in (
            trap.url,
            "http://169.254.169.254/latest",
            "//evil.example/",
            "/elsewhere",
        ):
            with receiving(answers(status, location=location)) as receiver:
                answer = bounded(post(receiver.url))
            assert isinstance(answer, HttpResponse)
            assert (answer.status, len(receiver.seen)) == (status, 1)
        assert trap.seen == []
    tally("redirects not followed", 4)


def test_a_closed_port() -> None:
    with listening() as port:
        pass
    answer = bounded(post(f"http://127.0.0.1:{port}/"))
    assert said(answer) == f"RC505: 127.0.0.1:{port} refuses the connection"
    assert (answer.status, answer.latency.connect) == (None, None)
