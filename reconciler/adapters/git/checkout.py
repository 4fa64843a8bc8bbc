"""The facts about a checkout that decide whether an absence may be believed. What follows from them
is decided elsewhere (``planning.guards.checkout``)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from reconciler.adapters.git.command import GitCommand, StoredGit
from reconciler.adapters.git.tree import Declares, Tree, texts_behind
from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import Applied, Checkout, Descent, Loaded
from reconciler.errors import AuditError

# Files of git's folder that are there while something is under way, and what that is.
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}
# Path → text of what HEAD declares otherwise; an environment → the clients in there, None where
# that cannot be told.
ClientNames = Callable[[Mapping[str, str], str], frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a declaration is read: ``declares`` tells of a path whether it is a part of it,
    ``projects`` are the names that the project's file may have, ``clients`` finds clients in
    texts."""

    declares: Declares
    projects: Collection[str]
    clients: ClientNames


@dataclass(frozen=True, slots=True)
class Used:
    """What a plan is made of: the files that were loaded, the file of each client, the
    environment."""

    loaded: Loaded
    files: Mapping[str, str]
    environment: str


def read_checkout(
    git: GitCommand,
    audit: str,
    reading: Reading,
    used: Used,
    applied: Applied | None,
) -> Checkout:
    """What git says of what was used. ``audit``: the folder of the reports. A git that fails is a
    trouble, never an absence. Raises ``AuditError`` RC630 alone."""
    known = Checkout(
        dirty=tuple(sorted(used.loaded)),
        applied=applied.commit if applied else None,
        descent=Descent.UNKNOWN if applied else Descent.FIRST,
        holds_project=False,
        declared=None,
        remembered=applied.uncommitted if applied else frozenset(),
    )
    try:
        return _look_at(git.stored, audit, reading, used, known)
    except AuditError as error:
        # a repository among the project's files: nobody's word is to be taken
        if error.code == "RC630":
            raise
        return replace(known, trouble=error.message.splitlines()[0])


def relies_on_git(
    git: GitCommand, projects: Collection[str], says_git: Callable[[str], bool]
) -> bool:
    """Whether HEAD holds a project file, one of ``projects``, that has git for its truth: what says
    otherwise is an edit that no commit holds. A git that fails in a repository rules nothing
    out."""
    stored = git.stored
    try:
        head = head_of(stored)
        texts = texts_behind(stored, head, projects) if head is not None else []
    except AuditError as error:
        return error.code not in ("RC601", "RC602")  # no git, no repository
    return any(map(says_git, texts))


def _look_at(
    git: StoredGit,
    audit: str,
    reading: Reading,
    used: Used,
    known: Checkout,
) -> Checkout:
    head = head_of(git)
    if head is None:
        return replace(known, trouble="there is no commit yet")
    tree = Tree(git, head)
    dirty = tree.differing(used.loaded, reading.declares)
    declared = _read_declared(tree, dirty, reading, used.environment)
    filtered = _find_filtered(git, dirty)
    kept = frozenset(filtered).intersection(tree.entries)
    uncommitted = _find_uncommitted(used.files, frozenset(dirty) - kept, declared)
    return Checkout(
        head=head,
        commit=declaring(git, head, audit),
        applied=known.applied,
        descent=_descent(git, head, known.applied),
        dirty=tuple(dirty),
        holds_project=any(name in tree.entries for name in reading.projects),
        declared=declared,
        trouble=_trouble(git, tree, reading),
        uncommitted=uncommitted,
        remembered=known.remembered,
        committed=known.remembered.intersection(used.files) - uncommitted,
        filtered=filtered,
    )


def differing(git: GitCommand, loaded: Loaded) -> tuple[str, ...]:
    """The paths of ``loaded`` whose content HEAD does not have, sorted. Raises ``AuditError``."""
    stored = git.stored
    head = head_of(stored)
    if head is None:
        return tuple(sorted(loaded))
    return tuple(Tree(stored, head).differing(loaded, lambda path: False))


def head_of(git: GitCommand) -> str | None:
    """The commit of HEAD, None before the first one.

    Raises ``AuditError``, also for a HEAD that cannot be read.
    """
    answer = git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if answer.code == 0:
        return answer.line
    # A branch without a commit is there by its name alone.
    branch = git.must("symbolic-ref", "HEAD")
    if git.must("for-each-ref", "--format=%(objectname)", "--", branch):
        git.must("rev-parse", "--verify", "HEAD^{commit}")
    return None


def declaring(git: StoredGit, head: str, audit: str) -> str | None:
    """The newest commit that changed more than audit reports: it stays where it is when reports are
    pushed. ``head`` where the history is cut off before it. Raises ``AuditError``."""
    # Plumbing: what somebody's settings make of `git log` (log.showSignature) is no answer.
    outside = (":(top)", f":(exclude,literal){audit}")
    return (
        git.must_once("rev-list", "--first-parent", "--max-count=1", head, "--", *outside) or None
    )


def _descent(git: GitCommand, head: str, applied: str | None) -> Descent:
    if applied is None:
        return Descent.FIRST
    answer = git.run("merge-base", "--is-ancestor", applied, head)
    if answer.code == 0:
        return Descent.DESCENDS
    if answer.code != 1 and git.run("cat-file", "-e", f"{applied}^{{commit}}").code == 0:
        return Descent.UNKNOWN
    # A whole history has every commit that HEAD builds on.
    return Descent.UNKNOWN if git.is_shallow() else Descent.BESIDE


def _find_uncommitted(
    files: Mapping[str, str], dirty: Collection[str], declared: frozenset[str] | None
) -> frozenset[str]:
    """The clients of ``files`` (client → file) that no document of HEAD declares. One whose file is
    as HEAD has it is declared there."""
    changed = frozenset(dirty)
    return frozenset(
        name for name, file in files.items() if file in changed and name not in (declared or ())
    )


def _find_filtered(git: GitCommand, paths: Collection[str]) -> tuple[str, ...]:
    """Those of ``paths`` to which the attributes give a filter. It is not run."""
    if not paths:
        return ()
    asked = ("check-attr", "-z", "--stdin", "filter")
    fields = git.must(*asked, stdin="".join(f"{path}\0" for path in paths)).split("\0")
    given = zip(fields[::3], fields[2::3], strict=False)
    return tuple(path for path, value in given if value not in ("unspecified", "unset"))


def _read_declared(
    tree: Tree,
    dirty: Collection[str],
    reading: Reading,
    environment: str,
) -> frozenset[str] | None:
    there = [path for path in dirty if path in tree.entries and reading.declares(path)]
    texts = {path: text for path in there if (text := tree.text(path)) is not None}
    return reading.clients(texts, environment)


def _trouble(git: GitCommand, tree: Tree, reading: Reading) -> str:
    if verb := find_operation(git):
        return f"a {verb} is under way"
    if opaque := tree.opaque(reading.declares):
        return f"{opaque[0]} is a submodule or a link to a folder, of whose files HEAD says nothing"
    return ""


def find_operation(git: GitCommand) -> str:
    """The operation that is under way in the work tree, empty for none. Raises ``AuditError``."""
    folder = git.repository.folder
    return next((verb for name, verb in _UNFINISHED.items() if (folder / name).exists()), "")
