"""Resolves a name once, within the deadline of the delivery."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from reconciler.adapters.delivery.watch import DeliveryStopped, Watch

# What getaddrinfo answers, as (address family, socket address).
Answers = Sequence[tuple[int, tuple[Any, ...]]]
# (host, port) -> answers. Raises OSError.
Resolve = Callable[[str, int], Answers]

# getaddrinfo cannot be interrupted: a resolver that hangs keeps its thread, so there is a bound on
# them.
_RESOLUTIONS = threading.BoundedSemaphore(128)


def system_resolve(host: str, port: int) -> Answers:
    """Ask the system's resolver once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [(family, address) for family, _, _, _, address in found]


def resolve_within(
    resolve: Resolve,
    host: str,
    port: int,
    watch: Watch,
) -> Answers:
    """Resolve in a thread of its own, so that the deadline holds over a resolver that hangs.

    Raises ``DeliveryStopped`` (RC502, RC510).
    """
    outcomes: queue.SimpleQueue[Answers | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            outcomes.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            outcomes.put(error)
        finally:
            _RESOLUTIONS.release()

    if not _RESOLUTIONS.acquire(timeout=watch.remaining()):
        raise watch.timeout_error()
    try:
        threading.Thread(target=ask, name="resolve", daemon=True).start()
    except RuntimeError:
        _RESOLUTIONS.release()
        raise DeliveryStopped(
            "RC502", "this machine has no thread left to resolve a name"
        ) from None
    try:
        outcome = outcomes.get(timeout=watch.remaining())
    except queue.Empty:
        raise watch.timeout_error() from None
    if isinstance(outcome, Exception):
        silent = isinstance(outcome, socket.gaierror) and outcome.errno == socket.EAI_AGAIN
        raise DeliveryStopped(
            "RC502", f"{host} {'cannot be resolved now' if silent else 'does not resolve'}"
        )
    return outcome
