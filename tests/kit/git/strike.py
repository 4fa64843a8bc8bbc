"""A git on PATH that kills whoever called it before, while or after it did its work; and git killed
in its midst."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git import command as git_command
from tests.kit.git.repositories import add_hook, git

HOWS = ("before", "during", "after")
# before: git never ran. during: git does its work, and nobody is left to hear of it. after: it did.
# once, twice: nobody is killed; the caller is asked to stop while git is at work.
_SCRIPT = """#!/bin/sh
export STRIKE_CALLER=$PPID
printf '%s\\n' "$*" >> {log}
[ "$(wc -l < {log})" -eq "$STRIKE_AT" ] || exec {real} "$@"
case "$STRIKE_HOW" in
before) kill -9 "$PPID"; exit 1 ;;
during) cat > {log}.stdin; kill -9 "$PPID"; exec {real} "$@" < {log}.stdin ;;
once) kill -INT "$PPID"; exec {real} "$@" ;;
twice) kill -INT "$PPID"; kill -TERM "$PPID"; exec {real} "$@" ;;
after) {real} "$@"; code=$?; kill -9 "$PPID"; exit $code ;;
esac
"""


@dataclass(frozen=True)
class StrikingGit:
    """``log`` has a line for every time that git was called."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()

    def variables(self, at: int = 0, how: str = "") -> dict[str, str]:
        """Of the environment of a command whose git strikes when it is called for the ``at``-th
        time (from 1)."""
        self.log.write_text("")
        return {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "STRIKE_AT": str(at),
            "STRIKE_HOW": how,
        }


def striking_git(folder: Path) -> StrikingGit:
    folder.mkdir()
    real = shutil.which("git")
    script = folder / "git"
    script.write_text(_SCRIPT.format(log=folder / "log", real=real))
    script.chmod(0o755)
    return StrikingGit(folder)


# Where git itself can be made to die, with its locks held: while it adds a file, before it makes
# the commit, when the branch is locked, when the branch has moved, when all is done.
MIDSTS = ("add", "pre-commit", "prepared", "committed", "post-commit")


def kill_git(repository: Path, midst: str, *, caller: bool) -> None:
    """From now on git dies of SIGKILL there, and with ``caller`` the command that called it as
    well."""
    blow = f"""{'kill -9 "$STRIKE_CALLER"' if caller else ""}\nkill -9 $PPID"""
    ours = '[ -n "$STRIKE_CALLER" ] || exit 0\n'
    if midst == "add":  # git status filters as well, without a lock
        add_hook(repository, "clean", f"[ -e .git/index.lock ] || exec cat\n{blow}")
        git(repository, "config", "filter.deadly.clean", str(repository / ".git/hooks/clean"))
        (repository / ".git/info/attributes").write_text("audit/** filter=deadly\n")
    elif midst in ("prepared", "committed"):
        # Only the transaction of the branch: git has others.
        only = f'[ "$1" = {midst} ] || exit 0\ngrep -q refs/heads/ || exit 0\n'
        add_hook(repository, "reference-transaction", f"{ours}{only}{blow}")
    else:
        add_hook(repository, midst, f"{ours}{blow}")


def hasty(_order: object) -> None:
    """For the command itself: wait for a lock once, not four times."""
    setattr(git_command, "_WAITS", 1)  # noqa: B010 - no name of its own


HASTY = "tests.kit.git.strike:hasty null"


def heal(repository: Path) -> None:
    for name in (
        "hooks/clean",
        "hooks/reference-transaction",
        "hooks/pre-commit",
        "hooks/post-commit",
    ):
        (repository / ".git" / name).unlink(missing_ok=True)
    (repository / ".git/info/attributes").unlink(missing_ok=True)
