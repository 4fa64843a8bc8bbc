"""The files of a log, as a verification takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from reconciler.engine.evidence.places import LogPlaces, is_archive
from reconciler.engine.ports import StoredFiles
from reconciler.errors import AuditError
from reconciler.evidence.verification.walk import CHECKPOINT, KEYS, LogFiles

# So many entries are read at once.
_PART = 256
_AHEAD = 1 << 20


def gather_log_files(stored: StoredFiles, where: LogPlaces, place: str) -> LogFiles:
    """``place`` is ``<project>/<environment>``, with which the origin begins.

    Raises ``AuditError``.
    """
    present = [str(where.reports / name) for name in stored.names(where.reports) if "." in name]
    former = _gather_former(stored, where, place)
    return replace(
        _gather_alone(stored, where, place), present=present, former=list(former.values())
    )


def gather_former_log(stored: StoredFiles, where: LogPlaces, name: str, place: str) -> LogFiles:
    """The files of the former log in the folder ``name`` beside the log, to be verified alone: with
    the other logs beside it. Raises ``AuditError``."""
    former = _gather_former(stored, where, place)
    chosen = former.pop(name, None) or _gather_one(stored, where, name, place)
    return replace(chosen, beside=[_gather_alone(stored, where, place), *former.values()])


def _gather_former(stored: StoredFiles, where: LogPlaces, place: str) -> dict[str, LogFiles]:
    """Each former log alone, by the name of its folder."""
    names = sorted(filter(is_archive, stored.names(where.reports)))
    return {name: _gather_one(stored, where, name, place) for name in names}


def _gather_one(stored: StoredFiles, where: LogPlaces, name: str, place: str) -> LogFiles:
    former = _gather_alone(stored, LogPlaces(where.reports, name), place)
    return replace(former, written=str(where.folder))


def _gather_alone(stored: StoredFiles, where: LogPlaces, place: str) -> LogFiles:
    names = sorted(stored.names(where.folder) - {KEYS, CHECKPOINT})
    reports = sorted(name for name in stored.names(where.reports) if "." in name)
    keys, checkpoint = stored.read([where.keys, where.checkpoint])
    return LogFiles(
        _read_entries(stored, where.folder, names),
        ReadAhead(stored, where.reports, reports),
        keys=keys,
        checkpoint=checkpoint,
        folder=str(where.folder),
        place=place,
    )


def _read_entries(
    stored: StoredFiles,
    folder: PurePosixPath,
    names: list[str],
) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(names), _PART):
        part = names[start : start + _PART]
        contents = stored.read([folder / name for name in part])
        for name, content in zip(part, contents, strict=True):
            yield name, content or b""


class ReadAhead:
    """Gives files by their paths from the project's root, one at a time. Those of ``names`` in
    ``folder`` are read several at once, because a commit is asked with one command for many, and
    entries name their reports nearly in the order of their names. So many are ahead that they take
    about ``_AHEAD`` bytes."""

    def __init__(self, stored: StoredFiles, folder: PurePosixPath, names: Sequence[str]) -> None:
        self._stored, self._folder = stored, folder
        self._names = names
        self._places = {name: place for place, name in enumerate(names)}
        self._ahead: dict[str, bytes | None] = {}
        self._count = 1

    def __call__(self, name: str) -> bytes | None:
        """None: it is not there, or would lie outside the project."""
        path = PurePosixPath(name)
        if path.parent != self._folder or not self._stored.commit:
            return self._read_one(path)
        if path.name not in self._places:
            return None
        if path.name not in self._ahead:
            self._read_from(self._places[path.name])
        return self._ahead.pop(path.name)

    def _read_one(self, path: PurePosixPath) -> bytes | None:
        try:
            return self._stored.read([path])[0]
        except AuditError:
            return None

    def _read_from(self, place: int) -> None:
        names = self._names[place : place + self._count]
        contents = self._stored.read([self._folder / name for name in names])
        self._ahead = dict(zip(names, contents, strict=True))
        size = sum(len(content or b"") for content in contents) // len(names)
        self._count = max(1, min(_PART, _AHEAD // max(size, 1)))
