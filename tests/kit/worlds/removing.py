"""Reports that are erased or archived in an environment in memory, and where their bytes still
are."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from reconciler.engine.removal import Removed, archive_reports, erase_reports
from reconciler.registry.codec.log_codec import unpack
from tests.kit.worlds.evident import WHERE, Evident, NamedLedger
from tests.kit.worlds.faults import Crash, Fault, Faulty, crash_after
from tests.kit.worlds.memory import World


class Deadly(Faulty):
    """Removing a document is a moment, too."""

    def delete_document(self, name: str) -> None:
        self._step(name)
        super().delete_document(name)


class DeadlyLedger(NamedLedger):
    """Dies at the operation number ``at`` (from 0), before it or after it."""

    at, count, hit = -1, 0, ""
    fault: Fault | None = None

    def write(self, files: Mapping[PurePosixPath, str]) -> None:
        for path, text in files.items():
            if self._die("write", before=True):
                raise Crash
            super().write({path: text})
            if self._die("write", before=False):
                raise Crash

    def remove(self, paths: Collection[PurePosixPath]) -> None:
        for path in paths:
            if self._die("remove", before=True):
                raise Crash
            super().remove([path])
            if self._die("remove", before=False):
                raise Crash

    def _die(self, what: str, *, before: bool) -> bool:
        due = self.count == self.at and before == (self.fault is not crash_after)
        if due:
            self.hit = what
        self.count += 0 if before else 1
        return due


@dataclass
class Keeper:
    """Keeps files in memory, as somebody who has them before they go."""

    root: Path
    files: dict[str, bytes] = field(default_factory=dict)

    def keep(self, files: Mapping[str, str]) -> None:
        for name, digest in files.items():
            path = self.root / name
            if path.exists():  # else an earlier try kept it
                self.files[name] = path.read_bytes()
            assert hashlib.sha256(self.files[name]).hexdigest() == digest


def erase(
    evident: Evident,
    *runs: str,
    live: Any = None,
    ledger: DeadlyLedger | None = None,
    dry_run: bool = False,
) -> Removed:
    engine = evident.engine(live)
    engine = replace(engine, ledger=ledger or engine.ledger)
    return erase_reports(engine, runs, dry_run=dry_run)


def archive(
    evident: Evident,
    keeper: Keeper,
    *,
    live: Any = None,
    ledger: DeadlyLedger | None = None,
) -> Removed:
    """Everything that is there by now."""
    engine = evident.engine(live)
    engine = replace(engine, ledger=ledger or engine.ledger)
    return archive_reports(engine, evident.world.at + timedelta(seconds=1), keeper.keep)


def reports_of(evident: Evident, run: str) -> list[Path]:
    return sorted((evident.root / WHERE.reports).glob(f"{run}.*"))


def digest_reports(paths: Sequence[Path]) -> set[str]:
    """The SHA-256 of each."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def find_bytes(world: World) -> set[str]:
    """The SHA-256 of every report file whose bytes the registry has. The reports of these worlds
    fit one part."""
    found: set[str] = set()
    for name, entry in world.documents.items():
        if "/part-" in name:
            for one in entry.versions.values():
                _, files = unpack([one["doc"]], name)
                found |= {hashlib.sha256(text.encode()).hexdigest() for text in files.values()}
    return found


def assert_forgotten(evident: Evident, run: str, gone: set[str]) -> None:
    """The report of a run is nowhere, and the log holds."""
    evident.judge()
    assert not reports_of(evident, run)
    assert not gone & find_bytes(evident.world)
