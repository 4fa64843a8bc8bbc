"""What this program is made of, so that what one version kept is nothing to another."""

from __future__ import annotations

import hashlib
import os
import sys
import zoneinfo
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_OURS = "reconciler"
# Packages that also decide what a declaration means.
_OTHERS = ("yaml", "tzdata")


def describe_program() -> str:
    """A digest over Python's version, the files of the packages that decide what a declaration
    means, and the database of time zones: their names, sizes and times."""
    found = hashlib.sha256(sys.version.encode())
    for line in sorted(_list_files()):
        found.update(line.encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def _list_files() -> Iterator[str]:
    for name in (_OURS, *_OTHERS):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            yield from _describe_tree(Path(spec.origin).parent, deep=name == _OURS)
    for folder in zoneinfo.TZPATH:
        yield from _describe(os.path.join(folder, "tzdata.zi"))  # noqa: PTH118 - many, and quickly
        yield from _describe(folder)


def _describe_tree(folder: Path, *, deep: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if deep and entry.is_dir() and entry.name != "__pycache__":
                yield from _describe_tree(Path(entry.path), deep=True)
            elif entry.is_file():
                yield from _describe(entry.path)


def _describe(path: str) -> Iterator[str]:
    try:
        found = os.stat(path)  # noqa: PTH116 - likewise
    except OSError:
        return
    yield f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n"
