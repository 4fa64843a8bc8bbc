"""Pushing audit commits to a branch that others move too, without touching anybody's work tree; and
what of them the remote is known to have."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from reconciler.adapters.git.command import PATIENT_SECONDS, GitAnswer, GitCommand, command_failed
from reconciler.adapters.git.errors import audit_error
from reconciler.adapters.git.history import list_changed_files
from reconciler.adapters.git.programs import Programs

_TRIES = 5
_BRANCHES = "refs/heads/"
_ORIGIN = "origin"
# What `git push --porcelain` says when somebody else was faster; anything else is a refusal.
_MOVED = (
    "(fetch first)",
    "(non-fast-forward)",
    "(needs force)",
    "(stale info)",
    "failed to update ref",
    "cannot lock ref",
    "incorrect old value",
    "reference already exists",
)


def push(
    git: GitCommand, audits: Sequence[PurePosixPath], declared: str | None = None
) -> str | None:
    """Push HEAD's branch to its upstream, or a detached HEAD to the ``declared`` branch; a sentence
    when something is left for a person to do.

    Raises ``AuditError`` RC602, RC612 to RC619.
    """
    branch = find_branch(git)
    remote, target = find_target(git, branch, declared)
    local = git.must("rev-parse", "--verify", "HEAD^{commit}")
    candidate: str | None = local
    if branch is None:  # of a commit that no branch names only the audit commits are pushed
        candidate = _recreate(git, local, _fetch(git, remote, target), audits)
    for tried in range(_TRIES):
        if candidate is None or _push(git, remote, candidate, target):
            break
        git.wait(tried)
        candidate = _recreate(git, local, _fetch(git, remote, target), audits)
    else:
        raise audit_error("RC618", f"{_TRIES} tries")
    if candidate is None or candidate == local:
        return None
    return _advance(git, local, candidate)


def find_branch(git: GitCommand) -> str | None:
    """The name of the branch that is checked out; None: HEAD is detached."""
    answer = git.run("symbolic-ref", "--quiet", "HEAD")
    return answer.line.removeprefix(_BRANCHES) if answer.code == 0 else None


def find_target(git: GitCommand, branch: str | None, declared: str | None) -> tuple[str, str]:
    """The remote that ``branch`` is pushed to, and the ref there; that of the ``declared`` branch
    for a detached HEAD (None). Raises ``AuditError`` RC612, RC613, RC619."""
    if branch is None:
        if declared is None:
            raise audit_error("RC612")
        remote = _choose_remote(list_remotes(git))
        if remote is None:
            raise audit_error("RC612", "there is no remote `origin`, and not one alone")
        return remote, f"{_BRANCHES}{declared}"
    named = git.run("config", "--get", f"branch.{branch}.remote")
    target = git.run("config", "--get", f"branch.{branch}.merge")
    if named.code != 0 or target.code != 0:
        raise audit_error("RC613", branch)
    if declared is not None and target.line != f"{_BRANCHES}{declared}":
        told = target.line.removeprefix(_BRANCHES)
        raise audit_error("RC619", f"{branch} is pushed to {told}, and {declared} is declared")
    return named.line, target.line


def refuse_elsewhere(git: GitCommand, audit: PurePosixPath, declared: str) -> None:
    """Raise ``AuditError`` RC619 unless ``declared`` is the branch that is checked out, or HEAD is
    detached at a commit of it, as far as this clone knows. Commits of ``audit`` alone may be
    missing there."""
    branch = find_branch(git)
    if branch is not None:
        refuse_branch(branch, declared)
        return
    known = find_tracking(git, declared)
    if known is None:
        return
    outside = (":(top)", f":(exclude,literal){audit}")
    beside = git.run("rev-list", "--max-count=1", f"{known}..HEAD", "--", *outside)
    if beside.line:
        name = known.removeprefix("refs/remotes/")
        detail = f"{declared} is declared, and HEAD is detached at a commit that {name} lacks"
        raise audit_error("RC619", detail)


def refuse_branch(branch: str, declared: str) -> None:
    """Raise ``AuditError`` RC619 when ``branch``, which is checked out, is not the ``declared``
    one."""
    if branch != declared:
        raise audit_error("RC619", f"{declared} is declared, and {branch} is checked out")


def find_tracking(git: GitCommand, declared: str) -> str | None:
    """The ref by which this clone knows the ``declared`` branch of the remote, where it does."""
    remote = _choose_remote(list_remotes(git))
    ref = f"refs/remotes/{remote}/{declared}"
    known = remote and git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").code == 0
    return ref if known else None


def find_published(git: GitCommand, head: str, declared: str | None) -> str:
    """The newest commit that a remote is known to have, for a HEAD at the commit ``head`` that has
    no upstream: of the ``declared`` branch, else of HEAD's own history. Empty where none is known;
    ``head`` where there is no remote that could have any."""
    if not head or not list_remotes(git):
        return head
    if declared is not None:
        tracking = find_tracking(git, declared)
        return git.must("rev-parse", f"{tracking}^{{commit}}") if tracking else ""
    # What no remote has, and after a dash each commit of a remote that it was made on.
    asked = ("rev-list", "--first-parent", "--boundary", head, "--not", "--remotes")
    lines = git.must(*asked).splitlines()
    return next((line[1:] for line in lines if line.startswith("-")), "") if lines else head


def list_remotes(git: GitCommand) -> tuple[str, ...]:
    """The names of all remotes."""
    return tuple(git.must("remote").splitlines())


def _choose_remote(names: Sequence[str]) -> str | None:
    """``origin``, else the only one."""
    if _ORIGIN in names:
        return _ORIGIN
    return names[0] if len(names) == 1 else None


def _push(
    git: GitCommand,
    remote: str,
    commit: str,
    target: str,
) -> bool:
    """True when the remote has it now, False when it moved. Raises ``AuditError`` RC614, RC615."""
    arguments = ("push", "--porcelain", "--no-follow-tags", "--", remote, f"{commit}:{target}")
    answer = git.run(*arguments, seconds=PATIENT_SECONDS, programs=Programs.PUSH)
    if answer.code == 0:
        return True
    refusals = [line for line in answer.out.splitlines() if line.startswith("!")]
    if refusals and any(reason in line for line in refusals for reason in _MOVED):
        return False
    if refusals or answer.code == 1:
        raise audit_error("RC615", "", "\n".join([answer.err, *refusals]))
    raise audit_error("RC614", "", answer.err)


def _fetch(git: GitCommand, remote: str, target: str) -> str:
    """The commit the remote's branch is at now."""
    # A ref of our own: FETCH_HEAD belongs to whoever fetched last.
    ref = f"refs/reconciler/{secrets.token_hex(8)}"
    options = (
        "--quiet",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--no-write-fetch-head",
    )
    try:
        arguments = ("fetch", *options, "--", remote, f"+{target}:{ref}")
        answer = git.run(*arguments, seconds=PATIENT_SECONDS, programs=Programs.PUSH)
        if answer.code != 0:
            raise audit_error("RC614", "", answer.err)
        return git.must("rev-parse", "--verify", f"{ref}^{{commit}}")
    finally:
        git.run("update-ref", "-d", ref)


