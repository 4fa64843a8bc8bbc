"""Finds and reads the files of a declaration: regular files inside the project, UTF-8, of limited
size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Mark
from reconciler.declare.yaml.text import STRICT, TextLimits
from reconciler.domain.declared.checkout import blob_ids

SUFFIXES = (".yaml", ".yml")
PROJECT_FILE = "reconciler"

# Where each kind lives: file stem at the top, or folder (and whether its subfolders count).
TOP_FILES = {"scopes": "ScopeCatalog", "policy": "GuardrailPolicy"}
CLIENT = "IntegrationClient"
FOLDERS = {"templates": ("IntegrationTemplate", False), "clients": (CLIENT, True)}


def find_project(start: Path) -> Path | None:
    """The nearest folder, from ``start`` upwards, that has a reconciler.yaml (or .yml)."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if any((folder / f"{PROJECT_FILE}{suffix}").exists() for suffix in SUFFIXES):
            return folder
    return None


def project_paths(root: Path) -> list[Path]:
    """The files of ``root`` that make it a project, without a look into them."""
    return [
        root / f"{PROJECT_FILE}{suffix}"
        for suffix in SUFFIXES
        if _is_there(root / f"{PROJECT_FILE}{suffix}")
    ]


def find_misnamed_project(start: Path) -> str | None:
    """The name of a file in ``start`` that differs from reconciler.yaml by case only."""
    try:
        names = sorted(os.listdir(start))  # noqa: PTH208 - names are all that is asked
    except OSError:
        return None
    known = [f"{PROJECT_FILE}{suffix}" for suffix in SUFFIXES]
    return next((name for name in names if name.lower() in known and name not in known), None)


def project_files(root: Path, found: Collector) -> list[str]:
    """reconciler.yaml; both when there is also a reconciler.yml (which is then an error: declared
    twice)."""
    return list(_top_files(root, PROJECT_FILE, found))


def declaration_files(root: Path, found: Collector) -> Iterator[tuple[str, str]]:
    """Every file but the project's as (expected kind, path relative to the project with ``/``), in
    order."""
    for stem, kind in TOP_FILES.items():
        yield from ((kind, name) for name in _top_files(root, stem, found))
    for folder, (kind, deep) in FOLDERS.items():
        if _is_there(root / folder) and stays_inside(root, folder, found):
            yield from ((kind, name) for name in _walk(root, folder, found, deep=deep))


def declares(path: str) -> bool:
    """Whether a file at ``path``, relative to the project, would be read as a part of the
    declaration."""
    if not path.endswith(SUFFIXES):  # said first: evidence is tens of thousands of files
        return False
    pure = PurePosixPath(path)
    if any(part.startswith(".") for part in pure.parts):
        return False
    if len(pure.parts) == 1:
        return pure.stem in (PROJECT_FILE, *TOP_FILES)
    _, deep = FOLDERS.get(pure.parts[0], ("", False))
    return pure.parts[0] in FOLDERS and (deep or len(pure.parts) == 2)


def _top_files(
    root: Path,
    stem: str,
    found: Collector,
) -> Iterator[str]:
    names = (f"{stem}{suffix}" for suffix in SUFFIXES)
    return (name for name in names if _is_there(root / name) and stays_inside(root, name, found))


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _walk(
    root: Path,
    folder: str,
    found: Collector,
    *,
    deep: bool,
) -> Iterator[str]:
    """YAML files below ``folder``. Hidden names are left out; a link to a folder is reported, not
    followed and not passed over: clients behind it would look as if they were deleted."""
    try:
        with os.scandir(root / folder) as entries:
            found_here = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.add("RC101", (folder, 1, 1), f"the folder cannot be read: {error.strerror}")
        return
    for entry in found_here:
        if entry.name.startswith("."):
            continue
        path = f"{folder}/{entry.name}"
        if entry.is_symlink() and (root / path).is_dir():
            found.add("RC113", (show_path(path), 1, 1), "a link to a folder is not followed")
        elif entry.name.endswith(SUFFIXES):
            if not entry.is_symlink() or stays_inside(root, path, found):
                yield path
        elif deep and entry.is_dir():
            yield from _walk(root, path, found, deep=True)


