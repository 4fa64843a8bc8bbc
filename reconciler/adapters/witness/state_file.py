"""What a witness saw last, in a file of its own. It holds no secret."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.adapters.system.new_files import replace_file
from reconciler.errors import EvidenceError

_FILE = 0o666  # less what the process's umask takes


@contextmanager
def hold_state_file(path: Path) -> Iterator[None]:
    """Nobody else changes ``path`` meanwhile: two witnesses with one memory could cosign two logs
    of one size. Raises ``EvidenceError`` RC692."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _state_error(path, error) from None
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def read_state_file(path: Path) -> bytes | None:
    """None where there is none. Raises ``EvidenceError`` RC692."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _state_error(path, error) from None


def write_state_file(path: Path, content: bytes) -> None:
    """Replace it, whole or not at all. Raises ``EvidenceError`` RC692."""
    try:
        replace_file(path, content, _FILE)
    except OSError as error:
        raise _state_error(path, error) from None


def _state_error(path: Path, error: OSError) -> EvidenceError:
    return EvidenceError(
        "RC692",
        f"the state file {path} cannot be read or written: {error.strerror}",
        "name a file in a folder that is there and that this user may write to",
    )
