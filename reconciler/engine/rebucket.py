"""Spreading the registry anew, under the lease."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from reconciler.engine.apply import new_run_id
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.engine import Engine
from reconciler.engine.executor import WORKERS
from reconciler.engine.lease import held_lease
from reconciler.registry.rebucket import rebucket


def spread(engine: Engine, buckets: int, meta: str, meta_version: int, say: Callable[[str], None]) -> int:
    """Move the registry of ``engine`` to ``buckets`` buckets; the number of clients moved.

    Raises ``LeaseHeldError``, ``VaultError`` and ``RegistryError``.
    """
    now = engine.live.now()
    with ThreadPoolExecutor(WORKERS) as pool:
        driver = Driver(engine.live, engine.minter, engine.sender, ServerClock(now), pool)
        holder = new_run_id(now, "sha256:" + "0" * 12)
        with held_lease(driver, holder, engine.environment.lease_ttl, wait=True, lost=say, say=say):
            return driver.run(rebucket(engine.buckets, buckets, meta, meta_version))
