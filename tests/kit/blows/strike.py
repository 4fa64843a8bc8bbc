"""A blow at one request of a run: the requests to Vault, through a proxy, and the deliveries, at a
receiver."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kit.vault.proxy import PASS, RESET_AFTER, RESET_BEFORE, Action, then
from tests.kit.webhooks.receivers import Handler


@dataclass
class Strike:
    """Calls ``blow`` at the request number ``at`` (from 1; 0: never, only count), and with
    ``times`` at the next ones.

    ``after``: when the server has answered and before the client hears of it; otherwise before the
    server hears of the request. ``deadly``: the blow ends the client, so that nobody is left to be
    answered.
    """

    at: int = 0
    after: bool = False
    blow: Callable[[], None] = lambda: None
    deadly: bool = True
    times: int = 1
    count: int = 0
    hit: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rule(self, _number: int, method: str, path: str) -> Action:
        """For ``proxying``."""
        if not self._due(f"{method} {path}"):
            return PASS
        if self.after:
            return then(self.blow, RESET_AFTER if self.deadly else PASS)
        self.blow()
        return RESET_BEFORE if self.deadly else PASS

    def receive(self, handler: Handler) -> None:
        """For ``receiving``: accepts every delivery."""
        if self._due("delivery"):
            self.blow()
            if self.deadly:
                return
        handler.reply(204)

    def _due(self, what: str) -> bool:
        with self.lock:
            self.count += 1
            due = 0 < self.at <= self.count < self.at + self.times
            if due:
                self.hit = what
            return due
