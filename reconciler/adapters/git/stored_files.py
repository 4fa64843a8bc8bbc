"""The files of a commit, or of the work tree where there is no git: ``StoredFiles`` of the ports."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.report_files import check_path, names_in, read_bytes


class CommittedFiles:
    """``commit`` is what git understands as one; nothing is there where it is not known. Paths are
    relative to the project. Methods raise ``AuditError``."""

    def __init__(self, git: GitCommand, commit: str) -> None:
        self._git = git
        self._commit = commit

    def names(self, directory: PurePosixPath) -> frozenset[str]:
        """The names of the files in a folder."""
        check_path(directory)
        answer = self._git.run("ls-tree", "-z", "--name-only", f"{self._commit}:./{directory}")
        found = answer.out.split("\0") if answer.code == 0 else []
        return frozenset(name for name in found if name)

    def read(self, path: PurePosixPath) -> bytes | None:
        check_path(path)
        where = f"{self._commit}:./{path}"
        if self._git.run("cat-file", "-e", where).code != 0:
            return None
        text = self._git.whole("cat-file", "blob", where)
        return text.encode("utf-8", "surrogateescape")


class FolderFiles:
    """What lies on the disk below ``root``. Methods raise ``AuditError``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, directory: PurePosixPath) -> frozenset[str]:
        """The names of the files in a folder."""
        return frozenset(names_in(self._root, directory))

    def read(self, path: PurePosixPath) -> bytes | None:
        return read_bytes(self._root, path)
