"""Whether the commit that is applied is signed, by whom its file of allowed signers trusts, and by
whom it was written.

Commits of audit reports are passed over: ``apply`` makes them, they leave the declaration as it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from reconciler.adapters.git.checkout import declaring, head_of
from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.errors import harmless
from reconciler.adapters.git.history import History, stored_parents
from reconciler.adapters.git.tree import Declares, Tree, text_behind
from reconciler.adapters.trust.platform import Person
from reconciler.adapters.trust.ssh_signature import fault_of
from reconciler.domain.declared.checkout import Loaded
from reconciler.errors import QUOTED, AuditError, BlockedError

_NO_REPOSITORY = ("RC601", "RC602")  # no git, nothing that it knows
_AUTHOR = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*\Z")
_SHOWN = 3


class Declaration:
    """The commit that HEAD's declaration comes from. ``audit``: the folder of the reports, below
    ``root``.

    Raises ``BlockedError`` RC240 when there is none.
    """

    def __init__(self, root: Path, audit: str, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock
        self._git = GitCommand(root, as_stored=True)
        try:
            head = head_of(self._git)
        except AuditError as error:
            if error.code not in _NO_REPOSITORY:
                raise  # there may be a demand
            raise _unsigned(f"there is no commit to verify: {error.message}") from None
        commit = declaring(self._git, head, audit) if head is not None else None
        if head is None or commit is None:
            raise _unsigned("there is no commit to verify")
        self.head = head
        self.commit = commit
        self.parents = self._parents_of(self.commit)
        self._tips = [*self.parents, *self._merged_since(head)]

    def before(self, path: str) -> str | None:
        """The text of a file as it was before this commit: in its first parent.

        None: there was none, or no parent.
        """
        return self.text(self.parents[0], path) if self.parents else None

    def text(self, commit: str, path: str) -> str | None:
        """The text of a file, a path below the project, in a commit; None when there is none.
        Raises ``AuditError`` when git cannot tell: that is not nothing."""
        head, _, _ = self._git.must("ls-tree", "-z", commit, "--", path).partition("\t")
        _, kind, blob = head.split() if head else ("", "", "")
        return self._git.whole("cat-file", "blob", blob) if kind == "blob" else None

    def policies(self, commit: str | None, names: Iterable[str]) -> Iterator[str]:
        """The texts of those of the files ``names`` that a commit has, also through a link.

        Raises ``AuditError``.
        """
        if commit is None:
            return
        for name in names:
            if (text := text_behind(self._git, commit, name)) is not None:
                yield text

    def history(self) -> History:
        """Everything that this commit builds on: of a merge all sides, and what was merged since
        without a trace."""
        return History(self._git, self._tips)

    def refuse_unsigned(self, signers: str) -> None:
        """Raises ``BlockedError``: RC240 without a good ssh signature by a key in ``signers``, a
        path below the project; RC241 when that file cannot be trusted.

        The file is that of the first parent, so that no commit vouches for itself; a repository's
        very first commit may.
        """
        self.refuse_other_keys(self._trusted(signers), signers)

    def refuse_other_keys(self, allowed: str, name: str) -> None:
        """Raises ``BlockedError`` RC240 unless a key in ``allowed``, the text of a file called
        ``name``, signed this commit."""
        if why := self.fault(self.commit, allowed, name, self._times()):
            raise _unsigned(f"{why}{self._cut_off()}")

    def fault(self, commit: str, allowed: str, name: str, times: Collection[int]) -> str:
        """Why no key in ``allowed`` signed ``commit``, in words; empty when one did, and was valid
        at all ``times``."""
        raw = self._git.whole("cat-file", "commit", commit).encode("utf-8", "surrogateescape")
        return fault_of(commit, raw, allowed, name, times)

    def refuse_uncommitted(self, loaded: Loaded, declares: Declares) -> None:
        """Raises ``BlockedError`` RC242 when what is applied is not what was signed: ``loaded`` are
        the files of the declaration as they were read, ``declares`` tells of a path whether it
        would be one. What lies on the disk now is not asked."""
        refuse_changed(Tree(self._git, self.head).differing_or_linked(loaded, declares))

    def authors(self) -> list[Person]:
        """Who wrote what this commit brought: of a merge the commits that it merged, co-authors
        included."""
        named = "%an <%ae>%n%(trailers:key=Co-authored-by,valueonly)"
        span = f"{self.parents[0]}..{self.commit}" if self.parents else self.commit
        only = () if len(self.parents) > 1 else ("-1",)
        options = ("--no-merges", "--no-show-signature", f"--format={named}", *only)
        found = (
            _AUTHOR.match(line) for line in self._git.whole("log", *options, span, "--").split("\n")
        )
        return [Person(name=match[1], email=match[2]) for match in found if match]

    @property
    def is_merge(self) -> bool:
        """As it is stored, also where the history is cut off."""
        return len(stored_parents(self._git, self.commit)) > 1

    def _trusted(self, signers: str) -> str:
        if self.parents:
            text = self.before(signers)
            if text is None:
                raise _no_signers(f"{signers} is not in the commit before {self.commit[:12]}")
        elif self._cut_off():
            raise _no_signers(
                f"the history is cut off at commit {self.commit[:12]}: what was trusted before is"
                " unknown"
            )
        else:
            text = self.text(self.commit, signers)
        if text is None or not text.strip():
            raise _no_signers(f"{signers} is not committed, or empty")
        return text

    def _parents_of(self, commit: str) -> Sequence[str]:
        line = self._git.must("rev-list", "--parents", "--max-count=1", commit, "--")
        return line.split()[1:]

    def _merged_since(self, head: str) -> list[str]:
        """Parents of merges after this commit that took nothing from there but reports: they did
        not undo it."""
        lines = self._git.must(
            "rev-list", "--first-parent", "--parents", head, f"^{self.commit}", "--"
        ).split("\n")
        return [parent for line in lines for parent in line.split()[2:]]

    def _times(self) -> set[int]:
        """When the key of this commit must be valid: now, whatever date the commit gives itself,
        and, should the clock of this host be slow, at the latest date that it or what it builds on
        gives itself."""
        asked = ("rev-list", "--no-walk", "--timestamp", self.commit, *self.parents, "--")
        now = int(self._clock())
        return {
            now,
            max(now, *(int(line.split()[0]) for line in self._git.must(*asked).split("\n"))),
        }

    def _cut_off(self) -> str:
        return " (the history is cut off: fetch all of it)" if self._git.is_shallow() else ""


def refuse_changed(paths: Sequence[str]) -> None:
    """Raises ``BlockedError`` RC242 for paths whose content is not what the commit holds."""
    if paths:
        names = ", ".join(paths[:_SHOWN]) + (" and more" if len(paths) > _SHOWN else "")
        raise BlockedError(
            "RC242",
            f"not as committed: {harmless(names).removeprefix(QUOTED)}",
            "commit it, signed where the policy demands that, or restore it; put a copy in place of"
            " a link",
        )


def _unsigned(message: str) -> BlockedError:
    return BlockedError(
        "RC240",
        f"the policy demands a signed commit: {message}",
        "sign it with a key that the file of allowed signers already has: git commit --amend -S,"
        " with gpg.format ssh",
    )


def _no_signers(message: str) -> BlockedError:
    return BlockedError(
        "RC241",
        f"the allowed signers cannot be trusted: {message}",
        "commit the file first, then demand signatures with a signed commit; in CI fetch the whole"
        " history (fetch-depth: 0, GIT_DEPTH: 0)",
    )
