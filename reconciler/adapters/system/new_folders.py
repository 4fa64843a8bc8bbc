"""A folder that is there with all its files, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from reconciler.adapters.system.new_files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX


def is_free(folder: Path) -> bool:
    """Whether a folder may be made here: nothing is there, or an empty folder that is no link.

    Raises ``OSError``.
    """
    if not os.path.lexists(folder):
        return True
    return folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())


def write_folder(folder: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    """Make ``folder`` with ``files``, by their paths below it. They are written beside it and
    renamed at once; an empty folder is replaced, and one that is not empty is left alone.

    It is not waited for that the disk has them, which takes a millisecond a file: after a loss of
    power the folder may have to be made again. Raises ``OSError``.
    """
    target = Path(os.path.abspath(folder))  # noqa: PTH100 - no link is resolved
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    scratch.mkdir()
    try:
        for below in {path.parent for path in files}:
            (scratch / below).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            write_new(scratch / path, content)
        scratch.rename(target)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(scratch)
        raise


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet. Raises ``OSError``."""
    with path.open("xb") as file:
        file.write(content)
