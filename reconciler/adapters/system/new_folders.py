"""A folder that is there with all its files, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from reconciler.adapters.system.new_files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, replace_file

_FILE = 0o666  # less what the process's umask takes


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

    Raises ``OSError``.
    """
    target = Path(os.path.abspath(folder))  # noqa: PTH100 - no link is resolved
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    scratch.mkdir()
    try:
        for path, content in files.items():
            place = scratch / path
            place.parent.mkdir(parents=True, exist_ok=True)
            replace_file(place, content, _FILE)
        scratch.rename(target)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(scratch)
        raise
