"""A real HTTP server on loopback that answers as a script says: for what a real Vault does not do
on demand."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# What a script returns: the bytes to send before the connection is closed, or more of them for a
# slow answer.
Script = Callable[["Seen"], "bytes | Iterator[bytes]"]
DATE = "Mon, 23 Nov 2026 22:44:58 GMT"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. ``number`` counts from 1."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    address: str
    seen: list[Seen] = field(default_factory=list)


def reply(
    status: int, body: bytes | str = b"", *, date: str | None = DATE, headers: tuple[str, ...] = ()
) -> bytes:
    """A whole HTTP response."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status} Scripted",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *headers,
    ]
    if date is not None:
        lines.append(f"Date: {date}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@contextmanager
def loopback(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Serve ``script`` on a free port; with ``tls`` over TLS.

    Every request has a connection of its own.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "http" if tls is None else "https"
        served = Loopback(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        ended = threading.Event()
        threads: list[threading.Thread] = []

        def accept() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if ended.is_set():
                    connection.close()
                    return
                thread = threading.Thread(target=_serve, args=(connection, script, served, tls))
                threads.append(thread)
                thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield served
        finally:
            ended.set()
            with suppress(OSError), socket.create_connection(listener.getsockname(), timeout=2):
                pass  # wakes the acceptor
            acceptor.join()
            for thread in threads:
                thread.join()


def _serve(
    connection: socket.socket, script: Script, served: Loopback, tls: ssl.SSLContext | None
) -> None:
    with suppress(OSError):
        connection.settimeout(5)
        with connection if tls is None else tls.wrap_socket(connection, server_side=True) as stream:
            request = read_request(stream, len(served.seen) + 1)
            if request is None:
                return
            served.seen.append(request)
            answer = script(request)
            for part in (answer,) if isinstance(answer, bytes) else answer:
                stream.sendall(part)


def read_request(stream: socket.socket, number: int) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = stream.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += stream.recv(65536)
    method, target, _ = first.split(" ", 2)
    return Seen(number, method, target, headers, body)
