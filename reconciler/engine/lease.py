"""Holding the lease for the length of a run. It saves work; it is not what makes a run safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from reconciler.domain.live.observed import Lease
from reconciler.domain.values.canonical import iso
from reconciler.engine.drive import Driver
from reconciler.errors import LeaseHeldError, ReconcilerError
from reconciler.registry.protocol.documents import release_lease, take_lease

POLL_SECONDS = 0.5


@contextmanager
def hold_lease(
    driver: Driver,
    holder: str,
    ttl: timedelta,
    *,
    wait: bool,
    lost: Callable[[str], None],
    say: Callable[[str], None],
) -> Iterator[None]:
    """Take the lease, renew it in the background, give it back.

    Waits up to twice its ttl for another run, not at all without ``wait``; then raises
    ``LeaseHeldError``. ``lost`` is called with a sentence when it could not be kept.
    """
    _take(driver, holder, ttl, wait=wait, say=say)
    ended = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(driver, holder, ttl, ended, lost), name="lease", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        # a lease that cannot be given back ends by itself after its ttl
        with suppress(ReconcilerError):
            driver.run(release_lease(holder))


def _take(
    driver: Driver,
    holder: str,
    ttl: timedelta,
    *,
    wait: bool,
    say: Callable[[str], None],
) -> None:
    deadline = time.monotonic() + 2 * ttl.total_seconds()
    told = False
    while True:
        lease = driver.run(take_lease(holder, ttl))
        if lease.holder == holder:
            return
        if not wait or time.monotonic() >= deadline:
            raise _held_error(lease)
        if not told:
            say(f"run {lease.holder} holds the lease until {iso(lease.until)}: waiting for it")
            told = True
        time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))


def _held_error(lease: Lease) -> LeaseHeldError:
    return LeaseHeldError(
        "RC398",
        f"run {lease.holder} holds the lease until {iso(lease.until)}",
        "wait for it to end and run the same command again; a lease that nobody renews ends by"
        " itself",
    )


def _keep(
    driver: Driver,
    holder: str,
    ttl: timedelta,
    ended: threading.Event,
    lost: Callable[[str], None],
) -> None:
    """Renew every third of the ttl. Being unable to is told once; commits stay safe without it."""
    while not ended.wait(ttl.total_seconds() / 3):
        try:
            lease = driver.run(take_lease(holder, ttl))
        except ReconcilerError as error:
            lost(f"the lease could not be renewed: {error.message}")
            continue
        if lease.holder != holder:
            lost(f"run {lease.holder} took the lease over")
            return
