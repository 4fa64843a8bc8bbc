"""An answer of Vault as it arrives in pieces: whole, or nothing of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.adapters.vault.http.exchanged import Lost, Reply
from reconciler.adapters.vault.http.incoming import HEAD_CAP, Incoming

CAP = 1000
OK = b"HTTP/1.1 200 OK\r\n"


def take(*parts: bytes, cap: int = CAP, headless: bool = False) -> Reply | Lost:
    """What comes of ``parts``, after which the stream ends."""
    incoming = Incoming(cap, headless=headless)
    for part in (*(part for part in parts if part), b""):
        failure = incoming.feed(part)
        if failure is not None:
            return failure
        if incoming.complete:
            break
    return incoming.take_reply()


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (
            b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX-Trailer: 1\r\n\r\n",
            b"{}",
        ),
        (b"\r\nuntil the end", b"until the end"),
    ],
    ids=["a length", "no body", "chunks", "until the connection ends"],
)
def test_an_answer_is_the_same_however_it_is_cut_into_pieces(text: bytes, body: bytes) -> None:
    whole = OK + b"Date: now\r\nX-Vault-Index: a\r\n" + text
    for at in range(len(whole)):
        reply = take(whole[:at], whole[at:])
        assert isinstance(reply, Reply)
        assert (reply.status, reply.body) == (200, body)
        assert reply.headers["date"] == "now"
        assert "x-trailer" not in reply.headers


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ((b"",), "the connection was cut"),
        ((b"HTTP/1.1 200",), "the connection was cut"),
        ((OK + b"Content-Length: 3\r\n\r\n{}",), "the answer was cut"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",), "the answer was cut"),
        ((b"SSH-2.0-OpenSSH\r\n",), "another program than Vault"),
        ((b"H", b"ELLO\r\n"), "not HTTP|malformed"),
        ((OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",), "malformed"),
        ((OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",), "malformed"),
        ((OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",), "malformed"),
        ((b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",), "malformed"),
        ((OK, *[b"X-Long: " + b"x" * 1000 + b"\r\n"] * 66), "headers are larger"),
        ((*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 3000,), "headers are larger"),
        ((OK + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001,), "larger than 1000 bytes"),
        ((OK + b"\r\n" + b"x" * 1001,), "larger than 1000 bytes"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1001,), "larger than 1000 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_named(parts: tuple[bytes, ...], why: str) -> None:
    lost = take(*parts)
    assert isinstance(lost, Lost)
    with pytest.raises(Lost, match=why):
        raise lost


def test_interim_answers_are_none() -> None:
    reply = take(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 C\r\n\r\n" + OK + b"\r\n{}")
    assert reply == Reply(200, {}, b"{}")


def test_the_answer_to_head_has_no_body_whatever_it_says() -> None:
    head = OK + b"Content-Length: 99\r\n\r\n"
    assert take(head, headless=True) == Reply(200, {"content-length": "99"}, b"")
    assert isinstance(take(head), Lost)


def test_a_header_that_is_there_twice_is_one() -> None:
    reply = take(OK + b"X-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(reply, Reply)
    assert reply.headers["x-a"] == "1, 2"


@given(
    st.sampled_from([b"", OK, OK + b"Content-Length: 2\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\n"]),
    st.binary(max_size=200),
    st.lists(st.integers(0, 200), max_size=4),
)
@example(OK, b"X-A: \xff\r\nContent-Length: 0\r\n\r\n", [])
def test_any_bytes_are_an_answer_or_none(begin: bytes, rest: bytes, cuts: list[int]) -> None:
    """Never an exception, never more than the cap, and never an answer of pieces that the whole
    is not."""
    text = begin + rest
    at = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = take(*(text[first:last] for first, last in pairwise(at)))
    whole = take(text)
    assert isinstance(pieces, Reply) == isinstance(whole, Reply)
    if isinstance(pieces, Reply):
        assert pieces == whole
        assert len(pieces.body) <= CAP
        assert len(str(pieces.headers)) <= 2 * HEAD_CAP
