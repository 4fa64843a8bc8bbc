"""A small HTTP server for loopback that nothing harms which connects to it: bounded in connections,
bytes and time.

h11 reads requests, frames bodies and writes answers, and refuses what is not HTTP/1. How much and
how long is decided here. A connection carries one request.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import h11

from reconciler.dataclass import dataclass

# Over everything that a sender sends: it may be slow, but not for ever.
READ_SECONDS = 10.0
ANSWER_SECONDS = 5.0
LINGER_SECONDS = 1.0
LINGER_BYTES = 4 * 1024 * 1024
MOST_CONNECTIONS = 32
_LONGEST_HEAD = 65536
_MOST_HEADERS = 100
_MOST_TRAILERS = 50
_METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "GET")


@dataclass(frozen=True, slots=True)
class LoopbackRequest:
    """One request as it came in. Header names in lower case; of a header that is there twice the
    values are joined with a comma, as RFC 9110 has it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class LoopbackAnswer:
    """``text`` is a plain text body; a 204 has none."""

    status: int
    text: str = ""
    allow: str = ""


class LoopbackServer:
    """Serves ``answer`` on 127.0.0.1. It is called in threads of the server, one for each
    connection.

    ``refused`` is told, with the status and a sentence of ours, of what is no request that
    ``answer`` could be asked about. Raises ``OSError`` when the port cannot be bound; ``port`` 0
    takes a free one.
    """

    def __init__(
        self,
        answer: Callable[[LoopbackRequest], LoopbackAnswer],
        *,
        port: int = 0,
        body_limit: int,
        refused: Callable[[int, str], None] = lambda status, why: None,
    ) -> None:
        self._answer = answer
        self.refused = refused
        self.body_limit = body_limit
        self._answering = 0
        self._quiet = threading.Condition()
        self._thread: threading.Thread | None = None
        self._server = _Server(("127.0.0.1", port), self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=(0.05,), daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Free the port; what is being answered is answered first. May be called twice."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        with self._quiet:
            self._quiet.wait_for(lambda: not self._answering, ANSWER_SECONDS)

    def answer_request(
        self, request: LoopbackRequest, send: Callable[[LoopbackAnswer], None]
    ) -> None:
        """Ask for the answer and send it; ``stop`` waits for this, and for nothing else that a
        sender does."""
        with self._quiet:
            self._answering += 1
        try:
            send(self._answer(request))
        finally:
            with self._quiet:
                self._answering -= 1
                self._quiet.notify_all()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a sender that is silent does not keep us from ending
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: LoopbackServer) -> None:
        self.owner = owner
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            with suppress(OSError):
                request.settimeout(0.1)
                request.sendall(
                    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length:"
                    b" 0\r\n\r\n"
                )
            self.owner.refused(503, f"more than {MOST_CONNECTIONS} connections at once")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up, or talks nonsense, is no error of ours; the base class prints a
        traceback."""


class _Refused(Exception):
    """The text is a sentence of ours, ``status`` what to answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseRequestHandler):
    """One connection: one request is read, and answered or refused."""

    request: socket.socket
    server: _Server

    def handle(self) -> None:
        self._peer = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD)
        self._end = time.monotonic() + READ_SECONDS
        self._asked: h11.Request | None = None
        try:
            request = self._receive()
            if request is not None:
                self.server.owner.answer_request(request, self._send)
        except _Refused as error:
            self._refuse(error.status, str(error))
        except h11.RemoteProtocolError as error:
            self._refuse(*self._fault(error.error_status_hint))
        except TimeoutError:
            self._refuse(408, f"the request was not complete after {READ_SECONDS:.0f} s")

    def _fault(self, status: int) -> tuple[int, str]:
        """What to say of bytes that are not HTTP. h11's own words may quote them."""
        if status == 431 and b"\n" not in self._peer.trailing_data[0]:
            return 414, "the request line is too long"
        if status == 400 and self._asked is not None:
            return 400, "the body is shorter than it says, or not in chunks as it says"
        return status, _REASONS.get(status, _REASONS[400])

    def _receive(self) -> LoopbackRequest | None:
        """The whole request; None when the sender hung up before it said anything."""
        event, limit = self._next(), self.server.owner.body_limit
        if not isinstance(event, h11.Request):
            return None
        self._asked = event
        headers = _check_headers(event, limit)
        if self._peer.they_are_waiting_for_100_continue:
            self._say(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        while isinstance(part := self._next(), h11.Data):
            body += part.data
            if len(body) > limit:
                raise _too_large(limit)
        if isinstance(part, h11.EndOfMessage) and len(part.headers) > _MOST_TRAILERS:
            raise _Refused(400, "the body has too many trailers")
        return LoopbackRequest(event.method.decode(), event.target.decode(), headers, bytes(body))

    def _next(self) -> object:
        """Raises ``TimeoutError`` when all that is read together takes too long, and
        ``h11.RemoteProtocolError``."""
        while (event := self._peer.next_event()) is h11.NEED_DATA:
            self._peer.receive_data(self._read(self._end))
        return event

    def _read(self, end: float) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self.request.settimeout(left)
        return self.request.recv(65536)

    def _say(self, event: h11.Event) -> None:
        self.request.settimeout(ANSWER_SECONDS)
        self.request.sendall(self._peer.send(event) or b"")

    def _send(self, answer: LoopbackAnswer) -> None:
        content = answer.text.encode()
        headers = [("connection", "close")]
        if answer.allow:
            headers.append(("allow", answer.allow))
        if content:
            headers.append(("content-type", "text/plain; charset=utf-8"))
        if answer.status != HTTPStatus.NO_CONTENT:
            headers.append(("content-length", str(len(content))))
        reason = _PHRASES.get(answer.status, "")
        self._say(h11.Response(status_code=answer.status, headers=headers, reason=reason))
        if content and (self._asked is None or self._asked.method != b"HEAD"):
            self._say(h11.Data(data=content))
        self._say(h11.EndOfMessage())

    def _refuse(self, status: int, why: str) -> None:
        self.server.owner.refused(status, why)
        with suppress(OSError):
            self._send(LoopbackAnswer(status, f"{why}\n"))
            self._linger()

    def _linger(self) -> None:
        """Read on for a moment: a connection that is closed with bytes unread is reset, and the
        answer with it."""
        self.request.shutdown(socket.SHUT_WR)
        end, left = time.monotonic() + LINGER_SECONDS, LINGER_BYTES
        while left > 0 and (part := self._read(end)):
            left -= len(part)


def _check_headers(request: h11.Request, limit: int) -> Mapping[str, str]:
    """The headers as ``LoopbackRequest`` has them, of a request whose body may be read. Raises
    ``_Refused``."""
    if request.http_version not in (b"1.0", b"1.1"):
        raise _Refused(505, "the version of HTTP is not one of 1.x")
    if request.method.decode() not in _METHODS:
        raise _Refused(501, "the method is not one of HTTP's usual ones")
    if len(request.headers) > _MOST_HEADERS:
        raise _Refused(431, _REASONS[431])
    headers: dict[str, str] = {}
    for raw, value in request.headers:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    if "transfer-encoding" in headers and "content-length" in headers:
        raise _Refused(400, "there are both content-length and transfer-encoding")
    if int(headers.get("content-length", 0)) > limit:
        raise _too_large(limit)
    return headers


def _too_large(limit: int) -> _Refused:
    return _Refused(413, f"the body is larger than {limit // 1024} KiB")


_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_REASONS = {
    400: "the request line or a header is malformed, or there is no host header",
    431: "the headers are too long, or too many",
    501: "the transfer encoding is not chunked",
}
