"""An HTTP server on loopback that keeps connections open, and closes them when it is told to: what
servers and balancers do to a connection that is idle, or has served enough."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.kit.programs.loopback import DATE, Seen, read_request

# What a connection is answered: nothing closes it without an answer.
Answering = Callable[["Kept"], bytes]


@dataclass(frozen=True)
class Kept:
    """A request that was read whole, on which connection, and the how many-th on that."""

    connection: int
    number: int
    seen: Seen


@dataclass
class Keeping:
    """``arrived`` are the requests in order. ``closings`` is released for every connection that the
    server closed."""

    address: str
    arrived: list[Kept] = field(default_factory=list)
    closings: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    connections: int = 0

    def await_closing(self) -> None:
        assert self.closings.acquire(timeout=20)


def kept(status: int, body: str = "", *, headers: tuple[str, ...] = ()) -> bytes:
    """A whole response that leaves the connection open."""
    lines = [f"HTTP/1.1 {status} Kept", f"Content-Length: {len(body)}", f"Date: {DATE}", *headers]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


@contextmanager
def keeping(
    answer: Answering, *, requests: int | None = None, reset: bool = False
) -> Iterator[Keeping]:
    """Close each connection after so many ``requests``, without a word of it before; with ``reset``
    as a machine does that knows nothing of the connection any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Keeping(f"http://127.0.0.1:{listener.getsockname()[1]}")
        open_now: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def serve(connection: socket.socket, own: int) -> None:
            with suppress(OSError), connection:
                connection.settimeout(30)
                number = 0
                while number != requests:
                    number += 1
                    seen = read_request(connection, len(server.arrived) + 1)
                    if seen is None:
                        return
                    arrived = Kept(own, number, seen)
                    server.arrived.append(arrived)
                    said = answer(arrived)
                    if not said:
                        break
                    connection.sendall(said)
                if reset:
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
            server.closings.release()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_now.append(connection)
                    server.connections += 1
                    thread = threading.Thread(target=serve, args=(connection, server.connections))
                    threads.append(thread)
                    thread.start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for connection in open_now:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
