"""Report files on disk: atomic each, and never through a symbolic link."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from reconciler.adapters.git.errors import audit_error
from reconciler.adapters.system.new_files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, write_into

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_ABANDONED = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_path(path: PurePosixPath) -> None:
    """A path below the project, not the project itself, and not git's own.

    Raises ``AuditError`` (RC606).
    """
    parts = path.parts
    if (
        path.is_absolute()
        or not parts
        or ".." in parts
        or parts[0].lower() == ".git"
        or "\0" in str(path)
    ):
        raise audit_error("RC606", f"{str(path)!r} is no path below the project")


def write_atomically(root: Path, path: PurePosixPath, text: str) -> None:
    """Replace ``root/path`` by ``text`` (UTF-8): whoever reads sees the old or the new file, never
    a part.

    Directories are made. Every component is opened relative to the one before it without following
    links, so that nothing is written elsewhere even if somebody swaps a directory meanwhile. Raises
    ``AuditError``.
    """
    check_path(path)
    try:
        with _directory(root, path.parent, make=True) as folder:
            write_into(folder, path.name, text, 0o644)
    except OSError as error:
        raise _map_error(error, path) from None


def remove_file(root: Path, path: PurePosixPath) -> None:
    """Remove ``root/path``, where it is there; what a link in its place leads to stays. Raises
    ``AuditError``."""
    check_path(path)
    try:
        with _directory(root, path.parent, make=False) as folder:
            os.unlink(path.name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _map_error(error, path) from None


def sweep(root: Path, directory: PurePosixPath) -> None:
    """Remove what killed runs left half-written in ``root/directory``.

    Whoever is still writing holds a lock.
    """
    with suppress(OSError), _directory(root, directory, make=False) as folder:
        for entry in os.scandir(folder):
            if entry.name.startswith(TEMPORARY_PREFIX) and entry.name.endswith(TEMPORARY_SUFFIX):
                with suppress(OSError):
                    _remove_abandoned(folder, entry.name)


def refuse_links(root: Path, directory: PurePosixPath) -> bool:
    """Whether ``root/directory`` exists.

    Raises ``AuditError`` (RC606) when a component of it is a link.
    """
    check_path(directory)
    try:
        with _directory(root, directory, make=False):
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _map_error(error, directory) from None


def read_text(root: Path, path: PurePosixPath) -> str | None:
    """The text of a regular file; None when there is none or it is not UTF-8.

    Raises ``AuditError``.
    """
    content = read_bytes(root, path)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None


def read_bytes(root: Path, path: PurePosixPath) -> bytes | None:
    """The content of a regular file; None when there is none.

    Raises ``AuditError``.
    """
    try:
        with (
            _directory(root, path.parent, make=False) as folder,
            os.fdopen(os.open(path.name, _OLD_FILE, dir_fd=folder), "rb") as file,
        ):
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link in its place is replaced, never followed
            return None
        raise _map_error(error, path) from None


def names_in(root: Path, directory: PurePosixPath) -> list[str]:
    """Names in ``root/directory``, sorted; none when it is not there. Raises ``AuditError``."""
    check_path(directory)
    try:
        with _directory(root, directory, make=False) as folder:
            return sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _map_error(error, directory) from None


@contextmanager
def _directory(root: Path, path: PurePosixPath, *, make: bool) -> Iterator[int]:
    """A descriptor of ``root/path``.

    ``root`` itself may be reached through links; nothing below it.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in path.parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            below = os.open(part, _DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def _remove_abandoned(folder: int, name: str) -> None:
    """Raises ``OSError`` when somebody is writing it, or has just renamed it."""
    number = os.open(name, _ABANDONED, dir_fd=folder)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=folder)
    finally:
        os.close(number)


def _map_error(error: OSError, path: PurePosixPath) -> Exception:
    # Linux answers ENOTDIR for O_DIRECTORY | O_NOFOLLOW on a link, other systems ELOOP.
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return audit_error("RC606", f"a directory of {path} is a symbolic link or a file")
    if error.errno in _NO_ROOM:
        return audit_error("RC609", f"{path}: no room left on the disk")
    return audit_error("RC609", f"{path}: {os.strerror(error.errno or 0)}")


def reports_in(root: Path, directory: PurePosixPath) -> Iterator[str]:
    """The texts of the JSON reports on disk in ``root/directory``. Raises ``AuditError``."""
    for name in names_in(root, directory):
        text = read_text(root, directory / name) if name.endswith(".json") else None
        if text is not None:
            yield text
