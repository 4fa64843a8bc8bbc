"""What this program holds in memory stays there: no core file, no look from beside, no log of TLS
keys."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of glibc
_LARGE = 256 * 1024  # bytes


def keep_to_itself() -> None:
    """Before a secret is read. Limit and variable count for the programs that are started, too;
    git's connections and those of its hooks would be logged as ours.

    The limit alone does not keep the kernel from handing a core to a program that collects them. A
    process that is not dumpable gives none, nor lets others of the same user look into it.
    """
    os.environ.pop("SSLKEYLOGFILE", None)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def collect_seldom() -> None:
    """Look for cycles among objects a hundred times less often. What a command makes lives to its
    end, and looking for what does not costs a tenth of it where there are many clients."""
    gc.set_threshold(70_000, 20, 100)


def share_memory() -> None:
    """All threads take memory from one place, and what is large goes back to the system at once.

    Else each of dozens of threads keeps what it has freed, and what a large text has left is too
    small for the next one. Python has a lock of its own around nearly all of it. Before the first
    thread begins; of another C library than glibc nothing is asked.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            allocator = ctypes.CDLL(None)
            allocator.mallopt(_M_ARENA_MAX, 1)
            allocator.mallopt(_M_MMAP_THRESHOLD, _LARGE)
