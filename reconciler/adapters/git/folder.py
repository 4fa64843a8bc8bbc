"""A project without git: ``reconciler.engine.ports.Ledger`` of report files that nobody commits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.report_files import (
    read_text,
    refuse_links,
    remove_file,
    reports_in,
    sweep,
    write_atomically,
)
from reconciler.adapters.git.stored_files import FolderFiles
from reconciler.domain.declared.checkout import Loaded


class FolderLedger:
    """``git`` is that of the directory of ``reconciler.yaml``, which says ``audit: {git: false}``.
    A report is where it belongs once it is written."""

    def __init__(self, git: GitCommand, environ: Mapping[str, str] | None = None) -> None:
        """``environ``: as ``GitLedger`` takes it."""
        self._environ = environ
        self._git = git
        self._root = git.directory
        self.notes: list[str] = []

    def head(self) -> str | None:
        return None

    def differing(self, loaded: Loaded) -> tuple[str, ...]:
        """The work tree is the truth here."""
        return ()

    def actor(self) -> str:
        """As with git: a name in the user's own settings of git counts, if there is git."""
        return GitLedger(self._git, environ=self._environ).actor()

    def write(self, files: Mapping[PurePosixPath, str]) -> None:
        """Raises ``AuditError`` (RC606, RC609)."""
        for path, text in files.items():
            write_atomically(self._root, path, text)

    def remove(self, paths: Collection[PurePosixPath]) -> None:
        """Raises ``AuditError`` (RC606, RC609)."""
        for path in paths:
            remove_file(self._root, path)

    def commit(
        self,
        directory: PurePosixPath,
        message: str,
        files: Mapping[PurePosixPath, str],
        removed: Collection[PurePosixPath] = (),
    ) -> str | None:
        """There is nothing to commit to: ``files`` are written, ``removed`` are removed. What
        killed runs left half-written is removed.

        Raises ``AuditError``.
        """
        self.write(files)
        self.remove(removed)
        if refuse_links(self._root, directory):
            sweep(self._root, directory)
        return None

    def refuse_unready(self, directory: PurePosixPath, *, push: bool) -> None:
        """Raises ``AuditError`` (RC606, RC609)."""
        refuse_links(self._root, directory)

    def texts(self, path: PurePosixPath) -> tuple[str, ...]:
        text = read_text(self._root, path)
        return () if text is None else (text,)

    def reports(self, directory: PurePosixPath) -> Iterator[str]:
        return reports_in(self._root, directory)

    def find_files(self, *, pushed: bool = False) -> FolderFiles:
        """What is on the disk is both committed and pushed."""
        return FolderFiles(self._root)

    def find_uncommitted(self, directory: PurePosixPath) -> Mapping[PurePosixPath, str]:
        return {}

    def count_unpushed(self, directory: PurePosixPath) -> int | None:
        return None

    def push(self) -> None:
        """There is nothing to push."""
