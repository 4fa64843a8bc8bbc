"""How many deliveries go out at once: over all hosts, and to one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """At most ``overall`` at once, and at most ``per_host`` of one ``host``. Whoever comes later
    waits.

    A host's slot is taken first: who waits for a slow host keeps none from the others.
    """

    def __init__(self, overall: int, per_host: int) -> None:
        self._overall = threading.BoundedSemaphore(overall)
        self._per_host = per_host
        self._lock = threading.Lock()
        self._hosts: dict[str, tuple[threading.BoundedSemaphore, int]] = {}

    @contextmanager
    def take(self, host: str) -> Iterator[None]:
        """``host`` is ``name:port``."""
        with self._host(host) as slots, slots, self._overall:
            yield

    @contextmanager
    def _host(self, host: str) -> Iterator[threading.BoundedSemaphore]:
        """The slots of ``host``, forgotten when nobody has or awaits one: there may be very many
        hosts."""
        with self._lock:
            slots, users = self._hosts.get(host) or (threading.BoundedSemaphore(self._per_host), 0)
            self._hosts[host] = slots, users + 1
        try:
            yield slots
        finally:
            with self._lock:
                users = self._hosts[host][1] - 1
                if users:
                    self._hosts[host] = slots, users
                else:
                    del self._hosts[host]
