"""One file for each environment of a working copy, below the user's cache directory.

It is no state: whoever cannot read it, or does not trust it, goes the long way. It holds no secret.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from reconciler.adapters.system.new_files import replace_file

_T = TypeVar("_T")
_FORMAT = b"reconciler kept 1\n"
_SUM = hashlib.sha256().digest_size
_LARGEST = 1 << 30  # bytes


def cache_file(
    environ: Mapping[str, str],
    root: Path,
    environment: str,
) -> Path | None:
    """Where it is kept: below ``$XDG_CACHE_HOME``, or ``~/.cache``; None where there is no such
    place. Its name tells nothing of the project."""
    given, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if given.startswith("/"):
        base = Path(given)
    elif home.startswith("/"):
        base = Path(home, ".cache")
    else:
        return None
    where = hashlib.sha256(f"{root.resolve()}\0{environment}".encode("utf-8", "surrogateescape"))
    return base / "reconciler" / f"plan-{where.hexdigest()[:32]}"


def read_kept(path: Path, form: type[_T]) -> _T | None:
    """What is kept in ``path``; None where that is damaged, of another form, or not this user's
    alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not _is_ours(os.fstat(descriptor)):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = memoryview(file.read())
    finally:
        os.close(descriptor)
    begin = len(_FORMAT) + _SUM
    if data[:begin] != _FORMAT + hashlib.sha256(data[begin:]).digest():
        return None
    try:
        return msgspec.msgpack.decode(data[begin:], type=form)
    except (ValueError, RecursionError):
        return None


def write_kept(path: Path, value: Any) -> None:
    """Keep ``value``, readable by this user alone. That it cannot be kept is no error."""
    # ValueError, OverflowError: a name or a time that the format has no room for
    with suppress(OSError, ValueError, OverflowError):
        body = msgspec.msgpack.encode(value)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, _FORMAT + hashlib.sha256(body).digest() + body, 0o600)


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else can have written it, or can read it."""
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == os.geteuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
        and found.st_size <= _LARGEST
    )
