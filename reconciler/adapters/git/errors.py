"""The RC6xx codes, and git's answers as sentences. ``docs/errors.md`` is made from this table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from reconciler.domain.secrecy import masked
from reconciler.errors import QUOTED, AuditError

# code -> (meaning, remedy)
CODES: Mapping[str, tuple[str, str]] = {
    "RC600": (
        "a git command failed",
        "read git's own words above and repeat the command by hand; the report files are on disk",
    ),
    "RC601": (
        "git is not installed",
        "install git, or run with --no-commit and keep the report files yourself",
    ),
    "RC602": (
        "the project is not in a git repository with a work tree",
        (
            "run `git init` in the project; without git declare spec.audit: {git: false}, or run"
            " with --no-commit"
        ),
    ),
    "RC603": (
        "git does not know who commits",
        "set `git config user.name` and `git config user.email`, in CI in a step before this one",
    ),
    "RC604": (
        "the audit reports are ignored by git",
        "remove the rule, or add an exception such as `!audit/**`; the report files are on disk",
    ),
    "RC605": (
        "a merge, rebase, cherry-pick or revert is under way",
        "finish or abort it (`git status` says how) and run again: the next run commits the report",
    ),
    "RC606": (
        "a path of the report is a symbolic link or leaves the project",
        (
            "replace the link by a directory of the repository, or correct spec.audit.path in"
            " reconciler.yaml"
        ),
    ),
    "RC607": (
        "a commit hook refuses, or failed",
        "correct what the hook complains about and run again: the next run commits the report",
    ),
    "RC608": (
        "another git process holds a lock",
        "wait for the other git command to end; if none runs, remove the lock file that git names",
    ),
    "RC609": (
        "a report cannot be written",
        (
            "make room or correct the permissions, and run again: the next run writes the report"
            " from the history"
        ),
    ),
    "RC610": (
        "git refuses a repository that belongs to another user",
        (
            "run `git config --global --add safe.directory <repository>` for the user that runs the"
            " reconciler"
        ),
    ),
    "RC611": (
        "a git command took too long",
        "look for a hook, a credential prompt or a network that hangs",
    ),
    "RC612": (
        "HEAD is detached: there is no branch to push",
        (
            "check out a branch that has an upstream before the run, or push by hand: `git push"
            " origin HEAD:<branch>`"
        ),
    ),
    "RC613": (
        "the branch has no upstream",
        "run `git push -u origin <branch>` once",
    ),
    "RC614": (
        "the remote cannot be reached, or refuses the login",
        (
            "check the remote's URL and the credentials; the commit is kept locally: run `git push`"
            " later"
        ),
    ),
    "RC615": (
        "the remote, or a pre-push hook, refuses the push",
        "allow this user to push there, or push to another branch; the commit is kept locally",
    ),
    "RC616": (
        "the remote moved and the unpushed commits change more than audit reports",
        "run `git pull --rebase` and `git push` by hand; the audit commit is kept locally",
    ),
    "RC617": (
        "the remote holds another version of the same report, or shares no history",
        "run `git pull --rebase` and settle the conflict by hand; the audit commit is kept locally",
    ),
    "RC618": (
        "the remote kept moving",
        "run `git push` later; the audit commit is kept locally",
    ),
    "RC622": (
        "this partial clone lacks files of its history that are asked for",
        (
            "fetch them: `git fetch --refetch --no-filter` where the remote can be reached, or"
            " clone without --filter"
        ),
    ),
    "RC630": (
        "there is a git repository among the project's files, and git would obey its settings",
        "find out who put the files HEAD, objects, refs and config there, and remove them",
    ),
    "RC632": (
        "a hook or a filter changes the report as it is committed",
        (
            "exclude the audit folder from such hooks and filters and run again: the next run"
            " commits the report"
        ),
    ),
}

_LIMIT = 2000
# CSI, OSC (ended by BEL or ST) and two-byte escapes (ECMA-48).
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def audit_error(code: str, detail: str = "", output: str = "") -> AuditError:
    """The error of a code: its meaning, ``detail`` after a colon, then git's or a hook's own words,
    made harmless."""
    meaning, remedy = CODES[code]
    message = f"{meaning}: {detail}" if detail else meaning
    words = harmless(output)
    return AuditError(code, f"{message}\n{words}" if words else message, remedy)


def harmless(text: str) -> str:
    """Foreign output for a terminal and a log: no secret, no escapes, no control or bidi
    characters.

    At most 2,000 characters: the last ones, where programs say what went wrong.
    """
    plain = (
        _ESCAPE.sub("", masked(text)).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    )
    plain = "".join(char for char in plain if char == "\n" or unicodedata.category(char)[0] != "C")
    lines = [line.rstrip() for line in plain.split("\n") if line.strip()]
    joined = "\n".join(f"{QUOTED}{line}" for line in lines)
    return joined if len(joined) <= _LIMIT else f"{QUOTED}…" + joined[-_LIMIT:]
