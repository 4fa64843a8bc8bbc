"""A small HTTP server for loopback that nothing harms which connects to it: bounded in connections,
bytes and time."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from reconciler.adapters.receiving.body import BodyError, read_body

# Over everything that a sender sends: it may be slow, but not for ever.
READ_SECONDS = 10.0
ANSWER_SECONDS = 5.0
LINGER_SECONDS = 1.0
LINGER_BYTES = 4 * 1024 * 1024
MOST_CONNECTIONS = 32
_LONGEST_LINE = 65536
_METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "GET")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in. Header names in lower case; of a header that is there twice the
    values are joined with a comma, as RFC 9110 has it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
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
        answer: Callable[[Request], Answer],
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

    def answered(self, request: Request, send: Callable[[Answer], None]) -> None:
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a sender that is silent does not keep us from ending
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: LoopbackServer) -> None:
        self.owner = owner
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without the look-up of the host's name that ``HTTPServer`` does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

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


class _Limited(io.RawIOBase):
    """Reads a socket until a deadline over all reads. Raises ``TimeoutError`` after it."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile = cast(
            "io.BufferedIOBase", io.BufferedReader(_Limited(self.connection, READ_SECONDS))
        )

    def handle(self) -> None:
        self.command, self.request_version, self.close_connection = "", self.protocol_version, True
        try:
            self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
            if len(self.raw_requestline) > _LONGEST_LINE:
                self._refuse(414, _REASONS[414])
            elif self.raw_requestline and self.parse_request():
                self._receive()
        except BodyError as error:
            self._refuse(error.status, str(error))
        except TimeoutError:
            self._refuse(408, f"the request was not complete after {READ_SECONDS:.0f} s")

    def _receive(self) -> None:
        if self.request_version == "HTTP/0.9":
            self._refuse(400, "the request line has no HTTP version")
            return
        if self.command not in _METHODS:
            self._refuse(501, _REASONS[501])
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            low = name.lower()
            headers[low] = f"{headers[low]}, {value}" if low in headers else value
        body = read_body(self.rfile, headers, self.server.owner.body_limit)
        self.server.owner.answered(Request(self.command, self.path, headers, body), self._send)

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(ANSWER_SECONDS)
        self.send_response_only(answer.status)
        self.send_header("connection", "close")
        content = answer.text.encode()
        if answer.allow:
            self.send_header("allow", answer.allow)
        if content:
            self.send_header("content-type", "text/plain; charset=utf-8")
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What ``http.server`` cannot read, without its page of HTML.

        Its message may quote the request.
        """
        self._refuse(int(code), _REASONS.get(int(code), "it is not HTTP"))

    def _refuse(self, status: int, why: str) -> None:
        # what was read of them may be nonsense
        self.command, self.request_version = "", self.protocol_version
        self.server.owner.refused(status, why)
        with suppress(OSError):
            self._send(Answer(status, f"{why}\n"))
            self._linger()

    def _linger(self) -> None:
        """Read on for a moment: a connection that is closed with bytes unread is reset, and the
        answer with it."""
        self.connection.shutdown(socket.SHUT_WR)
        rest, left = _Limited(self.connection, LINGER_SECONDS), LINGER_BYTES
        buffer = bytearray(65536)
        while left > 0 and (count := rest.readinto(buffer)):
            left -= count

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server calls
        """Quiet: who owns the server prints what matters."""


_REASONS = {
    400: "the request line is malformed",
    414: "the request line is too long",
    431: "the headers are too long, or too many",
    501: "the method is not one of HTTP's usual ones",
    505: "the version of HTTP is not one of 1.x",
}
