"""A sender that is made when it is first used: a plan delivers nothing, and imports nothing for
it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from reconciler.engine.ports import Sender
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse


class LateSender:
    """``reconciler.engine.ports.Sender``. ``make`` makes the one that sends."""

    def __init__(self, make: Callable[[], Sender]) -> None:
        self._sender = cache(make)

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        return self._sender().send(request)
