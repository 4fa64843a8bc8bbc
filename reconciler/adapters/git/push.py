"""Pushing audit commits to a branch that others move too, without touching anybody's work tree."""

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


def push(git: GitCommand, audits: Sequence[PurePosixPath]) -> str | None:
    """Push HEAD's branch to its upstream; a sentence when something is left for a person to do.

    Raises ``AuditError`` RC602, RC612 to RC618.
    """
    remote, target = find_upstream(git)
    local = git.must("rev-parse", "--verify", "HEAD^{commit}")
    candidate: str | None = local
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


def find_upstream(git: GitCommand) -> tuple[str, str]:
    """The remote of HEAD's branch, and the ref there. Raises ``AuditError`` RC612, RC613."""
    branch = git.run("symbolic-ref", "--quiet", "HEAD")
    if branch.code != 0:
        raise audit_error("RC612")
    name = branch.line.removeprefix("refs/heads/")
    remote = git.run("config", "--get", f"branch.{name}.remote")
    target = git.run("config", "--get", f"branch.{name}.merge")
    if remote.code != 0 or target.code != 0:
        raise audit_error("RC613", name)
    return remote.line, target.line


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
    """Our unpushed commits again, on top of ``theirs``; None when nothing of ours is missing there.

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
        tip = _replay(git, commit, parents[0], tip)
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
