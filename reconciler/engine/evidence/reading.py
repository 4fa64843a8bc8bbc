"""The files of a log, as a verification takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.ports import StoredFiles
from reconciler.errors import AuditError
from reconciler.evidence.verification.walk import CHECKPOINT, KEYS, LogFiles

# So many entries are read at once.
_PART = 256


def gather_log_files(stored: StoredFiles, where: LogPlaces, place: str) -> LogFiles:
    """``place`` is ``<project>/<environment>``, with which the origin begins.

    Raises ``AuditError``.
    """
    names = sorted(stored.names(where.folder) - {KEYS, CHECKPOINT})
    reports = [name for name in stored.names(where.reports) if "." in name]
    keys, checkpoint = stored.read([where.keys, where.checkpoint])
    return LogFiles(
        _read_entries(stored, where.folder, names),
        lambda name: _read_below(stored, name),
        keys=keys,
        checkpoint=checkpoint,
        present=[str(where.reports / name) for name in reports],
        folder=str(where.folder),
        place=place,
    )


def _read_entries(
    stored: StoredFiles, folder: PurePosixPath, names: list[str]
) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(names), _PART):
        part = names[start : start + _PART]
        contents = stored.read([folder / name for name in part])
        for name, content in zip(part, contents, strict=True):
            yield name, content or b""


def _read_below(stored: StoredFiles, name: str) -> bytes | None:
    """A file that an entry names. What would lie outside the project is not there."""
    try:
        return stored.read([PurePosixPath(name)])[0]
    except AuditError:
        return None
