"""Requests for the sender, resolvers that say what a test wants, and what came of a request in one
line."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from reconciler.adapters.delivery.resolve import Answers
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.webhooks.wire.http import RESPONSE_CAP, HttpFailure, HttpRequest, HttpResponse

LOOPBACK = ("127.0.0.0/8",)
# Seconds: long enough never to pass where the test is not about it, short where it is.
AMPLE, BRIEF = 30.0, 0.8


def post(
    url: str,
    *,
    deadline: float = AMPLE,
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),),
    body: bytes = b'{"test": true}',
    cap: int = RESPONSE_CAP,
) -> HttpRequest:
    return HttpRequest("POST", url, headers, body, deadline, cap)


def send(
    url: str, sender: WebhookSender | None = None, *, deadline: float = AMPLE
) -> HttpResponse | HttpFailure:
    return (sender or WebhookSender(LOOPBACK)).send(post(url, deadline=deadline))


def bounded(
    request: HttpRequest, sender: WebhookSender | None = None
) -> HttpResponse | HttpFailure:
    """What ``sender`` answers. Fails when it does not come back at all; that its deadline was kept
    is told by what it answers, and not by this bound, which is far away."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit((sender or WebhookSender(LOOPBACK)).send, request).result(timeout=120)
    finally:
        pool.shutdown(wait=False)


def said(answer: HttpResponse | HttpFailure) -> str:
    """``RC510: the deadline passed while …``, or ``204``."""
    return (
        str(answer.status)
        if isinstance(answer, HttpResponse)
        else f"{answer.code}: {answer.detail}"
    )


def resolver(*addresses: str) -> Callable[[str, int], Answers]:
    """Answers every name with ``addresses``."""

    def resolve(host: str, port: int) -> Answers:
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in address], (address, port)) for address in addresses]

    return resolve
