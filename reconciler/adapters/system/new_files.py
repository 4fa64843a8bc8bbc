"""Files that are written whole or not at all, and never through a link that somebody put there
before us."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# What a run leaves behind that was killed between write and rename; the next run sweeps it out of
# the audit directory.
TEMPORARY_PREFIX = ".reconciler-"
TEMPORARY_SUFFIX = ".tmp"
_PART = 1 << 20  # of a long text so much is turned into bytes at once
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace_file(path: Path, content: str | bytes, mode: int) -> None:
    """Replace ``path`` by ``content``, a text in UTF-8: whoever reads sees the old or the new file,
    never a part.

    ``mode`` is less what the process's umask takes. A link at ``path`` is replaced, not followed.
    Raises ``OSError``.
    """
    folder = os.open(path.parent, _FOLDER)
    try:
        write_into(folder, path.name, content, mode)
    finally:
        os.close(folder)


def write_into(
    folder: int,
    name: str,
    content: str | bytes,
    mode: int,
) -> None:
    """Replace the file ``name`` in the directory that the descriptor ``folder`` is open at.

    Raises ``OSError``.
    """
    with _temporary(folder, mode) as (scratch, file):
        for at in range(0, len(content), _PART):
            part = content[at : at + _PART]
            file.write(part.encode("utf-8") if isinstance(part, str) else part)
        file.flush()
        os.fsync(file.fileno())
        os.rename(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


@contextmanager
def _temporary(folder: int, mode: int) -> Iterator[tuple[str, BinaryIO]]:
    """A new locked file and its name; removed when what is done with it fails. It stays locked
    until it has its final name: a lock ends with the program that holds it, however that ends."""
    name, number = _new_file(folder, mode)
    try:
        with os.fdopen(number, "wb") as file:
            yield name, file
    except BaseException:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise


def _new_file(folder: int, mode: int) -> tuple[str, int]:
    """Nobody can have put a file or a link at its name, which is random and must not exist yet."""
    while True:
        name = f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        number = os.open(name, _NEW_FILE, mode, dir_fd=folder)
        with suppress(OSError):  # a file system without locks: then nobody sweeps there either
            fcntl.flock(number, fcntl.LOCK_EX)
        if os.fstat(number).st_nlink:
            return name, number
        os.close(number)  # swept away by another run before it was locked
