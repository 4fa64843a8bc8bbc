"""Where the repository is: found once, and named explicitly from then on.

git takes any folder with HEAD, objects and refs for a repository, and obeys the settings in it,
which may name programs. A project's folder may hold such files, and a history of their own with
them: they come with the project, as any other file does. A repository that somebody made here is
reached by an entry called ``.git``, which git itself commits nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.git.errors import audit_error
from reconciler.dataclass import dataclass

# What git says of a repository that is not reached by ``.git`` (git 2.38 and newer).
EMBEDDED = "safe.bareRepository"
# For git: there is no repository, and do not look for one.
NO_REPOSITORY = {"GIT_DIR": "/dev/null/none"}
_POINTER = "gitdir: "
_LONGEST = 4096  # characters of a path


@dataclass(frozen=True, slots=True)
class Repository:
    """``folder``: what ``.git`` is or leads to.

    ``prefix``: where the directory that git was asked in lies below the work tree; it ends with
    ``/`` unless it is empty. ``filters``: the names of all filter drivers that settings define.
    """

    folder: Path
    work_tree: Path
    prefix: str = ""
    filters: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        """What git is to be told, so that it looks for nothing."""
        return {"GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(self.work_tree)}


def refuse_embedded(directory: Path, folder: Path) -> None:
    """``folder`` is what git found for ``directory``. Older releases of git refuse nothing.

    Raises ``AuditError`` RC630.
    """
    if folder.resolve() not in _entries(directory):
        raise audit_error("RC630", str(folder))


def _entries(directory: Path) -> Iterator[Path]:
    """What the ``.git`` of each folder above leads to."""
    here = directory.resolve()
    for place in (here, *here.parents):
        entry = place / ".git"
        try:
            yield (place / _read_pointer(entry)).resolve() if entry.is_file() else entry.resolve()
        except (OSError, ValueError):  # unreadable: git cannot have found anything by it
            continue


def _read_pointer(entry: Path) -> str:
    """Where the file ``.git`` of a linked work tree or a submodule leads."""
    with entry.open(encoding="utf-8", errors="surrogateescape") as file:
        return file.read(_LONGEST).removeprefix(_POINTER).rstrip("\r\n")