def _recreate(
    git: GitCommand,
    local: str,
    theirs: str,
    audits: Sequence[PurePosixPath],
) -> str | None:
    """Our unpushed commits again, on top of ``theirs``, as they are where they lie there already;
    None when nothing of ours is missing there.

    Raises ``AuditError`` RC616, RC617.
    """
    if git.run("merge-base", local, theirs).code != 0:
        raise audit_error("RC617", "no common history")
    lines = git.must(
        "rev-list", "--reverse", "--topo-order", "--parents", f"{theirs}..{local}"
    ).splitlines()
    prefix = git.must("rev-parse", "--show-prefix")
    allowed = tuple(f"{prefix}{audit}/" for audit in audits)
    tip = theirs
    for line in lines:
        commit, *parents = line.split(" ")
        names = list_changed_files(git, commit) if len(parents) == 1 else None
        if names is None or not all(name.startswith(allowed) for name in names):
            raise audit_error("RC616", f"commit {commit[:12]}")
        tip = commit if parents[0] == tip else _replay(git, commit, parents[0], tip)
    return None if tip == theirs else tip


def _replay(
    git: GitCommand,
    commit: str,
    parent: str,
    tip: str,
) -> str:
    """``commit`` with ``tip`` as its parent, made in an index of its own; ``tip`` when it brings
    nothing new."""
    # Imported here: few commands replay anything.
    from reconciler.adapters.git.derived import settle_derived  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.must("read-tree", "-i", "-m", "--aggressive", parent, tip, commit, environment=index)
        settle_derived(git, index)
        written = git.run("write-tree", environment=index)
    if written.code != 0:
        raise audit_error("RC617", f"commit {commit[:12]}", written.err)
    if written.line == git.must("rev-parse", f"{tip}^{{tree}}"):
        return tip
    who = git.must("log", "-1", "--no-show-signature", "--format=%an%x00%ae%x00%aI", commit).split(
        "\0"
    )
    author = dict(zip(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"), who, strict=True))
    message = git.must("log", "-1", "--no-show-signature", "--format=%B", commit)
    # commit-tree does not look at commit.gpgSign by itself.
    signed = (
        ("-S",)
        if git.run("config", "--type=bool", "--get", "commit.gpgsign").line == "true"
        else ()
    )
    arguments = ("commit-tree", *signed, "-p", tip, written.line)
    text = f"{message.rstrip()}\n"
    return git.must(*arguments, stdin=text, environment=author, programs=Programs.COMMIT)


def _advance(git: GitCommand, local: str, pushed: str) -> str | None:
    """Move the local branch from ``local`` to what was pushed, if no local edit is in the way.

    A two-tree ``read-tree -m -u`` changes only files that differ between the two commits, keeps
    what else is staged or edited, and does nothing at all when one of those files is edited.
    """
    git.run("update-index", "-q", "--refresh", programs=Programs.COMMIT)
    # filters may download
    moved = git.run("read-tree", "-m", "-u", local, pushed, programs=Programs.PUSH)
    if moved.code == 0:
        answer = git.run(
            "update-ref", "-m", "reconciler: push of the audit report", "HEAD", pushed, local
        )
        if answer.code == 0:
            return None
        _take_back(git, local, pushed, answer)
    return (
        f"the report was pushed as {pushed[:12]}, but local edits keep this branch from following: "
        "commit or stash them and run `git pull --rebase`"
    )


def _take_back(
    git: GitCommand,
    local: str,
    pushed: str,
    answer: GitAnswer,
) -> None:
    if git.run("read-tree", "-m", "-u", pushed, local, programs=Programs.PUSH).code != 0:
        raise command_failed(("update-ref",), answer)
