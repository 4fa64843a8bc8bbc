"""Spreading the registry anew, under the lease."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

from reconciler.domain.values.names import bucket_names
from reconciler.engine.apply import new_run_id
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine
from reconciler.engine.executor import BUCKET_WORKERS
from reconciler.engine.lanes import Lanes, Pauses
from reconciler.engine.lease import hold_lease
from reconciler.registry.protocol.rebucket import close_left, rebucket

_BUCKET = re.compile(r"[0-9a-f]{1,3}")


def close_rest(engine: Engine) -> int:
    """Close the buckets that a move which died left open; how many.

    Raises as ``spread_registry`` does.
    """
    there = frozenset(filter(_BUCKET.fullmatch, engine.live.list_documents("buckets")))
    left = there - frozenset(bucket_names(engine.buckets))
    if not left:
        return 0
    now = engine.live.now()
    with _open_driver(engine, now) as driver:
        return driver.run(close_left(left, engine.buckets))


def spread_registry(
    engine: Engine,
    buckets: int,
    meta: str,
    meta_version: int,
    say: Callable[[str], None],
) -> int:
    """Move the registry of ``engine`` to ``buckets`` buckets; the number of clients moved.

    Raises ``LeaseHeldError``, ``VaultError`` and ``RegistryError``.
    """
    now = engine.live.now()
    with _open_driver(engine, now) as driver:
        holder = new_run_id(now)
        with hold_lease(
            driver,
            holder,
            engine.environment.lease_ttl,
            wait=True,
            lost=say,
            say=say,
        ):
            return driver.run(rebucket(engine.buckets, buckets, meta, meta_version))


@contextmanager
def _open_driver(engine: Engine, now: datetime) -> Iterator[Driver]:
    """One with threads for reading many buckets at once; a move delivers nothing."""
    with (
        ThreadPoolExecutor(BUCKET_WORKERS) as pool,
        Pauses(lambda: not engine.stopping()) as pauses,
    ):
        yield engine.driver(now, Lanes(pool, pauses))
