"""Webhook receivers on loopback that behave well or badly, with or without TLS: real sockets."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The longest any handler waits when a test forgets to close its receiver.
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Seen:
    """One request that arrived. Header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[["Handler"], None]


@dataclass
class Receiver:
    """A running receiver. ``closing`` is set when the test ends, which frees every handler that
    waits."""

    url: str
    port: int
    seen: list[Seen] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    arrived: Seen  # what this handler is to answer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.arrived = Seen(self.command, self.path, headers, body)
        self.server.receiver.seen.append(self.arrived)
        self.close_connection = True
        with suppress(OSError):  # the sender gave up, which is what many tests are about
            self.server.behaviour(self)

    do_GET = do_CONNECT = do_POST  # noqa: N815 - the names that http.server calls

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def wait(self, seconds: float) -> bool:
        """Wait, but not past the end of the test; whether the test has ended."""
        return self.server.receiver.closing.wait(seconds)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server calls
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.tls = tls
        scheme = "https" if tls else "http"
        port = self.server_address[1]
        self.receiver = Receiver(f"{scheme}://127.0.0.1:{port}", port)

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """The TLS handshake belongs to the connection's own thread, not to the one that accepts."""
        request.settimeout(PATIENCE_SECONDS)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            wrapped = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            return
        with wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up is no error of the receiver."""


@contextmanager
def receiving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free loopback port for the length of a ``with`` block."""
    server = _Server(behaviour, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def listening(talk: bytes = b"", *, cut: bool = False, reset: bool = False) -> Iterator[int]:
    """A bare TCP port: accepts, says ``talk`` whatever it hears, then hangs up (``cut``; ``reset``:
    with a RST) or keeps silent, reading nothing more."""
    ended = threading.Event()
    held: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    listener.settimeout(0.02)

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(PATIENCE_SECONDS)
            with suppress(OSError):
                if cut or talk or reset:
                    connection.recv(65536)
                connection.sendall(talk)
                if cut and not reset:  # a close with something unread would be a reset, too
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if cut or reset:
                connection.close()
            else:
                held.append(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        ended.set()
        thread.join()
        for open_socket in (*held, listener):
            open_socket.close()


def answers(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers everything so. ``location="…"`` becomes a header."""
    return lambda handler: handler.reply(status, body, headers)


def never_answers(handler: Handler) -> None:
    handler.wait(PATIENCE_SECONDS)


def drips_headers(handler: Handler) -> None:
    """A header line now and then, for ever: each single wait is short."""
    handler.send_response_only(200)
    handler.flush_headers()
    while not handler.wait(0.03):
        handler.wfile.write(b"x-more: 1\r\n")


def drips_body(handler: Handler, status: int = 200) -> None:
    """A byte now and then, for ever."""
    handler.send_response_only(status)
    handler.send_header("content-length", "60000")
    handler.end_headers()
    while not handler.wait(0.03):
        handler.wfile.write(b"x")


def endless_body(handler: Handler) -> None:
    handler.send_response_only(200)
    handler.end_headers()
    while not handler.server.receiver.closing.is_set():
        handler.wfile.write(b"x" * 65536)


def endless_headers(handler: Handler) -> None:
    """As fast as they are taken."""
    handler.send_response_only(200)
    handler.flush_headers()
    while not handler.server.receiver.closing.is_set():
        handler.wfile.write(b"x-more: 1\r\n" * 1000)


def headers_in_two_parts(handler: Handler) -> None:
    """Nearly as many as are taken, and after a while more than a parser has room for."""
    handler.send_response_only(200)
    handler.flush_headers()
    handler.wfile.write(b"x-more: 1\r\n" * 5900)
    time.sleep(0.2)
    endless_headers(handler)


def one_huge_header(handler: Handler) -> None:
    """Its value never ends."""
    handler.send_response_only(200)
    handler.flush_headers()
    handler.wfile.write(b"x-more: ")
    while not handler.server.receiver.closing.is_set():
        handler.wfile.write(b"x" * 65536)


def gigabyte(handler: Handler) -> None:
    """Says that it is 1 GB, and would be."""
    handler.send_response_only(200)
    handler.send_header("content-length", str(1 << 30))
    handler.end_headers()
    for _ in range(1 << 14):
        handler.wfile.write(b"x" * 65536)


def tiny_chunks(handler: Handler) -> None:
    """One byte a chunk, for ever."""
    handler.send_response_only(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    while not handler.server.receiver.closing.is_set():
        handler.wfile.write(b"1\r\nx\r\n" * 1000)


@cache
def _zeros(size: int) -> bytes:
    return gzip.compress(bytes(size))


def zipped(size: int) -> Behaviour:
    """A body of ``size`` zeros, compressed though nobody asked for that."""
    return lambda handler: handler.reply(200, _zeros(size), {"content-encoding": "gzip"})


def floods_informational(handler: Handler) -> None:
    """103 Early Hints for ever, as fast as they are taken."""
    while not handler.server.receiver.closing.is_set():
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


def endless_informational(handler: Handler) -> None:
    """103 Early Hints for ever."""
    while not handler.wait(0.01):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def cuts_connection(handler: Handler) -> None:
    """Hangs up without a byte."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def cuts_body(handler: Handler) -> None:
    """Promises 100 bytes, sends 10, hangs up."""
    handler.send_response_only(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b"x" * 10)
