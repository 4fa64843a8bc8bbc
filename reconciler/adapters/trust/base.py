"""The commit that a change is compared with, and its files: from git's objects alone, never from
the working tree.

Nothing is checked out, and no filter, hook or replacement (``git replace``) has a say in what a
file held.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.history import stored_parents
from reconciler.adapters.trust.commits import Declaration
from reconciler.domain.secrecy import beginning
from reconciler.errors import AuditError, BlockedError, UsageError

_HERE = {"GIT_NO_LAZY_FETCH": "1"}  # what a partial clone lacks is not fetched
_LARGEST = 64 << 20  # bytes of a file: what an OpenAPI file may have at most
_OBJECT = re.compile(r"(?!0+\Z)[0-9a-f]{40,64}")
_REGULAR = ("100644", "100755")
# GitLab: what the merge request is a change of; what the branch was before the push.
_GITLAB = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA")
# GitHub: events whose checkout is merged already, and how many parents that commit has at least.
_MERGED = {"pull_request": 2, "merge_group": 1}
_DEEPER = "check out more of the history (fetch-depth, GIT_DEPTH)"


class NoBase(Exception):
    """There is nothing to compare with; a sentence says why."""


def find_named_base(git: GitCommand, name: str) -> str:
    """The commit that somebody named.

    Raises ``UsageError`` RC027 when there is none of that name.
    """
    git = git.stored
    try:
        commit = _commit(git, name)
    except AuditError as error:
        raise UsageError(
            "RC027", f"--base cannot be looked up: {error.message}", error.remedy
        ) from None
    if not commit:
        remedy = (
            "name a commit, branch or tag that this clone has, such as origin/main; fetch it first"
        )
        raise UsageError(
            "RC027", f"--base {beginning(repr(name), 80)} is no commit of this repository", remedy
        )
    return commit


def usual_base(git: GitCommand, audit: str, environ: Mapping[str, str]) -> str:
    """The commit that what is declared here is a change of. ``audit``: the folder of the reports,
    which declares nothing. Raises ``NoBase``.

    A pull request at GitHub and a merge request or push at GitLab say so themselves. Elsewhere it
    is where this branch left the remote's, and on that branch the commit before the newest one that
    changed the declaration.
    """
    git = git.stored
    try:
        head = _commit(git, "HEAD")
        if not head:
            raise NoBase("there is no commit yet")
        return (
            _of_github(git, environ)
            or _of_gitlab(git, environ)
            or _find_fork(git, head, environ)
            or _former(git, audit)
        )
    except AuditError as error:
        raise NoBase(error.message.splitlines()[0]) from None


def _of_github(git: GitCommand, environ: Mapping[str, str]) -> str:
    """A pull request is checked out merged: the first parent is what it is merged into. So is one
    in a merge queue, be it by a merge, or by a single commit that has all of it."""
    event = environ.get("GITHUB_EVENT_NAME", "") if environ.get("GITHUB_ACTIONS") == "true" else ""
    if event not in _MERGED:
        return ""
    parents = stored_parents(git, "HEAD")
    if len(parents) < _MERGED[event]:  # somebody checks out the branch itself
        return ""
    if not _commit(git, parents[0]):
        raise NoBase("the history is cut off at the pull request: check it out with fetch-depth: 2")
    return parents[0]


def _of_gitlab(git: GitCommand, environ: Mapping[str, str]) -> str:
    names = _GITLAB if environ.get("GITLAB_CI") == "true" else ()
    for name in names:
        commit = environ.get(name, "")
        if _OBJECT.fullmatch(commit):
            if not _commit(git, commit):
                raise NoBase(f"{name} names a commit that was not fetched: {_DEEPER}")
            return commit
    return ""


def _find_fork(git: GitCommand, head: str, environ: Mapping[str, str]) -> str:
    """Where HEAD left the remote's branch; empty without one, and for a HEAD that is no further."""
    target = environ.get("GITHUB_BASE_REF", "") if environ.get("GITHUB_ACTIONS") == "true" else ""
    branches = [branch for branch in (target, "HEAD", "main", "master") if branch]
    found = _first_commit(git, [f"refs/remotes/origin/{branch}" for branch in branches])
    if not found:
        return ""
    answer = git.run("merge-base", head, found, environment=_HERE)
    if answer.code != 0:
        if git.is_shallow():
            raise NoBase(f"the history is cut off before it meets the remote's branch: {_DEEPER}")
        return ""
    return answer.line if answer.line != head else ""


def _former(git: GitCommand, audit: str) -> str:
    try:
        newest = Declaration(git, audit)
    except BlockedError:
        raise NoBase("there is no commit of a declaration yet") from None
    if newest.parents:
        return newest.parents[0]
    if git.is_shallow():
        raise NoBase(f"the history is cut off at commit {newest.commit[:12]}: {_DEEPER}")
    return newest.commit  # the very first one: what is not committed yet is the change


def copy_files(
    git: GitCommand,
    commit: str,
    paths: Collection[str],
    target: Path,
) -> list[str]:
    """Write those of ``paths`` (below the project, ``/`` between the parts) that ``commit`` has
    below ``target``; which these are. Raises ``NoBase`` for one that is no regular file, or too
    large."""
    git = git.stored
    try:
        listed = (
            git.must("ls-tree", "-z", "-l", commit, "--", *paths, environment=_HERE)
            if paths
            else ""
        )
        found = []
        for line in filter(None, listed.split("\0")):
            head, _, path = line.partition("\t")
            mode, _, blob, size = head.split()
            if size == "BAD":  # there is no remote to fetch it from
                raise NoBase(f"this partial clone lacks {path} of it: clone without --filter")
            if path not in paths or mode not in _REGULAR or int(size) > _LARGEST:
                raise NoBase(f"{path} is no regular file there, or too large")
            answer = git.run("cat-file", "blob", blob, environment=_HERE)
            if answer.code != 0:
                raise NoBase(f"{path} of it is not here: {_DEEPER}")
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(answer.out.encode("utf-8", "surrogateescape"))
            found.append(path)
    except AuditError as error:
        raise NoBase(error.message.splitlines()[0]) from None
    return found


def _first_commit(git: GitCommand, names: Collection[str]) -> str:
    """The full id of the first of ``names`` that means a commit; empty when none does."""
    asked = "".join(f"{name}^{{commit}}\n" for name in names if "\n" not in name)
    answers = git.must("cat-file", "--batch-check", stdin=asked, environment=_HERE).split("\n")
    words = (answer.split(" ") for answer in answers)
    return next((word[0] for word in words if word[1:2] == ["commit"]), "")


def _commit(git: GitCommand, name: str) -> str:
    """The full id of the commit that ``name`` means; empty when there is none."""
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    answer = git.run(*arguments, environment=_HERE)
    return answer.line if answer.code == 0 and _OBJECT.fullmatch(answer.line) else ""
