"""Drives the sans-I/O protocol: takes each request a generator yields to the port that answers
it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from reconciler.domain.live.record import Delivery
from reconciler.engine.ports import LiveState, Minter, Sender
from reconciler.errors import ReconcilerError
from reconciler.registry.requests import (
    Batch,
    Deliver,
    Delivered,
    Mint,
    Request,
    Response,
    SigningVersion,
)
from reconciler.registry.steps import Steps
from reconciler.webhooks.proof.proving import Ask, Now, Pause, prove
from reconciler.webhooks.signature.signing import Credential, SigningFailed
from reconciler.webhooks.wire.endpoint import show_url
from reconciler.webhooks.wire.exchange import Order
from reconciler.webhooks.wire.http import HttpRequest

_Result = TypeVar("_Result")
Arguments = ParamSpec("Arguments")


class ServerClock:
    """The server's time between requests: its latest answer plus what this machine's monotonic
    clock counted.

    This machine's wall clock is never asked. Thread-safe; never goes back.
    """

    def __init__(self, base: datetime) -> None:
        self._base, self._started = base, time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now()

    def catch_up(self, at: datetime) -> None:
        """The server said that it is ``at``: catch up with it."""
        with self._lock:
            if at > self._now():
                self._base, self._started = at, time.monotonic()

    def _now(self) -> datetime:
        return self._base + timedelta(seconds=int(time.monotonic() - self._started))


@dataclass(frozen=True, slots=True)
class Driver:
    """Answers requests. ``pool`` runs the members of a ``Batch`` side by side; it must not be the
    pool that the driven generators run in, or they would wait for each other. ``troubled`` is told
    every error of the server. ``pause`` waits that many seconds and says whether to go on, which it
    is told not to when the run is to stop."""

    live: LiveState
    minter: Minter
    sender: Sender
    clock: ServerClock
    pool: Executor
    troubled: Callable[[ReconcilerError], None] = lambda error: None
    pause: Callable[[float], bool] = lambda seconds: True

    def run(self, steps: Steps[_Result]) -> _Result:
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
            result: _Result = stop.value
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
            self.clock.catch_up(at)
        return response

    def submit(
        self,
        call: Callable[Arguments, _Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Future[_Result]:
        """Run ``call`` in the pool of deliveries."""
        return self.pool.submit(call, *arguments, **named)

    def deliver(self, request: Deliver) -> Delivery:
        """Have a webhook prove itself.

        That the signing secret cannot be read is a failed delivery, too.
        """
        problem = ""
        credentials: list[Credential] = []
        try:
            credentials = [
                one for version in request.versions if (one := self._credential(request, version))
            ]
        except ReconcilerError as error:
            problem = f"{error.code}: {error.message}"
        if problem or not credentials:
            problem = problem or f"no version of {request.secret_path} can be read"
            url = show_url(request.webhook.url)
            return Delivery(
                "", self.clock.now(), url, False, None, 0, f"not sent: {problem}", "RC500"
            )
        seed = secrets.token_hex(32)
        steps = prove(
            Order(
                request.client,
                request.webhook,
                tuple(credentials),
                seed,
                request.owner,
            )
        )
        try:
            ask = next(steps)
            while True:
                try:
                    answer = self._meet(ask)
                except ReconcilerError as error:
                    ask = steps.throw(SigningFailed(f"{error.code}: {error.message}"))
                else:
                    ask = steps.send(answer)
        except StopIteration as end:
            delivery: Delivery = end.value
            return delivery

    def _credential(self, request: Deliver, version: SigningVersion) -> Credential | None:
        if version.key:
            return Credential(version.number, key=version.key)
        secret = self.live.read_secret(request.secret_path, version.number)
        return None if secret is None else Credential(version.number, secret)

    def _meet(self, ask: Ask) -> object:
        """What a proof asks for. Raises ``VaultError`` where Vault does not sign."""
        if isinstance(ask, HttpRequest):
            return self.sender.send(ask)
        if isinstance(ask, Pause):
            return self.pause(ask.seconds - ask.jitter * secrets.randbelow(1000) / 1000)
        return self.clock.now() if isinstance(ask, Now) else self.live.sign(ask.key, ask.content)
