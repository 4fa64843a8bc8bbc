"""The clients' files that were read before, as far as they are known to be the same.

A file is the same when the file system says so (size, times, inode), or else when its content is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import NamedTuple

from reconciler.dataclass import dataclass
from reconciler.declare.clients.kept_client import KeptClient, keep_client, outline_client
from reconciler.declare.clients.read_client import ClientFile
from reconciler.declare.files.files import read_regular, show_path
from reconciler.declare.findings.collector import Collector
from reconciler.declare.yaml.text import STRICT
from reconciler.domain.declared.checkout import blob_ids

# A file that was written so shortly before it was looked at may be written again without another
# time: file systems count in steps of up to two seconds.
_STEP = 2_000_000_000  # nanoseconds

LEAST = 100  # files
Stat = tuple[int, ...]


class KeptFile(NamedTuple):
    """A file with nothing wrong. ``stat`` is empty where that could not be relied on; ``ids`` is
    what git would call its content, sorted."""

    stat: Stat
    ids: tuple[str, ...]
    clients: tuple[KeptClient, ...]


@dataclass(slots=True)
class KeptFiles:
    """What was kept of one environment's declaration: of ``ground`` (all that clients are read
    with, in a digest) the ``files`` by path. Reading brings both up to date; ``changed`` says
    whether it did. ``program`` tells which program reads, with all that it is made of."""

    program: Callable[[], str]
    ground: str = ""
    files: dict[str, KeptFile] = field(default_factory=dict)
    changed: bool = False
    _stats: dict[str, Stat] = field(default_factory=dict)

    @staticmethod
    def is_worth(files: Sequence[str]) -> bool:
        """Whether there are enough of them: a few are read as quickly."""
        return len(files) >= LEAST

    def begin(self, ground: str) -> None:
        """Forget what was kept of another ground."""
        ground = f"{self.program()} {ground}"
        if ground != self.ground:
            self.ground, self.files, self.changed = ground, {}, True

    def forget(self) -> None:
        """Forget all of it: nobody found out whether it is still of the same ground."""
        self.changed = self.changed or bool(self.files)
        self.ground, self.files = "", {}

    def find(
        self,
        root: Path,
        paths: Iterable[str],
        environment: str,
        found: Collector,
    ) -> dict[str, ClientFile]:
        """Those of the files that are the same, with their clients in outline."""
        known: dict[str, ClientFile] = {}
        now = time.time_ns()
        for path in paths:
            stat = self._stats[path] = _look(root, path, now)
            kept = self.files.get(path)
            if kept is None:
                continue
            if not stat or stat != kept.stat:
                if _ids(root, path) != kept.ids:
                    continue
                kept = self.files[path] = kept._replace(stat=stat)
                self.changed = self.changed or bool(stat)
            name = show_path(path)
            found.ids[name] = frozenset(kept.ids)
            clients = [outline_client(one, name, environment) for one in kept.clients]
            known[path] = ClientFile(path, clients=clients, kept=True)
        return known

    def keep(
        self,
        files: Sequence[ClientFile],
        environment: str,
        found: Collector,
    ) -> None:
        """Keep what was read of these files, and forget those that are not among them. One that
        names another file is not kept, nor one of which the policy has something to say, nor one
        whose own name is no text."""
        named_by = {source for sources in found.named.values() for source in sources}
        kept: dict[str, KeptFile] = {}
        for file in files:
            name = show_path(file.path)
            if file.kept:
                kept[file.path] = self.files[file.path]
            elif (
                file.silent
                and file.whole
                and name == file.path
                and name not in named_by
                and not any(any(one.violations.values()) for one in file.clients)
            ):
                clients = tuple(keep_client(one, environment) for one in file.clients)
                ids = tuple(sorted(found.ids[name]))
                kept[file.path] = KeptFile(self._stats.get(file.path, ()), ids, clients)
        self.changed = self.changed or kept != self.files
        self.files = kept

    def specs(self) -> dict[str, str]:
        """The specification of each kept client, by name."""
        return {
            one.name.text: one.spec
            for file in self.files.values()
            for one in file.clients
            if one.spec
        }


def _look(
    root: Path,
    path: str,
    now: int,
) -> Stat:
    """What the file system says of a file; nothing where that may stay the same while the content
    changes."""
    try:
        found = os.stat(f"{root}/{path}")  # noqa: PTH116 - ten thousand of them
    except (OSError, ValueError):
        return ()
    if max(found.st_mtime_ns, found.st_ctime_ns) > now - _STEP:
        return ()
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def _ids(root: Path, path: str) -> tuple[str, ...]:
    try:
        data = read_regular(root / path, STRICT.size)
    except (OSError, ValueError):
        return ()
    return () if data is None else tuple(sorted(blob_ids(data)))
