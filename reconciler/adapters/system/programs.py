"""Where other people's programs are found: by absolute entries of PATH alone.

A relative entry, or an empty one (``PATH=:/usr/bin``), means the working directory: the project,
whose files anybody wrote.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """The path of a program; None when it is not installed."""
    return shutil.which(name, path=search_path(environ))


def search_path(environ: Mapping[str, str]) -> str:
    """PATH without its relative entries, for us and for what we start."""
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(filter(os.path.isabs, folders))
