"""The loopback server against senders that are slow, endless, many, or do not speak HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from reconciler.adapters.receiving import loopback as loopback_http
from reconciler.adapters.receiving.loopback import LoopbackAnswer, LoopbackRequest, LoopbackServer

LIMIT = 1000
POST = b"POST /x HTTP/1.1\r\nhost: localhost\r\n"


class Place:
    """A server that accepts everything, what it was asked, and what it refused by itself."""

    def __init__(self) -> None:
        self.asked: list[LoopbackRequest] = []
        self.refused: list[tuple[int, str]] = []
        self.server = LoopbackServer(
            self._answer,
            body_limit=LIMIT,
            refused=lambda status, why: self.refused.append((status, why)),
        )
        self.port = int(self.server.url.rpartition(":")[2])

    def _answer(self, request: LoopbackRequest) -> LoopbackAnswer:
        self.asked.append(request)
        return LoopbackAnswer(204)

    def say(self, *parts: bytes, end: bool = True) -> bytes:
        """Everything that is answered to what a raw sender says.

        ``end``: it says that it is done.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it had heard enough
            return heard(connection)


def heard(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while part := connection.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split(b" ", 2)[1])


@contextmanager
def serving() -> Iterator[Place]:
    place = Place()
    place.server.start()
    try:
        yield place
    finally:
        place.server.stop()


@pytest.fixture
def place() -> Iterator[Place]:
    with serving() as found:
        yield found


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


# (name, what is sent, the body that arrives)
RIGHT = [
    ("by its length", POST + b"content-length: 3\r\n\r\nabc", b"abc"),
    ("nothing", POST + b"\r\n", b""),
    ("no bytes", POST + b"content-length: 0\r\n\r\n", b""),
    ("in chunks", POST + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"ab", b"c") + b"0\r\n\r\n", b"abc"),
    ("in chunks with extensions and a trailer",
     POST + b"Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nab\r\n0\r\nx-sum: 1\r\n\r\n", b"ab"),
    ("HTTP/1.0", b"POST /x HTTP/1.0\r\ncontent-length: 1\r\n\r\na", b"a"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "body"), [row[1:] for row in RIGHT], ids=[row[0] for row in RIGHT]
)
def test_a_body_arrives_as_it_was_sent(place: Place, sent: bytes, body: bytes) -> None:
    assert status(place.say(sent)) == 204
    assert [(one.method, one.path, one.body) for one in place.asked] == [("POST", "/x", body)]


# (name, what is sent, the status that is answered)
WRONG = [
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n", 400),
    ("escape sequences", b"\x1b[31mPOST\x1b[0m\r\n\r\n", 400),
    ("no version", b"GET /x\r\n\r\n", 400),
    ("a version of the future", b"POST /x HTTP/9.9\r\n\r\n", 505),
    ("no host", b"POST /x HTTP/1.1\r\n\r\n", 400),
    ("an unheard method", b"BREW /x HTTP/1.1\r\nhost: localhost\r\n\r\n", 501),
    ("an endless request line", b"POST /" + b"x" * 70_000, 414),
    ("an endless header", POST + b"a: " + b"x" * 70_000, 431),
    ("many headers", POST + b"".join(b"h%d: x\r\n" % number for number in range(200)) + b"\r\n", 431),
    ("too long", POST + b"content-length: 1001\r\n\r\n" + b"x" * 1001, 413),
    ("much too long", POST + b"content-length: " + b"9" * 20 + b"\r\n\r\n", 413),
    ("more digits than a length has", POST + b"content-length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    ("shorter than it says", POST + b"content-length: 5\r\n\r\nabc", 400),
    ("a negative length", POST + b"content-length: -1\r\n\r\n", 400),
    ("two lengths", POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
    ("a length of other digits", POST + "content-length: ١\r\n\r\n".encode(), 400),
    ("both framings", POST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("another coding", POST + b"transfer-encoding: gzip, chunked\r\n\r\n", 501),
    ("endless chunks", POST + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"x" * 100) * 11, 413),
    ("a huge chunk", POST + b"transfer-encoding: chunked\r\n\r\nffffffff\r\n" + b"x" * 1001, 413),
    ("a negative chunk", POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n", 400),
    ("a chunk that lies", POST + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    ("no end of the chunks", POST + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n", 400),
    ("endless trailers", POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 100, 400),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "answered"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_what_is_no_request_is_refused_in_a_word(
    place: Place, sent: bytes, answered: int, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = place.say(sent)
    assert status(answer) == answered
    assert b"<html" not in answer.lower()
    assert place.asked == []
    assert [code for code, _ in place.refused] == [answered]
    assert all(why.isascii() and why.isprintable() for _, why in place.refused)
    assert status(place.say(POST + b"\r\n")) == 204
    assert capfd.readouterr() == ("", "")


def test_what_asks_for_headers_alone_is_refused_without_a_body(place: Place) -> None:
    answer = place.say(b"HEAD /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1001\r\n\r\n")
    assert status(answer) == 413
    assert answer.endswith(b"\r\n\r\n")


def test_a_sender_that_waits_is_told_to_go_on(place: Place) -> None:
    """curl asks so before a body of more than a kilobyte."""
    waiting = POST + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        connection.sendall(waiting)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ab")
        assert status(heard(connection)) == 204
    assert [one.body for one in place.asked] == [b"ab"]


@pytest.mark.parametrize(
    "beginning", [b"", b"POST /x", POST, POST + b"content-length: 5\r\n\r\nab"]
)
def test_a_slow_sender_is_given_up(
    beginning: bytes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loopback_http, "READ_SECONDS", 0.2)
    with serving() as place:
        assert status(place.say(beginning, end=False)) == 408
        assert place.asked == []
    assert capfd.readouterr() == ("", "")


def test_a_sender_that_drips_has_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait is short, all of them together are not."""
    monkeypatch.setattr(loopback_http, "READ_SECONDS", 0.3)
    with (
        serving() as place,
        socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection,
    ):
        ended = threading.Event()

        def drip() -> None:
            connection.sendall(POST)
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"a: b\r\n")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        answer = heard(connection)
        ended.set()
        dripping.join()
        assert place.asked == []
        assert answer == b"" or status(answer) in (408, 431)


def test_a_sender_that_hangs_up_leaves_no_trace(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    for part in (b"", b"POST", POST, POST + b"content-length: 9\r\n\r\nab"):
        with socket.create_connection(("127.0.0.1", place.port)) as connection:
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
            connection.sendall(part)
    assert status(place.say(POST + b"\r\n")) == 204
    assert capfd.readouterr() == ("", "")


def test_connections_are_bounded_and_stop_waits_for_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loopback_http, "MOST_CONNECTIONS", 3)
    with ExitStack() as stack, serving() as place:
        for _ in range(3):
            silent = stack.enter_context(
                socket.create_connection(("127.0.0.1", place.port), timeout=20)
            )
            silent.sendall(b"POST")
        assert status(place.say(POST + b"\r\n")) == 503
        assert place.asked == []
        place.server.stop()  # while they are still there


def test_it_listens_on_loopback_alone(place: Place) -> None:
    assert place.server.url == f"http://127.0.0.1:{place.port}"
    with socket.socket(socket.AF_INET) as other:
        other.settimeout(5)
        assert other.connect_ex(("127.0.0.2", place.port)) != 0
