"""The commits that a commit builds on, all parents of merges among them, and what the files in them
were.

Paths count from the top of the repository. Plumbing only, so that nobody's settings change an
answer.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.tree import refuse_missing
from reconciler.planning.trust.chain import Step

_NONE = "0"  # the id of what is not there has only this digit


def stored_parents(git: GitCommand, commit: str) -> list[str]:
    """The parents that a commit names, also those that a clone lacks whose history is cut off."""
    head = git.must("cat-file", "commit", commit).partition("\n\n")[0]
    return [line.split(" ")[1] for line in head.split("\n") if line.startswith("parent ")]


def list_changed_files(git: GitCommand, commit: str) -> list[str] | None:
    """The files that a commit changed of its first parent, from the top of the repository; None
    without a parent."""
    options = ("-r", "--no-renames", "--no-relative", "--name-only", "-z")
    answer = git.run("diff-tree", *options, f"{commit}^1", commit)
    return [name for name in answer.out.split("\0") if name] if answer.code == 0 else None


class History:
    """The ancestors of ``tips``, these included. Methods raise ``AuditError``."""

    def __init__(self, git: GitCommand, tips: Sequence[str]) -> None:
        self._git = git
        self._tips = tips
        self._texts: dict[str, str] = {}
        self._blobs: dict[tuple[str, str], str | None] = {}
        self._folder: str | None = None

    @property
    def folder(self) -> str:
        """The project's folder; empty: the top."""
        if self._folder is None:
            self._folder = self._git.must("rev-parse", "--show-prefix").rstrip("/")
        return self._folder

    def versions(self, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """(folder, text) of every version that a file with one of ``names`` ever had, wherever it
        was."""
        if not self._tips:
            return
        where = [f":(top,glob)**/{name}" for name in sorted(names)]
        commits = self._git.must("rev-list", "--full-history", *self._tips, "--", *where)
        options = ("--stdin", "-r", "-m", "--root", "--no-renames", "--no-commit-id", "-z")
        changes = self._git.whole(
            "diff-tree", *options, "--", *where, stdin=f"{commits}\n" if commits else ""
        )
        fields = changes.split("\0")
        found = {
            (path, head.split()[3]) for head, path in zip(fields[::2], fields[1::2], strict=False)
        }
        for path, blob in sorted(found):
            if blob.strip(_NONE):
                yield posixpath.dirname(path), self._text_of(blob)

    def steps(self, paths: Collection[str]) -> list[Step]:
        """Those that changed one of ``paths``, and all merges, a parent always before its
        children."""
        if not self._tips:
            return []
        literal = [f":(top,literal){path}" for path in sorted(paths)]
        # Without --full-history a merge that took one side's files would hide the other side.
        options = ("--full-history", "--parents", "--topo-order", "--reverse")
        lines = self._git.must("rev-list", *options, *self._tips, "--", *literal).split("\n")
        steps = [Step(words[0], tuple(words[1:])) for words in map(str.split, lines) if words]
        refuse_missing(self._git, [step.commit for step in steps], paths)
        self._look_up([(step.commit, path) for step in steps for path in paths])
        return steps

    def latest(self) -> dict[str, int]:
        """For each commit the latest date, in seconds since 1970, that it or one that it builds on
        gives itself."""
        options = ("--parents", "--topo-order", "--reverse", "--timestamp")
        found: dict[str, int] = {}
        for line in self._git.must("rev-list", *options, *self._tips).split("\n"):
            date, commit, *parents = line.split()
            found[commit] = max(int(date), *(found.get(parent, 0) for parent in parents), 0)
        return found

    def text(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit, None when there is none."""
        if (commit, path) not in self._blobs:
            self._look_up([(commit, path)])
        blob = self._blobs[commit, path]
        return None if blob is None else self._text_of(blob)

    def _look_up(self, wanted: Sequence[tuple[str, str]]) -> None:
        """Which blobs they are: thousands of files with one command."""
        lines = [one for one in wanted if "\n" not in one[1]]
        answers = self._git.must(
            "cat-file", "--batch-check", stdin="".join(f"{c}:{path}\n" for c, path in lines)
        )
        for one, answer in zip(lines, answers.split("\n"), strict=False):
            words = answer.split(" ")
            self._blobs[one] = words[0] if words[1:2] == ["blob"] and ":" not in words[0] else None
        for commit, path in set(wanted) - set(lines):
            alone = self._git.run("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
            self._blobs[commit, path] = alone.line if alone.code == 0 else None

    def _text_of(self, blob: str) -> str:
        if blob not in self._texts:
            self._texts[blob] = self._git.whole("cat-file", "blob", blob)
        return self._texts[blob]
