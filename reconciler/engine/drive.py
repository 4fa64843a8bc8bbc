"""Drives the sans-I/O protocol: takes each request a generator yields to the port that answers it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from reconciler.domain.record import Delivery
from reconciler.engine.ports import LiveState, Minter, Sender
from reconciler.errors import ReconcilerError
from reconciler.registry.requests import Batch, Deliver, Delivered, Mint, Request, Response
from reconciler.registry.steps import Steps

Result = TypeVar("Result")


class ServerClock:
    """The server's time between requests: its latest answer plus what this machine's monotonic clock counted.

    This machine's wall clock is never asked. Thread-safe; never goes back.
    """

    def __init__(self, base: datetime) -> None:
        self._base, self._started = base, time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now()

    def seen(self, at: datetime) -> None:
        """The server said that it is ``at``: catch up with it."""
        with self._lock:
            if at > self._now():
                self._base, self._started = at, time.monotonic()

    def _now(self) -> datetime:
        return self._base + timedelta(seconds=int(time.monotonic() - self._started))


@dataclass(frozen=True, slots=True)
class Driver:
    """Answers requests. ``pool`` runs the members of a ``Batch`` side by side; it must not be the pool that
    the driven generators run in, or they would wait for each other. ``troubled`` is told every error of the server."""

    live: LiveState
    minter: Minter
    sender: Sender
    clock: ServerClock
    pool: Executor
    troubled: Callable[[ReconcilerError], None] = lambda error: None

    def run(self, steps: Steps[Result]) -> Result:
        """Drive ``steps`` to its end. A ``ReconcilerError`` of a port is thrown into it."""
        try:
            request = next(steps)
            while True:
                try:
                    response = self.answer(request)
                except ReconcilerError as error:
                    self.troubled(error)
                    request = steps.throw(error)
                else:
                    request = steps.send(response)
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def answer(self, request: Request) -> Response:
        if isinstance(request, Mint):
            return self.minter.mint(request.kind)
        if isinstance(request, Deliver):
            return Delivered(self.deliver(request))
        if isinstance(request, Batch):
            return tuple(self.pool.map(self.answer, request.requests))
        response = self.live.answer(request)
        at = getattr(response, "at", None)  # every answer but Unclear has the server's time
        if at is not None:
            self.clock.seen(at)
        return response

    def deliver(self, request: Deliver) -> Delivery:
        """One test delivery. That the signing secret cannot be read is a failed delivery, too."""
        now = self.clock.now()
        problem = ""
        try:
            secrets = [self.live.read_secret(request.secret_path, number) for number in request.versions]
        except ReconcilerError as error:
            secrets, problem = [], f"{error.code}: {error.message}"
        readable = [secret for secret in secrets if secret is not None]
        if not readable:
            problem = problem or f"no version of {request.secret_path} can be read"
            return Delivery("", now, request.webhook.url, False, None, 0, f"not sent: {problem}")
        return self.sender.deliver(request.client, request.webhook, readable, now)
