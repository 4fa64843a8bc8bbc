"""One HTTP exchange: kept-alive connections, one deadline over everything, a cap on the size, no
redirect.

A thread sends its request and reads the answer by itself: no loop, no lock, and nobody waits for
another one's answer. That takes a quarter of the time of a urllib3 pool (decision 0027).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

from reconciler import __version__
from reconciler.adapters.vault.http.connection import Connection, Deadline, dial
from reconciler.adapters.vault.http.encrypted import EncryptedRoute
from reconciler.adapters.vault.http.exchanged import Lost, NotSent, Reply
from reconciler.adapters.vault.http.incoming import Incoming
from reconciler.adapters.vault.http.proxies import Proxy

# More than the threads of one run ask for at once, so that no connection is thrown away.
_MOST_IDLE = 32
_PORTS = {"http": 80, "https": 443}


class _Route(Protocol):
    """How connections are made."""

    def open(self, deadline: Deadline) -> Connection:
        """Raises ``NotSent``."""
        ...

    def name_failure(self, error: OSError) -> str:
        """What broke a connection, in our words."""
        ...


class _PlainRoute:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def open(self, deadline: Deadline) -> Connection:
        return Connection(dial(self._host, self._port, deadline))

    def name_failure(self, _error: OSError) -> str:
        return "the connection was cut"


class Wire:
    """Connections to one address, which keep open between exchanges.

    Thread-safe. ``timeout`` is in seconds, over a whole exchange. Raises ``VaultError`` RC416 for
    a CA file that cannot be used.
    """

    def __init__(
        self,
        address: str,
        ca_cert: str | None,
        timeout: float,
        proxy: Proxy | None = None,
    ) -> None:
        self._timeout = timeout
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._route: _Route = _PlainRoute(host, port)
        if parts.scheme == "https":
            self._route = EncryptedRoute(host, port, ca_cert, proxy)
        named = f"[{host}]" if ":" in host else host
        self._always = (
            f"Host: {named}{'' if port == _PORTS[parts.scheme] else f':{port}'}\r\n"
            f"User-Agent: reconciler/{__version__}\r\n"
            "Accept-Encoding: identity\r\n"
        )
        self._idle: list[Connection] = []
        weakref.finalize(self, _close_all, self._idle)

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        cap: int,
    ) -> Reply:
        """Send one request. Raises ``NotSent`` or ``Lost``, whose text holds nothing foreign."""
        request = self._compose(method, target, headers, body)
        deadline = Deadline(self._timeout)
        connection = self._take_idle()
        reused = connection is not None
        if connection is None:
            connection = self._route.open(deadline)
        incoming = Incoming(cap, headless=method == "HEAD")
        failure: Lost | None = None
        try:
            connection.send(request, deadline)
            while failure is None and not incoming.complete:
                failure = incoming.feed(connection.receive(deadline))
        except TimeoutError:
            failure = Lost(f"no complete answer within {self._timeout:g} s")
            reused = False  # the server is there, and slow
        except OSError as error:
            failure = Lost(self._route.name_failure(error))
        finally:
            # also when this thread is interrupted: what comes next on it is no answer to others
            if incoming.leaves_connection and len(self._idle) < _MOST_IDLE:
                connection.rest()
                self._idle.append(connection)
            else:
                connection.close()
        if failure is None:
            return incoming.take_reply()
        if reused and not incoming.begun:
            # The others have been idle for as long, or longer.
            _close_all(self._idle)
            failure = Lost(failure.why, idle=True)
        # Raised here and not above, so that no foreign exception hangs on as its context.
        raise failure

    def close(self) -> None:
        """Let go of what is idle."""
        _close_all(self._idle)

    def _compose(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> bytes:
        lines = [f"{method} {target} HTTP/1.1\r\n", self._always]
        sendable = target.isascii() and target.isprintable() and " " not in target
        for name, value in headers.items():
            # What is printable has no line end in it: nobody adds a header to the request.
            sendable = sendable and value.isascii() and value.isprintable()
            lines.append(f"{name}: {value}\r\n")
        if not sendable:
            raise NotSent("the request cannot be sent (a character of it)", lasting=True)
        if body is None and method in ("POST", "PUT"):
            body = b""
        if body is not None:
            lines.append(f"Content-Length: {len(body)}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("ascii") + (body or b"")

    def _take_idle(self) -> Connection | None:
        """The one that was used last, of those that are still open."""
        while (connection := _pop(self._idle)) is not None:
            if connection.is_usable():
                return connection
            connection.close()
        return None


def _close_all(connections: list[Connection]) -> None:
    while (connection := _pop(connections)) is not None:
        connection.close()


def _pop(connections: list[Connection]) -> Connection | None:
    """The last one, which is taken by one thread alone."""
    with suppress(IndexError):
        return connections.pop()
    return None
