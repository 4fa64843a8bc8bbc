"""Drives the sans-I/O protocol: takes each request a generator yields to the port that answers
it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from reconciler.dataclass import dataclass
from reconciler.domain.live.record import Delivery
from reconciler.engine.lanes import Lanes
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
from reconciler.webhooks.proof.proving import Now, Pause, prove
from reconciler.webhooks.signature.signing import Credential, SigningFailed, SignRemotely
from reconciler.webhooks.wire.endpoint import parse_endpoint, show_url
from reconciler.webhooks.wire.exchange import Order
from reconciler.webhooks.wire.http import HttpRequest

_Result = TypeVar("_Result")
# A webhook that is proving itself: asks for what takes its time, and ends with the result.
_Proof = Generator[HttpRequest | Pause, object, Delivery]


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
class Ended(Generic[_Result]):
    """Steps that came to their end."""

    result: _Result


@dataclass(frozen=True, slots=True)
class Driver:
    """Answers requests. ``lanes`` have the threads of deliveries, and those for the members of a
    ``Batch``; what is driven must not run in them, or they would wait for each other. ``troubled``
    is told every error of the server."""

    live: LiveState
    minter: Minter
    sender: Sender
    clock: ServerClock
    lanes: Lanes
    troubled: Callable[[ReconcilerError], None] = lambda error: None

    def run(self, steps: Steps[_Result]) -> _Result:
        """Drive ``steps`` to its end. A ``ReconcilerError`` of a port is thrown into it."""
        came = self.advance(steps)
        while not isinstance(came, Ended):
            came = self.advance(steps, came)
        return came.result

    def advance(
        self,
        steps: Steps[_Result],
        begun: Sequence[Future[Delivery]] = (),
    ) -> Ended[_Result] | Sequence[Future[Delivery]]:
        """Drive ``steps`` to its end, or to where it waits for deliveries, which are begun then.

        ``begun`` are those it waited for; whoever does not want to wait here, too, calls when they
        have ended.
        """
        came = tuple(Delivered(one.result()) for one in begun)
        try:
            request = steps.send(came) if came else next(steps)
            while True:
                asked = _list_deliveries(request)
                if asked:
                    return [self.begin(one) for one in asked]
                try:
                    response = self.answer(request)
                except ReconcilerError as error:
                    self.troubled(error)
                    request = steps.throw(error)
                else:
                    request = steps.send(response)
        except StopIteration as stop:
            return Ended(stop.value)

    def answer(self, request: Request) -> Response:
        if isinstance(request, Mint):
            return self.minter.mint(request.kind)
        if isinstance(request, Deliver):
            return Delivered(self.begin(request).result())
        if isinstance(request, Batch):
            return tuple(self.lanes.pool.map(self.answer, request.requests))
        response = self.live.answer(request)
        at = getattr(response, "at", None)  # every answer but Unclear has the server's time
        if at is not None:
            self.clock.catch_up(at)
        return response

    def begin(
        self,
        request: Deliver,
        unless: Callable[[], bool] = lambda: False,
    ) -> Future[Delivery]:
        """Have a webhook prove itself, in the lane of its host.

        The future is cancelled if its turn comes and ``unless`` says so. That the signing secret
        cannot be read is a failed delivery, too.
        """
        ended: Future[Delivery] = Future()
        host, proof = find_lane(request.webhook.url), self._prove(request)

        def start() -> None:
            if unless():
                ended.cancel()
                ended.set_running_or_notify_cancel()  # whoever waits for it hears of it
            else:
                self._go_on(host, proof, None, ended)

        self.lanes.begin(host, start)
        return ended

    def _go_on(
        self,
        host: str,
        proof: _Proof,
        answer: object,
        ended: Future[Delivery],
    ) -> None:
        """As far as the next pause, which holds no thread."""
        try:
            ask = proof.send(answer)
            while isinstance(ask, HttpRequest):
                ask = proof.send(self.sender.send(ask))
        except StopIteration as stop:
            ended.set_result(stop.value)
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            ended.set_exception(error)
        else:
            self.lanes.pausing(
                ask.seconds - ask.jitter * secrets.randbelow(1000) / 1000,
                lambda goes_on: self.lanes.begin(
                    host, partial(self._go_on, host, proof, goes_on, ended)
                ),
            )

    def _prove(self, request: Deliver) -> _Proof:
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
                if isinstance(ask, HttpRequest | Pause):
                    ask = steps.send((yield ask))
                    continue
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

    def _meet(self, ask: Now | SignRemotely) -> datetime | bytes:
        """What a proof asks for and nobody has to wait for. Raises ``VaultError`` where Vault does
        not sign."""
        return self.clock.now() if isinstance(ask, Now) else self.live.sign(ask.key, ask.content)


def find_lane(url: str) -> str:
    """Host and port, as the limits of deliveries know them; of an unusable URL nothing."""
    try:
        endpoint = parse_endpoint(url)
    except ValueError:
        return ""
    return f"{endpoint.name}:{endpoint.port}"


def _list_deliveries(request: Request) -> list[Deliver]:
    """The members of a batch that does nothing else."""
    if not isinstance(request, Batch):
        return []
    asked = [one for one in request.requests if isinstance(one, Deliver)]
    return asked if len(asked) == len(request.requests) else []
