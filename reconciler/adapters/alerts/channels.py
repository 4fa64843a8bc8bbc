"""Sends alerts: side by side, under one deadline, and never with an exception.

What goes wrong is a sentence.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.dataclass import dataclass
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS
from reconciler.domain.secrecy import held
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors.codes import CODES
from reconciler.webhooks.signature.signing import key_bytes, sign
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse

_WORKERS = 8
# Seconds: a receiver that has not answered by then is not waited for, so that others of the channel
# get their turn.
REQUEST_DEADLINE = 5.0
# Seconds between the tries of a request that was answered 429 or 5xx.
PAUSES = (0.5, 2.0)
STOPPED = "RC544: stopped before it was sent"


class Courier(Protocol):
    """One message to one receiver. ``channel`` is the name under which its failure is told."""

    @property
    def channel(self) -> str: ...

    def carry(self, until: float) -> str:
        """Send it, until the monotonic time ``until``.

        Empty, or a sentence without any secret. May raise.
        """
        ...


@dataclass(frozen=True, slots=True)
class Post:
    """A JSON document by HTTP; with ``signing`` it is signed by Standard Webhooks.

    The URL may be a secret itself.
    """

    channel: str
    sender: WebhookSender
    url: Secret
    body: bytes
    id: str
    at: datetime
    signing: Secret | None = None
    pauses: Sequence[float] = PAUSES

    def carry(self, until: float) -> str:
        headers = [("content-type", "application/json"), ("user-agent", "reconciler-alerts/1")]
        if self.signing is not None:
            headers += sign(
                STANDARD_WEBHOOKS, (self.signing,), self.id, int(self.at.timestamp()), self.body
            )
        for pause in (*self.pauses, None):
            left = until - time.monotonic()
            if left <= 0:
                break
            deadline = min(left, REQUEST_DEADLINE)
            answer = self.sender.send(
                HttpRequest(
                    "POST",
                    self.url.reveal(),
                    tuple(headers),
                    self.body,
                    deadline,
                )
            )
            if isinstance(answer, HttpFailure):
                return CODES[answer.code].sentence(answer.detail)
            if pause is None or not _passing(answer):
                return _judge_answer(answer)
            time.sleep(max(0.0, min(pause, until - time.monotonic())))
        return "RC543: the receiver was too busy until the deadline"


def _passing(answer: HttpResponse) -> bool:
    """Whether another try may do better."""
    return answer.status == 429 or answer.status >= 500


def _judge_answer(answer: HttpResponse) -> str:
    if 200 <= answer.status <= 299:
        return ""
    return f"RC541: the receiver answered {answer.status}; check its address and its log"


def send_all(couriers: Sequence[Courier], seconds: float) -> list[str]:
    """What became of each courier's message, in order: empty, or a sentence. Never raises, not even
    for Ctrl-C.

    After ``seconds``, or on Ctrl-C, what is not sent yet is given up: the threads are daemons and
    hold up nothing.
    """
    until = time.monotonic() + seconds
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    for index in range(len(couriers)):
        waiting.put(index)

    def work() -> None:
        with suppress(queue.Empty):
            while time.monotonic() < until:
                index = waiting.get_nowait()
                ended.put((index, _carry(couriers[index], until)))

    outcomes: dict[int, str] = {}
    rest = f"RC543: not sent within {seconds:g} seconds"
    try:
        _start(work, min(_WORKERS, len(couriers)))
        while len(outcomes) < len(couriers):
            index, outcome = ended.get(timeout=max(0.0, until - time.monotonic()))
            outcomes[index] = outcome
    except queue.Empty:
        pass
    except KeyboardInterrupt:
        rest = STOPPED
    return [outcomes.get(index, rest) for index in range(len(couriers))]


def _carry(courier: Courier, until: float) -> str:
    """The text of a foreign exception may quote a password or a URL: only its class is told."""
    try:
        return courier.carry(until)
    except Exception as error:  # noqa: BLE001 - a failing alert never fails the run
        return f"RC542: an unexpected {type(error).__name__}"


def _start(work: Callable[[], None], number: int) -> None:
    for _ in range(number):
        # no thread left: those that there are do the work, or the deadline passes
        with suppress(RuntimeError):
            threading.Thread(target=work, name="alert", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a secret is not there, in a sentence with its code."""

    sentence: str


def secret_from(variable: str, environ: Mapping[str, str]) -> Secret | Missing:
    """What ``variable`` holds, or the file that ``<variable>_FILE`` names, without white space at
    its ends."""
    text = environ.get(variable, "")
    file = environ.get(f"{variable}_FILE", "")
    if not text and file:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return Missing(f"RC540: the file that {variable}_FILE names cannot be read")
    if not text.strip():
        return Missing(
            f"RC540: neither of the environment variables {variable} and {variable}_FILE is set"
        )
    return held.remember_for_good(Secret(text.strip()))


def signing_secret_from(variable: str, environ: Mapping[str, str]) -> Secret | Missing:
    """The same for a secret of Standard Webhooks."""
    secret = secret_from(variable, environ)
    if isinstance(secret, Secret):
        try:
            key_bytes(STANDARD_WEBHOOKS, secret)
        except ValueError as error:
            return Missing(f"RC540: {variable} holds no signing secret: {error}")
    return secret
