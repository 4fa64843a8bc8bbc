"""RC6xx: writing, committing and pushing the audit report."""

from __future__ import annotations

from reconciler.errors.codes.code import Code
from reconciler.errors.finding import Level

REPORT_CODES: tuple[Code, ...] = (
    Code(
        "RC600",
        "a git command failed",
        "read git's own words above and repeat the command by hand; the report files are on disk",
    ),
    Code(
        "RC601",
        "git is not installed",
        "install git, or run with --no-commit and keep the report files yourself",
    ),
    Code(
        "RC602",
        "the project is not in a git repository with a work tree",
        "run `git init` in the project; without git declare spec.audit: {git: false}, or run"
        " with --no-commit",
    ),
    Code(
        "RC603",
        "git does not know who commits",
        "set `git config user.name` and `git config user.email`, in CI in a step before this one",
    ),
    Code(
        "RC604",
        "the audit reports are ignored by git",
        "remove the rule, or add an exception such as `!audit/**`; the report files are on disk",
    ),
    Code(
        "RC605",
        "a merge, rebase, cherry-pick or revert is under way",
        "finish or abort it (`git status` says how) and run again: the next run commits the report",
    ),
    Code(
        "RC606",
        "a path of the report is a symbolic link or leaves the project",
        "replace the link by a directory of the repository, or correct spec.audit.path in"
        " reconciler.yaml",
    ),
    Code(
        "RC607",
        "a commit hook refuses, or failed",
        "correct what the hook complains about and run again: the next run commits the report",
    ),
    Code(
        "RC608",
        "another git process holds a lock",
        "wait for the other git command to end; if none runs, remove the lock file that git names",
    ),
    Code(
        "RC609",
        "a report cannot be written",
        "make room or correct the permissions, and run again: the next run writes the report"
        " from the history",
        more="by us or by git: no room, no permission, a read-only disk",
    ),
    Code(
        "RC610",
        "git refuses a repository that belongs to another user",
        "run `git config --global --add safe.directory <repository>` for the user that runs the"
        " reconciler",
    ),
    Code(
        "RC611",
        "a git command took too long",
        "look for a hook, a credential prompt or a network that hangs",
    ),
    Code(
        "RC612",
        "HEAD is detached: there is no branch to push",
        "check out a branch that has an upstream before the run, declare spec.audit.branch, or push"
        " by hand: `git push origin HEAD:<branch>`",
    ),
    Code("RC613", "the branch has no upstream", "run `git push -u origin <branch>` once"),
    Code(
        "RC614",
        "the remote cannot be reached, or refuses the login",
        "check the remote's URL and the credentials; the commit is kept locally: run `git push`"
        " later",
    ),
    Code(
        "RC615",
        "the remote, or a pre-push hook, refuses the push",
        "allow this user to push there, or push to another branch; the commit is kept locally",
    ),
    Code(
        "RC616",
        "the remote moved and the unpushed commits change more than audit reports",
        "run `git pull --rebase` and `git push` by hand; the audit commit is kept locally",
    ),
    Code(
        "RC617",
        "the remote holds another version of the same report, or shares no history",
        "run `git pull --rebase` and settle the conflict by hand; the audit commit is kept locally",
    ),
    Code(
        "RC618", "the remote kept moving", "run `git push` later; the audit commit is kept locally"
    ),
    Code(
        "RC619",
        "audit commits go to another branch than the one that is checked out",
        "check out the branch that spec.audit.branch declares (`git fetch` if it moved), and run"
        " again",
    ),
    Code(
        "RC620",
        "an environment or run id cannot name a report: the document of the run was written by"
        " hand",
        "remove that document from the folder `runs` of the registry mount",
    ),
    Code(
        "RC622",
        "this partial clone lacks files of its history that are asked for",
        "fetch them: `git fetch --refetch --no-filter` where the remote can be reached, or"
        " clone without --filter",
    ),
    Code(
        "RC630",
        "there is a git repository among the project's files, and git would obey its settings",
        "find out who put the files HEAD, objects, refs and config there, and remove them",
    ),
    Code(
        "RC631",
        "a warning of a run: the report of an earlier run was there and is not what its history"
        " in Vault says. It is written anew, and the commit says so",
        "somebody changed it, or Vault was lost before its run had ended: `git log -p` of the"
        " audit folder shows which",
        level=Level.WARNING,
        exit=0,
    ),
    Code(
        "RC632",
        "a hook or a filter changes the report as it is committed",
        "exclude the audit folder from such hooks and filters and run again: the next run"
        " commits the report",
        more="the commit was taken back",
    ),
)
