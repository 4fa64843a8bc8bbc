"""What signed commits handed down: the demand for signatures, and the keys, as no unsigned commit
can change them.

A commit is judged by the file of the commit before. That alone would let two commits do what one
cannot: the first takes the demand back, or adds a key, and is refused; the second finds it done. So
the history of both is followed from the commit that brought the demand: what a commit changes
counts only when a key that was handed down so far signed it.

All parents are followed, because whoever merges chooses which comes first: a merge that begins
elsewhere, and takes nothing of the branch that it merges, does not lose the demand. A merge meets
what each of its sides demands. What one side demands is no longer asked where the other side has
changed it, by commits that were allowed to. A side that began before there was a demand asks for
nothing.

A project is where its name is: one that was moved to another folder takes its demand along, as the
folder that it is in now keeps what was demanded there. A project of another name is another one,
which owns nothing of this one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from posixpath import join, normpath
from typing import Protocol

from reconciler.dataclass import dataclass

WORD = "signedCommits"  # a policy that demands signatures holds it


@dataclass(frozen=True, slots=True)
class Step:
    """A commit that changed one of the files that are followed, or a merge.

    ``parents`` are the steps before it.
    """

    commit: str
    parents: tuple[str, ...]


class Commits(Protocol):
    """The facts: a commit's ancestors and what the files in them were. Paths count from the top of
    the repository; ``folder`` is the project's, empty: the top."""

    @property
    def folder(self) -> str: ...

    def versions(self, names: Collection[str]) -> Iterable[tuple[str, str]]:
        """(folder, text) of every version that a file with one of ``names`` ever had."""

    def steps(self, paths: Collection[str]) -> Sequence[Step]:
        """Those that changed one of ``paths``, and all merges, a parent before its children."""

    def text(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit, None when there is none."""

    def latest(self) -> Mapping[str, int]:
        """For each commit the latest date, in seconds since 1970, that it or one that it builds on
        gives itself."""

    def fault(
        self,
        commit: str,
        allowed: str,
        name: str,
        times: Collection[int],
    ) -> str:
        """Why no key in ``allowed``, the text of a file called ``name``, signed ``commit``, in
        words; empty when one did, and was valid at all ``times``."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Whose demand is followed. ``policies`` and ``projects`` are the names that the files may
    have: the first that is there counts. ``demanded``: the path of the signers that a policy, by
    its text, demands; None: it demands no signature. ``named``: the name of the project in a
    text."""

    name: str
    policies: Sequence[str]
    projects: Sequence[str]
    demanded: Callable[[str], str | None]
    named: Callable[[str], str | None]


# (path from the top, text) of the allowed signers.
Signers = tuple[str, str]
# What is demanded, by the commit that was allowed to say so last. Of several, none builds on
# another.
Demanded = Mapping[str, frozenset[Signers]]


def follow_signers(commits: Commits, followed: Followed, now: int) -> list[Signers]:
    """(path from the top, text) of all allowed signers that ``commits`` lead to; empty without a
    demand. ``now``: seconds since 1970.

    It begins with the first commit that demands signatures, with the keys of the commit before it,
    or its own where that has none. Where the history is cut off it begins there.
    """
    demands = _Demands(commits, followed)
    if not demands.folders:
        return []
    steps = commits.steps(demands.paths)
    return sorted(_Walk(commits, demands, now).to_the_end_of(steps))


class _Demands:
    """What the tree of a commit demands."""

    def __init__(self, history: Commits, followed: Followed) -> None:
        self._history = history
        self._followed = followed
        self._demanded, self._named = cache(followed.demanded), cache(followed.named)
        said = [
            (folder, text) for folder, text in history.versions(followed.policies) if WORD in text
        ]
        signers = {
            (folder, path) for folder, text in said if (path := self._demanded(text)) is not None
        }
        self.folders = sorted({folder for folder, _ in signers})
        names = (*followed.policies, *followed.projects)
        self.paths = {join(folder, name) for folder in self.folders for name in names}
        self.paths |= {normpath(join(folder, path)) for folder, path in signers}

    def of(self, commit: str) -> frozenset[Signers]:
        """A policy whose file of signers is not there demands nothing that could be met by
        anybody."""
        paths = {
            path for folder in self.folders if (path := self._path(commit, folder)) is not None
        }
        texts = {path: self._history.text(commit, path) for path in paths}
        return frozenset((path, text) for path, text in texts.items() if text is not None)

    def before(self, step: Step, begun: frozenset[Signers]) -> frozenset[Signers]:
        """The same files as they were before a commit that begins to demand them."""
        if not step.parents:
            return begun
        older = {path: self._history.text(step.parents[0], path) for path, _ in begun}
        return frozenset(
            (path, text if (was := older[path]) is None else was) for path, text in begun
        )

    def _path(self, commit: str, folder: str) -> str | None:
        policy = self._first(commit, folder, self._followed.policies)
        path = self._demanded(policy) if policy is not None and WORD in policy else None
        if path is None or not (folder == self._history.folder or self._is_ours(commit, folder)):
            return None
        return normpath(join(folder, path))

    def _is_ours(self, commit: str, folder: str) -> bool:
        project = self._first(commit, folder, self._followed.projects)
        return project is not None and self._named(project) == self._followed.name

    def _first(self, commit: str, folder: str, names: Sequence[str]) -> str | None:
        texts = (self._history.text(commit, join(folder, name)) for name in names)
        return next((text for text in texts if text is not None), None)


class _Walk:
    """Goes from the oldest step to the newest. ``now``: seconds since 1970."""

    def __init__(self, history: Commits, demands: _Demands, now: int) -> None:
        self._history = history
        self._demands = demands
        self._now = now
        self._latest: Mapping[str, int] = {}
        self._parents: dict[str, tuple[str, ...]] = {}

    def to_the_end_of(self, steps: Sequence[Step]) -> frozenset[Signers]:
        standing: dict[str, Demanded] = {}
        for step in steps:
            self._parents[step.commit] = step.parents
            standing[step.commit] = self._after(
                step, self._join(standing[parent] for parent in step.parents)
            )
        inner = {parent for step in steps for parent in step.parents}
        return _all(self._join(standing[step.commit] for step in steps if step.commit not in inner))

    def _after(self, step: Step, before: Demanded) -> Demanded:
        now = self._demands.of(step.commit)
        if list(before.values()) == [now] or not (now or _all(before)):
            return before
        if not _all(before):
            # and whoever that trusts may bring more
            before = {step.commit: self._demands.before(step, now)}
        return {step.commit: now} if self._is_signed(step.commit, _all(before)) else before

    def _is_signed(self, commit: str, demanded: frozenset[Signers]) -> bool:
        """By a key that was valid when the commit was made: no earlier than it says, nor than what
        it builds on says.

        A date in the future says nothing, and would end keys that are valid now.
        """
        if not self._latest:
            self._latest = self._history.latest()
        times = {min(self._latest[commit], self._now)}
        return not any(self._history.fault(commit, text, path, times) for path, text in demanded)

    def _join(self, sides: Iterator[Demanded]) -> Demanded:
        found = {commit: demanded for side in sides for commit, demanded in side.items()}
        if len(found) < 2:
            return found
        older = {
            one
            for one in found
            if any(one != other and self._builds_on(other, one) for other in found)
        }
        return {commit: demanded for commit, demanded in found.items() if commit not in older}

    def _builds_on(self, commit: str, other: str) -> bool:
        seen, left = {commit}, [commit]
        while left:
            for parent in self._parents[left.pop()]:
                if parent == other:
                    return True
                if parent not in seen:
                    seen.add(parent)
                    left.append(parent)
        return False


def _all(standing: Demanded) -> frozenset[Signers]:
    return frozenset(one for demanded in standing.values() for one in demanded)
