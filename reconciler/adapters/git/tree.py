"""What a commit holds below the project's folder, from git's objects alone: neither the index nor
the work tree, which may hide files, has a say in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from reconciler.adapters.git.command import GitCommand, StoredGit
from reconciler.adapters.git.errors import audit_error
from reconciler.domain.declared.checkout import Loaded

_LINK, _SUBMODULE = "120000", "160000"
_REGULAR = ("100644", "100755")
# What `cat-file --follow-symlinks` says in two lines: of a link out of the commit, or to nowhere.
_UNFOLLOWED = frozenset({"symlink", "dangling", "loop", "notdir"})
_THROUGH = ("cat-file", "--batch-check", "--follow-symlinks")
_MISSING = re.compile(r"^\?([0-9a-f]+)", re.MULTILINE)

Declares = Callable[[str], bool]


class Tree:
    """The files of ``commit`` below the project. ``entries``: (mode, id) by path as it is shown,
    whatever bytes it has. Raises ``AuditError``, as do all methods: a git that fails never reads as
    a file that is not there."""

    def __init__(self, git: StoredGit, commit: str) -> None:
        self._git = git
        self._commit = commit
        self._folder = git.repository.prefix
        self.entries: dict[str, tuple[str, str]] = {}
        for line in git.must_once("ls-tree", "-r", "-z", commit, "--", ".").split("\0"):
            head, _, path = line.partition("\t")
            if path:
                mode, _, blob = head.split()
                self.entries[as_shown(path)] = mode, blob

    def text(self, path: str) -> str | None:
        """The text of a file, None when the commit has none there."""
        entry = self.entries.get(path)
        if entry is None or entry[0] == _SUBMODULE:
            return None
        return self._git.whole("cat-file", "blob", entry[1])

    def differing(self, loaded: Loaded, declares: Declares) -> list[str]:
        """The paths that were loaded with another content than the commit has, and those that it
        alone has of what ``declares``, sorted. A link of the commit is what it leads to in the same
        commit."""
        other = self._not_equal(loaded)
        if other and any(mode == _LINK for mode, _ in self.entries.values()):
            behind = self._behind_links(other)
            other = [path for path in other if behind.get(path) not in loaded[path]]
        return sorted([*other, *self._unread(loaded, declares)])

    def differing_or_linked(self, loaded: Loaded, declares: Declares) -> list[str]:
        """Like ``differing``, but a link is never what it leads to: another commit may change
        that."""
        return sorted([*self._not_equal(loaded), *self._unread(loaded, declares)])

    def opaque(self, declares: Declares) -> list[str]:
        """Where the commit has a submodule, or a link to a folder, in place of files of the
        declaration: what is in there is not part of it."""
        return sorted(
            path
            for path, (mode, _) in self.entries.items()
            if (mode == _SUBMODULE or (mode == _LINK and "/" not in path))
            and declares(f"{path}/a.yaml")
        )

    def _not_equal(self, loaded: Loaded) -> list[str]:
        return [
            path
            for path, ids in loaded.items()
            if (entry := self.entries.get(path)) is None
            or entry[0] not in _REGULAR
            or entry[1] not in ids
        ]

    def _unread(self, loaded: Loaded, declares: Declares) -> list[str]:
        return [path for path in self.entries if path not in loaded and declares(path)]

    def _behind_links(self, paths: Collection[str]) -> Mapping[str, str]:
        """The id of the file that each path leads to inside the commit; none for one that leads
        nowhere."""
        asked = [path for path in paths if "\n" not in path]
        return dict(_blobs_behind(self._git, self._commit, asked))


def texts_behind(git: GitCommand, commit: str, paths: Collection[str]) -> list[str]:
    """The texts of those of ``paths``, files below the project, that a commit has, or of what links
    there lead to in the same commit. Raises ``AuditError``."""
    found = _blobs_behind(git, commit, paths)
    return [git.whole("cat-file", "blob", blob) for _, blob in found]


def _blobs_behind(
    git: GitCommand, commit: str, paths: Collection[str]
) -> Iterator[tuple[str, str]]:
    """(path, id) of those of ``paths`` that lead to a file. None of them has a line end."""
    folder = git.repository.prefix
    names = "".join(f"{commit}:{folder}{path}\n" for path in paths)
    answers = iter(git.must(*_THROUGH, stdin=names).split("\n"))
    for path in paths:
        words = next(answers, "").split(" ")
        if words[0] in _UNFOLLOWED and len(words) == 2:
            next(answers, "")
        elif words[1:2] == ["blob"]:
            yield path, words[0]


def as_shown(path: str) -> str:
    """A path that git told, as text: bytes that are not UTF-8 are written out, as those of the
    declaration are."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def refuse_missing(git: GitCommand, commits: Collection[str], paths: Collection[str]) -> None:
    """Raises ``AuditError`` RC622 where this clone lacks a file or folder of ``commits`` at
    ``paths`` (from the top): a partial clone leaves out what nobody asked for, and does not say so
    of every question."""
    if not commits or not paths:
        return
    where = [f":(top,literal){path}" for path in paths]
    options = ("--objects", "--no-object-names", "--missing=print", "--no-walk", "--stdin")
    listed = git.must(
        "rev-list", *options, "--", *where, stdin="".join(f"{one}\n" for one in commits)
    )
    if lacking := _MISSING.findall(listed):
        raise audit_error("RC622", f"{len(lacking)} of them")