def stays_inside(
    root: Path,
    path: str,
    found: Collector,
) -> bool:
    """Whether no link leads from ``path`` out of the project; reports when one does, and keeps
    where they lead."""
    try:
        base, real = root.resolve(), (root / path).resolve()
    except (OSError, RuntimeError):
        return True  # a circle of links: reading it says so
    if not real.is_relative_to(base):
        found.add("RC113", (show_path(path), 1, 1), "a link leads out of the project")
        return False
    if real != base / path:
        for behind in {*_links(base, path), real} - {base / path}:
            found.name(show_path(behind.relative_to(base).as_posix()), by=show_path(path))
    return True


def _links(base: Path, path: str) -> Iterator[Path]:
    """The links of the project that are followed from ``base``, which has none itself, to
    ``path``."""
    here, left = base, list(PurePosixPath(path).parts)
    while left:
        part = left.pop(0)
        here = here.parent if part == ".." else here / part
        if here.is_symlink():
            if here.is_relative_to(base):
                yield here
            target = PurePosixPath(here.readlink())
            left = [*target.parts[target.is_absolute() :], *left]
            here = Path("/") if target.is_absolute() else here.parent


def name_file(
    path: object,
    mark: Mark,
    found: Collector,
) -> None:
    """Record that a file of the declaration names ``path``, which decides something too. What is
    outside of the project, or declares something itself, is left to others."""
    if isinstance(path, str) and is_inside(path) and not declares(plain_path(path)):
        found.name(plain_path(path), by=mark[0])


def map_named_files(found: Collector) -> dict[str, frozenset[str]]:
    """What the files that were read lead to. Behind a link in place of a folder each file belongs
    to the one that is read through it; the link and its target, where more may be put, to the
    project."""
    named = {path: set(sources) for path, sources in found.named.items()}
    for path, sources in found.named.items():
        for folder in sources & FOLDERS.keys():
            named[path] = named[path] - {folder} | {""}
            named.setdefault(folder, set()).add("")
            for file in found.ids:
                if file.startswith(f"{folder}/") and path != folder:
                    named.setdefault(path + file.removeprefix(folder), set()).add(file)
    return {path: frozenset(sources) for path, sources in named.items()}


def plain_path(path: str) -> str:
    """A path inside the project as git writes it."""
    return str(PurePosixPath(path))


def show_path(path: str) -> str:
    """``path`` as text that can be printed, whatever bytes the file system has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read(
    root: Path,
    path: str,
    found: Collector,
    limits: TextLimits = STRICT,
) -> str | None:
    """The text of a file of the project, or None after reporting why not. Never blocks on a pipe.

    That the path ``stays_inside`` is the caller's care: for ten thousand files one look per folder
    does.
    """
    name = show_path(path)
    start = (name, 1, 1)
    try:
        data = read_regular(root / path, limits.size)
    except OSError as error:
        found.add("RC101", start, f"the file cannot be read: {error.strerror or 'not a file'}")
        return None
    except ValueError:
        found.add("RC101", start, "the name of the file is not valid")
        return None
    if data is None:
        found.add("RC102", start, "this is not a regular file")
        return None
    if len(data) > limits.size:
        found.add("RC103", start, f"the file is larger than {limits.size >> 10} KiB")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        before = data[data.rfind(b"\n", 0, error.start) + 1 : error.start]
        column = len(before.decode("utf-8", "replace")) + 1
        found.add("RC104", (name, line, column), f"the byte 0x{data[error.start]:02X} is not UTF-8")
        return None
    found.texts[name] = text
    found.ids[name] = blob_ids(data)
    return text


def read_regular(path: Path, limit: int) -> bytes | None:
    """At most ``limit`` + 1 bytes; None when it is not a regular file. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        pieces, size = [], 0
        while size <= limit and (piece := os.read(descriptor, limit + 1 - size)):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def is_inside(path: str) -> bool:
    """Whether ``path`` is relative, has no ``..`` and names something below the project."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and ".." not in parts
        and "\\" not in path
        and "\0" not in path
    )
