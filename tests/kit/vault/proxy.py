"""A loopback HTTP proxy before a real server: it counts what passes, and fails as a rule says."""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

# Connections are kept alive; one that says nothing for so long is somebody's who went away.
IDLE_SECONDS = 120
# SO_LINGER on, for no time: closing the socket sends a reset.
RESET = struct.pack("ii", 1, 0)
_HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass(frozen=True)
class Action:
    """What becomes of one request. The plain one is forwarded and answered.

    ``instead``: this whole HTTP response, and the server never sees the request. ``forwarded``
    False without it: the connection is reset, the server sees nothing. ``kept``: the part of the
    server's answer that reaches the client; then the connection ends, by a reset when nothing is
    kept. ``then`` is called when the server has answered and before the client hears of it. (What
    is to happen before the server sees it, the rule itself does.)
    """

    forwarded: bool = True
    instead: bytes | None = None
    kept: float = 1.0
    then: Callable[[], None] | None = None


PASS = Action()
RESET_BEFORE = Action(forwarded=False)
RESET_AFTER = Action(kept=0.0)
CUT = Action(kept=0.5)


def answering(status: int, body: bytes | str = b"", *headers: str) -> Action:
    """Answer in the server's place."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Injected", f"Content-Length: {len(content)}", *headers]
    return Action(forwarded=False, instead="\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def then(call: Callable[[], None], action: Action = PASS) -> Action:
    """``action``, with ``call`` between the server's answer and the client's."""
    return replace(action, then=call)


# Asked once for each request, in its own thread, before the server sees it: number from 1, method,
# path and query.
Rule = Callable[[int, str, str], Action]


def passing(_number: int, _method: str, _path: str) -> Action:
    return PASS


@dataclass(frozen=True)
class Passed:
    """One request, and the status that the client was sent; None while it is under way or when
    there was none."""

    number: int
    method: str
    path: str
    status: int | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; names of headers in lower case."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """One answer of the server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Habits(Protocol):
    """How the server behind a proxy seems to behave. Called by many threads at once."""

    def instead(self, asked: Asked) -> Told | None:
        """The answer in the server's place; None: it is asked."""
        ...

    def forwarded(self, asked: Asked) -> Mapping[str, str]:
        """The headers with which the server is asked."""
        ...

    def told(self, asked: Asked, told: Told) -> Told:
        """What becomes of the server's answer, or of the one in its place."""
        ...


@dataclass
class Proxy:
    """``log`` holds every request in the order of arrival. ``rule`` may be replaced at any time."""

    upstream: Callable[[], str | None]
    rule: Rule
    habits: Habits | None = None
    address: str = ""
    log: list[Passed] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    open: set[socket.socket] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.log)

    def arrived(self, method: str, path: str) -> Passed:
        with self.lock:
            self.log.append(Passed(len(self.log) + 1, method, path))
            return self.log[-1]

    def answered(self, passed: Passed, status: int) -> None:
        with self.lock:
            self.log[passed.number - 1] = replace(passed, status=status)


@contextmanager
def proxying(
    upstream: str | Callable[[], str | None],
    rule: Rule = passing,
    habits: Habits | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Proxy]:
    """A proxy on a free loopback port. ``upstream``: ``http://host:port``, or who tells it for each
    request (None: nobody is there, and the client gets a 503 as from a load balancer). With ``tls``
    clients speak TLS."""
    proxy = Proxy((lambda: upstream) if isinstance(upstream, str) else upstream, rule, habits)

    class Bound(_Handler):
        pass

    Bound.proxy = proxy
    server = _Server(("127.0.0.1", 0), Bound)
    server.proxy = proxy
    proxy.address = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="proxy"
    )
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        with proxy.lock:
            for connection in proxy.open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
    assert not proxy.problems, proxy.problems


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # every one is waited for at the end
    request_queue_size = 128
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Handlers meet lost connections themselves; everything else fails the test."""

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.proxy.lock:
            self.proxy.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.proxy.lock:
            self.proxy.open.discard(request)
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET)) == RESET:
            self.close_request(request)  # an orderly shutdown would come before the reset
        else:
            super().shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    proxy: Proxy

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr."""

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, http.client.HTTPException):  # the client or the server went away
            self.close_connection = True
        except BaseException as error:  # noqa: BLE001 - a rule's own failure must reach the test
            self.proxy.problems.append(error)

    def _pass(self) -> None:
        passed = self.proxy.arrived(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        action = self.proxy.rule(passed.number, passed.method, passed.path)
        if action.instead is not None:
            status, answer = int(action.instead[9:12]), action.instead
        elif not action.forwarded:
            return self._reset()
        else:
            status, answer = self._answer(passed, body)
        if action.then is not None:
            action.then()
        if action.kept <= 0:
            return self._reset()
        if action.kept < 1:
            self.close_connection = True
            answer = answer[: int(len(answer) * action.kept)]
        else:
            self.proxy.answered(passed, status)
        self.wfile.write(answer)
        return None

    do_GET = do_POST = do_PUT = do_DELETE = do_LIST = do_HEAD = do_PATCH = _pass  # noqa: N815 - http.server's spelling

    def _answer(self, passed: Passed, body: bytes) -> tuple[int, bytes]:
        upstream, habits = self.proxy.upstream(), self.proxy.habits
        if upstream is None:
            return 503, b"HTTP/1.1 503 No server is available\r\nContent-Length: 0\r\n\r\n"
        headers = {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower() not in _HOP_BY_HOP
        }
        if habits is None:
            told = self._forward(upstream, headers, body)
        else:
            asked = Asked(passed.number, passed.method, passed.path, headers, body)
            told = habits.instead(asked) or self._forward(upstream, habits.forwarded(asked), body)
            told = habits.told(asked, told)
        lines = [f"HTTP/1.1 {told.status} {http.client.responses.get(told.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in told.headers]
        lines.append(f"Content-Length: {len(told.body)}")
        return told.status, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + told.body

    def _forward(self, upstream: str, headers: Mapping[str, str], body: bytes) -> Told:
        connection = http.client.HTTPConnection(
            upstream.removeprefix("http://"), timeout=IDLE_SECONDS
        )
        connection.connect()
        server = connection.sock  # http.client forgets it when the server goes away
        with self.proxy.lock:
            self.proxy.open.add(server)  # a server that never answers holds nobody up at the end
        try:
            connection.request(self.command, self.path, body or None, dict(headers))
            response = connection.getresponse()
            kept = tuple((k, v) for k, v in response.getheaders() if k.lower() not in _HOP_BY_HOP)
            return Told(response.status, kept, response.read())
        finally:
            with self.proxy.lock:
                self.proxy.open.discard(server)
            connection.close()

    def _reset(self) -> None:
        """End the connection with a TCP reset: no answer, no orderly close."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
