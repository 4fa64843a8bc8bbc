"""Reads the files of many clients on several cores.

Only what has nothing wrong with it comes from another process: a file with a finding is read again
here, so that findings come about in one way and one order.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.dataclass import dataclass
from reconciler.declare.clients.read_client import ClientFile
from reconciler.declare.clients.reader import ClientReader

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# A process costs about what it takes to read fifty files.
_LEAST = 300  # files for each process
_MOST = 8  # processes


def read_files(
    reader: ClientReader,
    paths: Sequence[str],
    processes: int | None = None,
) -> list[ClientFile]:
    """What is in these files, in this order. ``processes`` None: as many as there are cores and
    enough work for."""
    share = -(-len(paths) // (processes or _count_processes(len(paths)))) or 1
    shares = [paths[begin : begin + share] for begin in range(0, len(paths), share)]
    copies: list[_Copy] = []
    try:
        with suppress(OSError):  # no more processes or pipes are to be had
            for part in shares[1:]:
                copies.append(_Copy(reader, part))  # noqa: PERF401 - those that began are ended
        files = [file for part in shares[:1] for file in reader.read(part)]
        for copy in copies:
            files += copy.files()
        for part in shares[1 + len(copies) :]:
            files += reader.read(part)
    finally:
        for copy in copies:
            copy.end()
    return files


def _count_processes(files: int) -> int:
    """A process that has threads is not copied, and only Linux copies one safely."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), files // _LEAST, _MOST))


@dataclass(frozen=True, slots=True)
class _Share:
    """What another process found: the clean files, and what a collector keeps besides."""

    files: dict[str, ClientFile]
    ids: dict[str, frozenset[str]]
    named: dict[str, set[str]]


class _Copy:
    """A copy of this process that reads some of the files and ends."""

    def __init__(
        self,
        reader: ClientReader,
        paths: Sequence[str],
    ) -> None:
        # Imported here: few projects have as many clients as it takes.
        from multiprocessing import get_context  # noqa: PLC0415

        self._reader = reader
        self._paths = paths
        context = get_context("fork")
        self._connection, end = context.Pipe(duplex=False)
        self._child = context.Process(target=_read_share, args=(reader, paths, end), daemon=True)
        self._child.start()
        end.close()

    def files(self) -> Iterator[ClientFile]:
        """What is in its files. Those that are not clean are read here; all are, when it died."""
        share = self._receive()
        self._reader.found.take_in(share.ids, share.named)
        for path in self._paths:
            clean = share.files.get(path)
            yield from self._reader.read([path]) if clean is None else [clean]

    def end(self) -> None:
        self._connection.close()
        self._child.kill()
        self._child.join()

    def _receive(self) -> _Share:
        try:
            share: _Share = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - it is ours
        except (EOFError, OSError):  # it died, perhaps while it was sending
            return _Share({}, {}, {})
        return share


def _read_share(
    reader: ClientReader,
    paths: Sequence[str],
    end: Connection,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is answered by the first process
    known = {*reader.found.ids}
    # Whatever stops this process is met again by the first one, which can say so.
    with suppress(Exception):
        files = {file.path: file for file in reader.read(paths) if file.clean}
        ids = {path: one for path, one in reader.found.ids.items() if path not in known}
        share = _Share(files, ids, reader.found.named)
        end.send_bytes(pickle.dumps(share, pickle.HIGHEST_PROTOCOL))
