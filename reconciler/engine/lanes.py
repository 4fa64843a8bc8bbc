"""Threads for deliveries, which no host takes from the others.

What waits for its host, for its next attempt or for an answer of somebody else's host holds none of
them: it is a call in a queue.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol, Self

# Seconds between two looks whether to go on.
WAKE = 0.1
_NO_LIMIT = 1 << 30


class Pausing(Protocol):
    """Calls ``then`` after so many ``seconds``, with whether to go on."""

    def __call__(self, seconds: float, then: Callable[[bool], None], /) -> None: ...


class Lanes:
    """Runs calls in ``pool``, which has so many ``threads``; at most ``per_host`` of one host at
    once, in the order in which they came. Thread-safe.

    ``changed`` is notified whenever a thread has become free.
    """

    def __init__(
        self,
        pool: Executor,
        pausing: Pausing,
        *,
        threads: int = _NO_LIMIT,
        per_host: int = _NO_LIMIT,
    ) -> None:
        self.pool = pool
        self.pausing = pausing
        self.changed = threading.Condition()
        self._free = threads
        self._per_host = per_host
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[Callable[[], None]]] = {}

    @property
    def has_room(self) -> bool:
        """Whether a thread has nothing to do."""
        with self.changed:
            return self._free > 0

    def begin(self, host: str, call: Callable[[], None]) -> None:
        """Have ``call`` run as soon as its host's turn comes. It raises nothing."""
        with self.changed:
            running = self._running.get(host, 0)
            if running >= self._per_host:
                self._waiting.setdefault(host, deque()).append(call)
                return
            self._running[host] = running + 1
            self._free -= 1
        self.pool.submit(self._run, host, call)

    def _run(self, host: str, call: Callable[[], None]) -> None:
        try:
            call()
        finally:
            self._leave(host)

    def _leave(self, host: str) -> None:
        with self.changed:
            self._free += 1
            self._running[host] -= 1
            if not self._running[host]:
                del self._running[host]
            waiting = self._waiting.get(host)
            following = waiting.popleft() if waiting else None
            if waiting is not None and not waiting:
                del self._waiting[host]
            self.changed.notify_all()
        if following is not None:
            self.begin(host, following)  # behind those of other hosts


class Pauses:
    """Waits for many at once, in one thread. Use it in ``with``.

    ``goes_on`` says whether the run does; when it does not, nobody is kept waiting.
    """

    def __init__(self, goes_on: Callable[[], bool]) -> None:
        self._goes_on = goes_on
        self._changed = threading.Condition()
        self._pending: list[tuple[float, int, Callable[[bool], None]]] = []
        self._numbers = itertools.count()
        self._ended = False
        self._thread: threading.Thread | None = None

    def __call__(self, seconds: float, then: Callable[[bool], None], /) -> None:
        with self._changed:
            entry = time.monotonic() + seconds, next(self._numbers), then
            heapq.heappush(self._pending, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._wake, name="pauses", daemon=True)
                self._thread.start()
            self._changed.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _wake(self) -> None:
        while True:
            with self._changed:
                if self._ended:
                    return
                goes_on = self._goes_on()
                due = self._take_due(goes_on=goes_on)
                if not due:
                    left = self._pending[0][0] - time.monotonic() if self._pending else None
                    self._changed.wait(None if left is None else max(0.0, min(left, WAKE)))
            for then in due:
                then(goes_on)

    def _take_due(self, *, goes_on: bool) -> list[Callable[[bool], None]]:
        now = time.monotonic()
        due: list[Callable[[bool], None]] = []
        while self._pending and (not goes_on or self._pending[0][0] <= now):
            due.append(heapq.heappop(self._pending)[2])
        return due
