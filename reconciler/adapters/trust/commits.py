"""The commit that is applied, as git has it: is it signed by whom its file of allowed signers
trusts, and by whom was it written?

What these facts mean is decided in ``reconciler.planning.trust``.

Commits of audit reports are passed over: ``apply`` makes them, they leave the declaration as it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence

from reconciler.adapters.git.checkout import declaring, head_of
from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.errors import harmless
from reconciler.adapters.git.history import History, stored_parents
from reconciler.adapters.git.tree import Declares, Tree, texts_behind
from reconciler.adapters.trust.platform import Person
from reconciler.adapters.trust.ssh_signature import fault_of
from reconciler.domain.declared.checkout import Loaded
from reconciler.errors import QUOTED, AuditError, BlockedError
from reconciler.planning.trust.chain import Followed, follow_signers
from reconciler.planning.trust.signers import (
    SignersFile,
    read_trusted_text,
    signing_times,
    unsigned_error,
)

_NO_REPOSITORY = ("RC601", "RC602")  # no git, nothing that it knows
_AUTHOR = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*\Z")
_SHOWN = 3


class Declaration:
    """The commit that HEAD's declaration comes from. ``audit``: the folder of the reports, below
    the directory of ``git``.

    Raises ``BlockedError`` RC240 when there is none.
    """

    def __init__(self, git: GitCommand, audit: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._git = git.stored
        try:
            head = head_of(self._git)
        except AuditError as error:
            if error.code not in _NO_REPOSITORY:
                raise  # there may be a demand
            raise unsigned_error(f"there is no commit to verify: {error.message}") from None
        commit = declaring(self._git, head, audit) if head is not None else None
        if head is None or commit is None:
            raise unsigned_error("there is no commit to verify")
        self.head = head
        self.commit = commit
        self.parents = self._parents_of(self.commit)
        self._policies: dict[str, list[str]] = {}

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

    def policies(self, commit: str | None, names: Collection[str]) -> list[str]:
        """The texts of those of the files ``names`` that a commit has, also through a link.

        Raises ``AuditError``.
        """
        if commit is None:
            return []
        if commit not in self._policies:
            self._policies[commit] = texts_behind(self._git, commit, names)
        return self._policies[commit]

    def find_inherited(self, followed: Followed) -> list[tuple[str, str]]:
        """(path from the top, text) of all allowed signers that what this commit builds on leads
        to."""
        return follow_signers(self.history(), followed, int(self._clock()))

    def history(self) -> SignedHistory:
        """Everything that this commit builds on: of a merge all sides, and what was merged since
        without a trace."""
        return SignedHistory(self._git, [*self.parents, *self._list_merged_since()])

    def refuse_unsigned(self, signers: str) -> None:
        """Raises ``BlockedError``: RC240 without a good ssh signature by a key in ``signers``, a
        path below the project; RC241 when that file cannot be trusted.

        The file is that of the first parent, so that no commit vouches for itself; a repository's
        very first commit may.
        """
        file = SignersFile(
            path=signers,
            commit=self.commit,
            before=self.before(signers),
            own=self.text(self.commit, signers),
            first=not self.parents,
            cut_off=self._git.is_shallow(),
        )
        self.refuse_other_keys(read_trusted_text(file), signers)

    def refuse_other_keys(self, allowed: str, name: str) -> None:
        """Raises ``BlockedError`` RC240 unless a key in ``allowed``, the text of a file called
        ``name``, signed this commit."""
        times = signing_times(int(self._clock()), self._dates())
        if why := fault(self._git, self.commit, allowed, name, times):
            raise unsigned_error(why, cut_off=self._git.is_shallow())

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

    def _parents_of(self, commit: str) -> Sequence[str]:
        line = self._git.must_once("rev-list", "--parents", "--max-count=1", commit, "--")
        return line.split()[1:]

    def _list_merged_since(self) -> list[str]:
        """Parents of merges after this commit that took nothing from there but reports: they did
        not undo it."""
        if self.head == self.commit:
            return []
        span = (self.head, f"^{self.commit}")
        lines = self._git.must("rev-list", "--first-parent", "--parents", *span, "--").split("\n")
        return [parent for line in lines for parent in line.split()[2:]]

    def _dates(self) -> list[int]:
        """What this commit and its parents give themselves, in seconds since 1970."""
        asked = ("rev-list", "--no-walk", "--timestamp", self.commit, *self.parents, "--")
        return [int(line.split()[0]) for line in self._git.must(*asked).split("\n")]


class SignedHistory(History):
    """The ancestors of a commit, with what ssh-keygen says of their signatures."""

    def fault(
        self,
        commit: str,
        allowed: str,
        name: str,
        times: Collection[int],
    ) -> str:
        return fault(self._git, commit, allowed, name, times)


def fault(
    git: GitCommand,
    commit: str,
    allowed: str,
    name: str,
    times: Collection[int],
) -> str:
    """Why no key in ``allowed``, the text of a file called ``name``, signed ``commit``, in words;
    empty when one did, and was valid at all ``times``."""
    raw = git.whole("cat-file", "commit", commit).encode("utf-8", "surrogateescape")
    return fault_of(commit, raw, allowed, name, times)


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
