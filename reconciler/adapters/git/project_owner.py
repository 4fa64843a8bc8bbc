"""Whose project it is. One that somebody else can write decides who receives our tokens: it is
refused, as git does.

git's own setting ``safe.directory`` counts here, too: jobs in containers need it. (git:
``safe.directory`` in git-config(1); under sudo who asked for it counts as well as root.)
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reconciler.adapters.git.programs import Programs, options_for, safe_directories, variables_for
from reconciler.adapters.system.programs import find_program


def is_foreign(
    root: Path,
    files: Iterable[Path],
    environ: Mapping[str, str],
    user: int | None = None,
) -> bool:
    """Whether ``root``, a folder, or one of ``files`` in it belongs to another user, and no setting
    of git says that this is fine. ``user``: who we are, by default the process's own."""
    ours = _ourselves(os.geteuid() if user is None else user, environ)
    owners = {path.lstat().st_uid for path in (root, *files)}
    return not owners <= ours and not _is_safe(root.resolve(), environ)


def _ourselves(user: int, environ: Mapping[str, str]) -> set[int]:
    asked = environ.get("SUDO_UID", "")
    return {user, int(asked)} if user == 0 and asked.isascii() and asked.isdigit() else {user}


def _is_safe(root: Path, environ: Mapping[str, str]) -> bool:
    """The last empty value takes back what stood before it, as in git."""
    safe = False
    for value in _values(environ):
        safe = bool(value) and (safe or _names(value, root))
    return safe


def _names(value: str, root: Path) -> bool:
    """Whether a value of ``safe.directory`` names the project, or a folder that it lies in: the
    repository's."""
    if value == "*":
        return True
    if value.endswith("/*"):
        return (
            root.is_relative_to(Path(value[:-2]).resolve()) and root != Path(value[:-2]).resolve()
        )
    return Path(value).is_absolute() and root.is_relative_to(Path(value).resolve())


def _values(environ: Mapping[str, str]) -> Iterator[str]:
    """Of the system's and the user's settings and of the environment, never of a repository's
    own."""
    program = find_program("git", environ)
    if program is None:
        return
    said = [part for setting in safe_directories(environ) for part in ("-c", setting)]
    asked = ("config", "--show-scope", "--null", "--path", "--get-all", "safe.directory")
    done = subprocess.run(
        [program, *options_for(Programs.NONE, ()), *said, *asked],
        cwd="/",
        capture_output=True,
        check=False,
        env=variables_for(Programs.NONE, environ, as_stored=True),
        stdin=subprocess.DEVNULL,
    )
    fields = done.stdout.decode(errors="surrogateescape").split("\0")
    for scope, value in zip(fields[::2], fields[1::2], strict=False):
        if scope in ("system", "global", "command"):
            yield value
