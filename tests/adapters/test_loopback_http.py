"""The loopback server against senders that are slow, endless, many, or do not speak HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest

from reconciler.adapters.receiving import loopback as loopback_http
from reconciler.adapters.receiving.loopback import LoopbackAnswer, LoopbackRequest, LoopbackServer
from tests.kit.programs.waiting import until

LIMIT = 1000
POST = b"POST /x HTTP/1.1\r\nhost: localhost\r\n"
ACCEPTED = LoopbackAnswer(204)


class Place:
    """A server that gives one answer to everything, what it was asked, and what it refused by
    itself."""

    def __init__(self, answer: LoopbackAnswer = ACCEPTED) -> None:
        self.answer = answer
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
        return self.answer

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
def serving(answer: LoopbackAnswer = ACCEPTED) -> Iterator[Place]:
    place = Place(answer)
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


def lines(count: int) -> bytes:
    """So many headers or trailers."""
    return b"".join(b"h%d: x\r\n" % number for number in range(count))


def unfinished(length: int) -> bytes:
    """The beginning of a request whose head is not complete after so many bytes."""
    return (POST + b"a: ").ljust(length, b"x")


# (name, what is sent, the body that arrives)
RIGHT = [
    ("by its length", POST + b"content-length: 3\r\n\r\nabc", b"abc"),
    ("nothing", POST + b"\r\n", b""),
    ("no bytes", POST + b"content-length: 0\r\n\r\n", b""),
    ("in chunks", POST + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"ab", b"c") + b"0\r\n\r\n", b"abc"),
    ("in chunks with extensions and a trailer",
     POST + b"Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nab\r\n0\r\nx-sum: 1\r\n\r\n", b"ab"),
    ("HTTP/1.0", b"POST /x HTTP/1.0\r\ncontent-length: 1\r\n\r\na", b"a"),
    ("as long as it may be", POST + b"content-length: 1000\r\n\r\n" + b"x" * 1000, b"x" * 1000),
    ("as long as it may be, in chunks",
     POST + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"x" * 100) * 10 + b"0\r\n\r\n", b"x" * 1000),
    ("as many headers as there may be", POST + lines(99) + b"\r\n", b""),
    ("as many trailers as there may be",
     POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + lines(50) + b"\r\n", b""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "body"), [row[1:] for row in RIGHT], ids=[row[0] for row in RIGHT]
)
def test_a_body_arrives_as_it_was_sent(place: Place, sent: bytes, body: bytes) -> None:
    assert status(place.say(sent)) == 204
    assert [(one.method, one.path, one.body) for one in place.asked] == [("POST", "/x", body)]


METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "GET")


@pytest.mark.parametrize("method", METHODS)
def test_every_usual_method_is_asked_about(place: Place, method: str) -> None:
    assert status(place.say(b"%s /x HTTP/1.1\r\nhost: localhost\r\n\r\n" % method.encode())) == 204
    assert [(one.method, one.path) for one in place.asked] == [(method, "/x")]


def test_headers_arrive_in_lower_case_and_those_of_one_name_together(place: Place) -> None:
    sent = POST + "X-One: a\r\nx-two: ä\r\nx-ONE: b\r\n\r\n".encode("latin-1")
    assert status(place.say(sent)) == 204
    assert place.asked[0].headers == {"host": "localhost", "x-one": "a, b", "x-two": "ä"}


# (what is answered; the lines of its head, but for the one that says that the connection is closed)
ANSWERS = [
    (LoopbackAnswer(204), ["204 No Content"]),
    (LoopbackAnswer(401), ["401 Unauthorized", "content-length: 0"]),
    (
        LoopbackAnswer(405, allow="POST"),
        ["405 Method Not Allowed", "allow: POST", "content-length: 0"],
    ),
    (
        LoopbackAnswer(200, "ä\n"),
        ["200 OK", "content-type: text/plain; charset=utf-8", "content-length: 3"],
    ),
    (LoopbackAnswer(299), ["299 ", "content-length: 0"]),
]


@pytest.mark.parametrize(("answer", "said"), ANSWERS, ids=[str(one.status) for one, _ in ANSWERS])
def test_an_answer_is_framed_as_its_status_wants(answer: LoopbackAnswer, said: list[str]) -> None:
    with serving(answer) as place:
        head, _, body = place.say(POST + b"\r\n").decode().partition("\r\n\r\n")
    first, *rest = said
    assert head.split("\r\n") == [f"HTTP/1.1 {first}", "connection: close", *rest]
    assert body == answer.text


_MALFORMED = "the request line or a header is malformed, or there is no host header"
_SHORT = "the body is shorter than it says, or not in chunks as it says"
_UNHEARD = "the method is not one of HTTP's usual ones"
_LONG = "the body is larger than 0 KiB"
_HEADERS = "the headers are too long, or too many"

# (name, what is sent, the status that is answered, and why)
WRONG = [
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n", 400, _MALFORMED),
    ("escape sequences", b"\x1b[31mPOST\x1b[0m\r\n\r\n", 400, _MALFORMED),
    ("no version", b"GET /x\r\n\r\n", 400, _MALFORMED),
    ("a version of the future", b"POST /x HTTP/9.9\r\n\r\n", 505, "the version of HTTP is not one of 1.x"),
    ("no host", b"POST /x HTTP/1.1\r\n\r\n", 400, _MALFORMED),
    ("an unheard method", b"BREW /x HTTP/1.1\r\nhost: localhost\r\n\r\n", 501, _UNHEARD),
    ("an endless request line", b"POST /" + b"x" * 70_000, 414, "the request line is too long"),
    ("an endless header", POST + b"a: " + b"x" * 70_000, 431, _HEADERS),
    ("the longest head, cut short", unfinished(65536), 400, _MALFORMED),
    ("one byte more than a head may have", unfinished(65537), 431, _HEADERS),
    ("many headers", POST + lines(200) + b"\r\n", 431, _HEADERS),
    ("one header too many", POST + lines(100) + b"\r\n", 431, _HEADERS),
    ("too long", POST + b"content-length: 1001\r\n\r\n" + b"x" * 1001, 413, _LONG),
    ("much too long", POST + b"content-length: " + b"9" * 20 + b"\r\n\r\n", 413, _LONG),
    ("more digits than a length has", POST + b"content-length: " + b"9" * 5000 + b"\r\n\r\n", 400, _MALFORMED),
    ("shorter than it says", POST + b"content-length: 5\r\n\r\nabc", 400, _SHORT),
    ("a negative length", POST + b"content-length: -1\r\n\r\n", 400, _MALFORMED),
    ("two lengths", POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", 400, _MALFORMED),
    ("a length of other digits", POST + "content-length: ١\r\n\r\n".encode(), 400, _MALFORMED),
    ("both framings", POST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "there are both content-length and transfer-encoding"),
    ("another coding", POST + b"transfer-encoding: gzip, chunked\r\n\r\n", 501, "the transfer encoding is not chunked"),
    ("endless chunks", POST + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"x" * 100) * 11, 413, _LONG),
    ("a huge chunk", POST + b"transfer-encoding: chunked\r\n\r\nffffffff\r\n" + b"x" * 1001, 413, _LONG),
    ("a negative chunk", POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n", 400, _SHORT),
    ("a chunk that lies", POST + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400, _SHORT),
    ("no end of the chunks", POST + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n", 400, _SHORT),
    ("endless trailers", POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 100, 400, _SHORT),
    ("one trailer too many", POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + lines(51) + b"\r\n", 400,
     "the body has too many trailers"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "answered", "why"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_what_is_no_request_is_refused_in_a_word(
    place: Place, sent: bytes, answered: int, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = place.say(sent)
    assert status(answer) == answered
    assert answer.partition(b"\r\n\r\n")[2].decode() == f"{why}\n"
    assert place.asked == []
    assert place.refused == [(answered, why)]
    assert why.isascii()
    assert why.isprintable()
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


def test_a_sender_whose_time_is_over_to_the_instant_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loopback_http, "READ_SECONDS", 0.0)
    monkeypatch.setattr(loopback_http, "time", SimpleNamespace(monotonic=lambda: 1.0))
    with serving() as place:
        assert status(place.say(b"POST", end=False)) == 408


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
        assert place.say(POST + b"\r\n") == (
            b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        assert place.asked == []
        assert place.refused == [(503, "more than 3 connections at once")]
        place.server.stop()  # while they are still there


def test_a_connection_that_ended_makes_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback_http, "MOST_CONNECTIONS", 1)
    with serving() as place:
        for _ in range(3):
            until(lambda: status(place.say(POST + b"\r\n")) == 204)
        assert len(place.asked) == 3


def test_stop_waits_for_what_is_being_answered() -> None:
    asked, go_on, stopped = threading.Event(), threading.Event(), threading.Event()

    def answer(request: LoopbackRequest) -> LoopbackAnswer:
        asked.set()
        go_on.wait(20)
        assert not stopped.is_set()
        return LoopbackAnswer(204)

    server = LoopbackServer(answer, body_limit=LIMIT)
    server.start()

    def stop() -> None:
        server.stop()
        stopped.set()

    stopping = threading.Thread(target=stop)
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(POST + b"\r\n")
        assert asked.wait(20)
        stopping.start()
        assert not stopped.wait(0.3)
        go_on.set()
        assert status(heard(connection)) == 204
    assert stopped.wait(20)
    stopping.join()


def test_it_listens_on_loopback_alone(place: Place) -> None:
    assert place.server.url == f"http://127.0.0.1:{place.port}"
    with socket.socket(socket.AF_INET) as other:
        other.settimeout(5)
        assert other.connect_ex(("127.0.0.2", place.port)) != 0
