"""When a request is sent again, and after how long.

A read, and a write that does the same when it is done twice, is tried again after every failure
that passes. Any other write is tried again only when it certainly was not applied: it never left
this machine, or Vault itself refused it for now. Else its fate is unknown, and only the protocol
may settle it, by looking at what is there.
"""

from __future__ import annotations

import random

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.answer import error_texts, server_time
from reconciler.adapters.vault.http.exchanged import Reply
from reconciler.dataclass import dataclass

# Statuses that mean: not now. Of these a write was certainly not applied by WRITE_TRANSIENT.
TRANSIENT = frozenset({412, 429, 472, 473, 500, 502, 503, 504})
WRITE_TRANSIENT = frozenset({412, 429, 472, 473})
# a KV v2 mount in its first second, status 400; a standby says so, too
UPGRADING = "from non-versioned to versioned"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to insist. Times in seconds.

    No try begins once ``budget`` is used up, but for a second one after a first that took all of
    it. The default outlasts the election of a new leader. ``opening`` is the budget for a server
    that has not served us yet, or not since it was given up: a wrong address, or one that stays
    sealed, is told soon.
    """

    tries: int = 5000  # an hour of patience, the most that can be declared, never comes to so many
    budget: float = 30.0
    opening: float = 4.0
    first: float = 0.2
    longest: float = 3.0

    def pause(self, tried: int, asked: float | None = None) -> float:
        """Exponential back-off with jitter, on top of what the server asked for."""
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        return min(self.first * float(2 ** min(tried - 1, 16)), self.longest) * jitter + (
            asked or 0.0
        )

    def allows(
        self,
        tried: int,
        elapsed: float,
        pause: float,
        *,
        known: bool,
    ) -> bool:
        """Whether there is another try after ``tried`` of them in ``elapsed`` seconds and a
        ``pause``. ``known``: the server served us before, or says itself how long it wants to be
        left alone."""
        budget = self.budget if known else min(self.budget, self.opening)
        spent = pause if tried == 1 else elapsed + pause
        return tried < self.tries and spent < budget


def read_retry_after(reply: Reply) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3). A date counts from the reply's own ``Date``,
    never from this machine's clock. None when there is none, or none that can be read."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    until, now = server_time(text), server_time(reply.headers.get("date"))
    return None if until is None or now is None else max(0.0, (until - now).total_seconds())


def is_transient(path: str, reply: Reply, *, repeatable: bool) -> bool:
    """Whether ``reply`` allows the same request to be sent again."""
    if reply.status == 400:
        return any(UPGRADING in text for text in error_texts(reply))
    if path == "sys/health":
        return False  # its status is the answer
    if lost_its_data(reply):
        return False
    if repeatable:
        return reply.status in TRANSIENT
    return reply.status in WRITE_TRANSIENT or is_sealed(reply)


def lost_its_data(reply: Reply) -> bool:
    """Whether the version that was asked for is on record without its data: no waiting brings that
    back."""
    return reply.status == 500 and any(
        errors.NO_VERSION_DATA in text for text in error_texts(reply)
    )


def is_sealed(reply: Reply) -> bool:
    """Whether it is Vault itself that says so: such a write was not applied."""
    return reply.status == 503 and any("sealed" in text.lower() for text in error_texts(reply))
