"""A connection to a host, every wait on which ends at a deadline."""

from __future__ import annotations

import selectors
import socket
import time
from typing import Protocol

from reconciler.adapters.system.sockets import connect_within
from reconciler.adapters.vault.http.exchanged import NotSent

# Bytes that are taken from the system at once.
_CHUNK = 65536
# Seconds. One that served another request just now is still there. One that was idle for longer may
# have been closed by the server, or by what is between us and it.
_FRESH = 1.0


class Deadline:
    """The end of all waiting for one exchange: so many seconds from now.

    A socket's own time-out starts anew with every byte.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds, more than none. Raises ``TimeoutError``."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left


class Stream(Protocol):
    """What of a socket is used here: a plain one, or TLS over one."""

    def settimeout(self, value: float | None, /) -> None: ...
    def send(self, data: memoryview, /) -> int: ...
    def recv(self, bufsize: int, /) -> bytes: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...


class Connection:
    """Used by one exchange at a time. Methods raise ``OSError``, ``TimeoutError`` at a deadline."""

    __slots__ = ("_idle_since", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._idle_since = 0.0

    def send(self, data: bytes, deadline: Deadline) -> None:
        rest = memoryview(data)
        while rest:
            self._stream.settimeout(deadline.remaining())
            rest = rest[self._stream.send(rest) :]

    def receive(self, deadline: Deadline) -> bytes:
        """What comes next, nothing when the other side has ended."""
        self._stream.settimeout(deadline.remaining())
        return self._stream.recv(_CHUNK)

    def close(self) -> None:
        self._stream.close()

    def rest(self) -> None:
        """An exchange came to its end."""
        self._idle_since = time.monotonic()

    def is_usable(self) -> bool:
        """Whether the other side has not closed it, as far as that is known.

        Asking the system costs as much as all the rest of a small request, so that is done only
        where the answer may be no: when a person was asked meanwhile, say.
        """
        if time.monotonic() - self._idle_since < _FRESH:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._stream, selectors.EVENT_READ)
            return not selector.select(0)  # nobody says anything before he is asked


def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address of ``host`` that answers. Raises ``NotSent``."""
    failure = NotSent("the host cannot be reached")
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        answers = []
        failure = NotSent("the host name cannot be resolved")
    for index, (family, kind, protocol, _, address) in enumerate(answers):
        try:
            # One that does not answer leaves its share of the time to those after it.
            return connect_within(
                socket.socket(family, kind, protocol),
                address,
                deadline.remaining() / (len(answers) - index),
            )
        except ConnectionRefusedError:
            failure = NotSent("the connection was refused")
        except TimeoutError:
            failure = NotSent(f"no connection within {deadline.seconds:g} s")
        except OSError:
            failure = NotSent("the host cannot be reached")
    # Raised here and not above, so that no foreign exception hangs on as its context.
    raise failure
