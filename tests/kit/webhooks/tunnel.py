"""A proxy on loopback that knows CONNECT and nothing else, as companies have one before the rest of
the world."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

IDLE_SECONDS = 60


@dataclass
class Tunnel:
    """``asked`` holds the first line and the headers of every request.

    ``leads`` is where each of them leads.
    """

    address: str
    leads: tuple[str, int]
    credentials: str | None
    refuses: int | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                part = client.recv(4096)
                if not part:
                    return
                head += part
            first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            self.asked.append((first, headers))
            status = self.refuses or self._judge(first, headers)
            client.sendall(f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\n\r\n".encode())
            if status == 200:
                with socket.create_connection(self.leads, IDLE_SECONDS) as server:
                    self.open.append(server)
                    _pour(client, server)

    def _judge(self, first: str, headers: dict[str, str]) -> int:
        if not first.startswith("CONNECT "):
            return 405
        wanted = (
            None
            if self.credentials is None
            else base64.b64encode(self.credentials.encode()).decode()
        )
        return (
            200
            if wanted is None or headers.get("proxy-authorization") == f"Basic {wanted}"
            else 407
        )


def _pour(client: socket.socket, server: socket.socket) -> None:
    """Both ways, until one of them ends."""
    with suppress(OSError):
        while True:
            waiting = isinstance(client, ssl.SSLSocket) and client.pending()
            ready = (
                [client] if waiting else select.select([client, server], [], [], IDLE_SECONDS)[0]
            )
            for source, sink in ((client, server), (server, client)):
                if source in ready:
                    part = source.recv(65536)
                    if not part:
                        return
                    sink.sendall(part)
            if not ready:
                return


@contextmanager
def tunnelling(
    leads: tuple[str, int],
    credentials: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Tunnel]:
    """``credentials``: ``user:password`` that it wants. With ``tls`` it is an ``https://`` proxy.

    Whatever host is asked for, ``leads`` is where one gets.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tunnel = Tunnel(f"127.0.0.1:{listener.getsockname()[1]}", leads, credentials)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    client.settimeout(IDLE_SECONDS)
                    if tls is not None:
                        try:
                            client = tls.wrap_socket(client, server_side=True)
                        except OSError:
                            client.close()
                            continue
                    tunnel.open.append(client)
                    thread = threading.Thread(target=tunnel.serve, args=(client,))
                    tunnel.threads.append(thread)
                    thread.start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield tunnel
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for connection in tunnel.open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in tunnel.threads:
                thread.join()
