"""Waiting for the server's clock: bounded, and never an assertion about how long something took."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_SECONDS = 40.0


def until(condition: Callable[[], bool], every: float = 0.2) -> None:
    """Return once ``condition`` holds; fail the test when it does not come to hold."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(every)
