"""The git repository that holds the declaration and the reports:

``reconciler.engine.ports.Ledger``.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath

from reconciler.adapters.git.checkout import differing, find_operation
from reconciler.adapters.git.command import PATIENT_SECONDS, GitAnswer, GitCommand, command_failed
from reconciler.adapters.git.errors import audit_error
from reconciler.adapters.git.ignored import printable_path, refuse_ignored, refuse_rule
from reconciler.adapters.git.programs import Programs
from reconciler.adapters.git.push import (
    find_branch,
    find_published,
    find_target,
    find_tracking,
    push,
    refuse_branch,
    refuse_elsewhere,
)
from reconciler.adapters.git.report_files import (
    check_path,
    read_text,
    refuse_links,
    remove_file,
    reports_in,
    sweep,
    write_atomically,
)
from reconciler.adapters.git.stored_files import CommittedFiles
from reconciler.adapters.system.new_files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from reconciler.domain.declared.checkout import Loaded, exact_blob_ids
from reconciler.errors import AuditError

_NOT_TEMPORARY = f":(exclude,glob)**/{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"
# Refuse to guess a name from the login and the host name: evidence names a person or a pipeline, or
# nobody.
_NO_GUESSED_NAME = ("-c", "user.useConfigOnly=true")
_UPSTREAM = "@{upstream}"
_HEAD, _DETACHED = "# branch.head ", "(detached)"
_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg")
_SHOWN = 3


class GitLedger:
    """``git`` is that of the directory of ``reconciler.yaml``, the top of a repository or below
    it.

    ``audit`` is the project's audit directory: ``push`` re-creates only commits that stay below it.
    ``branch`` is the one that holds all audit commits, None: any. A detached HEAD is pushed there.
    After ``commit`` and ``push``, ``notes`` holds sentences for people about what is in order but
    unusual.
    """

    def __init__(
        self,
        git: GitCommand,
        audit: PurePosixPath | str = "audit",
        *,
        branch: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """``environ``: the variables that say who acts; None: those of this process."""
        self._environ = os.environ if environ is None else environ
        self._root = git.directory
        self._git = git
        self._branch = branch
        self._actor: str | None = None
        self._audit = PurePosixPath(audit)
        self._audits = {self._audit}
        self._files: dict[str, CommittedFiles] = {}  # by commit
        self._published: dict[str, str] = {}  # what a remote has, by HEAD, until the next push
        self.notes: list[str] = []

    def head(self) -> str | None:
        """The commit of HEAD, None outside a repository or before the first commit.

        Raises ``AuditError`` RC630 for a repository among the project's files.
        """
        try:
            answer = self._git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except AuditError as error:
            if error.code == "RC630":
                raise
            return None
        return answer.line if answer.code == 0 else None

    def differing(self, loaded: Loaded) -> tuple[str, ...]:
        """The paths of what was loaded whose content HEAD does not have. Raises ``AuditError``."""
        return differing(self._git, loaded)

    def actor(self) -> str:
        """Who runs this: the CI platform's actor, else git's user.name and user.email, else the
        login name. Found once."""
        if self._actor is None:
            self._actor = self._find_actor()
        return self._actor

    def _find_actor(self) -> str:
        for variable in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
            name = printable_path(self._environ.get(variable, ""))
            if name:
                return name
        try:
            settings = self._git.settings(r"^user\.(name|email)$")
        except AuditError:
            settings = {}
        name, email = (printable_path(settings.get(f"user.{one}", "")) for one in ("name", "email"))
        if name and email:
            return printable_path(f"{name} <{email}>")
        try:
            login = getpass.getuser()
        except (OSError, KeyError):  # no such user in this container
            login = ""
        return name or email or printable_path(login) or f"uid {os.getuid()}"

    def tracks(self, path: Path) -> bool:
        """Whether git has the file at ``path``, or what it leads to, in its index.

        False outside a repository.
        """
        asked = self._root / path
        linked = os.path.abspath(asked)  # noqa: PTH100 - keeps links
        names = {linked, os.path.realpath(asked)}
        try:
            answers = [
                self._git.run("ls-files", "--error-unmatch", "--", f":(literal){name}")
                for name in names
            ]
        except AuditError:
            return False
        return any(answer.code == 0 for answer in answers)

    def write(self, files: Mapping[PurePosixPath, str]) -> None:
        """Write report files, atomically each, relative to the project.

        Raises ``AuditError`` (RC606, RC609).
        """
        for path, text in files.items():
            write_atomically(self._root, path, text)

    def remove(self, paths: Collection[PurePosixPath]) -> None:
        """Remove files from the disk, those that are there. Raises ``AuditError`` (RC606,
        RC609)."""
        for path in paths:
            remove_file(self._root, path)

    def commit(
        self,
        directory: PurePosixPath,
        message: str,
        files: Mapping[PurePosixPath, str] | None = None,
        removed: Collection[PurePosixPath] = (),
    ) -> str | None:
        """Commit ``files``, which lie below ``directory``, with exactly these texts, and that those
        of ``removed`` are gone, which HEAD has and the disk has not; the new commit, or None when
        nothing changed. Without ``files`` everything that lies there.

        What else is staged stays staged, what else is edited stays edited. Raises ``AuditError``
        (RC600 to RC608, RC610, RC611, RC619, RC632); the files then stay on disk and the index is
        as it was.
        """
        self.notes.clear()
        check_path(directory)
        self._audits.add(directory)
        # Only with a folder: next to the names of files git 2.39 overlooks new ones (measured).
        where = (
            [f":(literal){path}" for path in files]
            if files is not None
            else [f":(literal){directory}", _NOT_TEMPORARY]
        )
        gone = [f":(literal){path}" for path in removed]
        self._refuse_unfinished()
        if not refuse_links(self._root, directory):
            return None
        for folder in {directory, *(path.parent for path in files or ())}:
            sweep(self._root, folder)
        if where:
            refuse_ignored(self._git, where)
        heads = self._heads_over_changes([*where, *gone])
        if heads is None:
            return None
        name = next(line.removeprefix(_HEAD) for line in heads if line.startswith(_HEAD))
        if self._branch is not None and name != _DETACHED:
            refuse_branch(name, self._branch)
        if not self._commit(where, gone, message):
            return None
        commit = self._refuse_rewritten(files or {})
        if name == _DETACHED:
            self.notes.append(_describe_detached(commit[:12], self._branch))
        return commit

    def refuse_unready(self, directory: PurePosixPath, *, push: bool) -> None:
        """Look first whether git can take a report: raises the ``AuditError`` (RC601 to RC606,
        RC610, RC612, RC613, RC619, RC630) that a commit below ``directory`` and a push would
        meet."""
        check_path(directory)
        self._refuse_unfinished()
        if self._branch is not None:
            refuse_elsewhere(self._git, self._audit, self._branch)
        refuse_links(self._root, directory)
        refuse_rule(self._git, directory)
        self._refuse_nameless()
        if push:
            find_target(self._git, find_branch(self._git), self._branch)

    def texts(self, path: PurePosixPath) -> tuple[str, ...]:
        """What a report file holds: as committed in HEAD, then as on disk.

        Raises ``AuditError`` (RC606, RC609).
        """
        check_path(path)
        try:
            committed = self._read_committed(path)
        except AuditError:
            committed = None
        texts = committed, read_text(self._root, path)
        return tuple(text for text in texts if text is not None)

    def reports(self, directory: PurePosixPath) -> Iterator[str]:
        """The texts of the JSON reports on disk below ``directory``. Raises ``AuditError``."""
        return reports_in(self._root, directory)

    def find_files(self, *, pushed: bool = False) -> CommittedFiles:
        """The files of HEAD. ``pushed``: those that the upstream is known to have; without an
        upstream (a detached HEAD) those that some remote is, and HEAD's where there is none."""
        commit, upstream = self._resolve_both()
        if pushed:
            commit = upstream or self._find_published(commit)
        if commit not in self._files:
            self._files = {**self._files, commit: CommittedFiles(self._git, commit)}
        return self._files[commit]

    def _find_published(self, head: str) -> str:
        if head not in self._published:
            self._published[head] = find_published(self._git, head, self._branch)
        return self._published[head]

    def _resolve_both(self) -> tuple[str, str]:
        """The commits of HEAD and of its upstream, each empty where there is none: git is asked
        once, and ends at an upstream that is not there."""
        asked = "".join(f"{name}^{{commit}}\n" for name in ("HEAD", _UPSTREAM))
        lines = self._git.run("cat-file", "--batch-check", stdin=asked).out.splitlines()
        words = [line.split(" ") for line in lines]
        found = [one[0] if one[1:2] == ["commit"] else "" for one in words]
        head, upstream = (*found, "", "")[:2]
        return head, upstream

    def find_uncommitted(self, directory: PurePosixPath) -> dict[PurePosixPath, str]:
        """Files below ``directory`` that differ from HEAD, by path relative to the project:
        ``new``, ``changed`` or ``removed``. Ignored files and what a killed run left are not told.
        Empty outside a repository."""
        options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames")
        try:
            answer = self._git.run(
                "status", *options, "--", f":(literal){directory}", _NOT_TEMPORARY
            )
            prefix = self._git.repository.prefix
        except AuditError:
            return {}
        lines = [line for line in answer.out.split("\0") if line] if answer.code == 0 else []
        return {PurePosixPath(line[3:].removeprefix(prefix)): _state(line[:2]) for line in lines}

    def count_unpushed(self, directory: PurePosixPath) -> int | None:
        """How many commits below ``directory`` the upstream is not known to have, or the declared
        branch with a detached HEAD; None where that is not known."""
        counted = ("rev-list", "--count")
        where = ("--", f":(literal){directory}")
        try:
            answer = self._git.run(*counted, f"{_UPSTREAM}..HEAD", *where)
            if answer.code != 0 and self._branch is not None:
                tracking = find_tracking(self._git, self._branch)
                answer = self._git.run(*counted, f"{tracking}..HEAD", *where)
        except AuditError:
            return None
        return int(answer.line) if answer.code == 0 else None

    def push(self) -> None:
        """Push the current branch to its upstream, or a detached HEAD to the declared branch.

        When the remote moved, our unpushed audit commits are re-created on top of it, without the
        work tree, and pushed; up to five tries. Raises ``AuditError`` (RC602, RC612 to RC619); the
        commit is kept locally.
        """
        self.notes.clear()
        self._published.clear()
        note = push(self._git, tuple(self._audits), self._branch)
        if note:
            self.notes.append(note)

    def _heads_over_changes(self, where: Sequence[str]) -> list[str] | None:
        """What ``git status`` says of the branch; None when nothing of ``where`` differs from
        HEAD."""
        options = ("--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=all", "-z")
        lines = self._git.must("status", *options, "--", *where).rstrip("\0").split("\0")
        heads = list(takewhile(lambda line: line.startswith("# "), lines))
        return heads if len(heads) < len(lines) else None

    def _refuse_rewritten(self, files: Mapping[PurePosixPath, str]) -> str:
        """The commit of HEAD. One that does not hold what it was made of is taken back, and that is
        written anew: it would be no evidence."""
        asked = "".join(
            f"{name}\n" for name in ("HEAD^{commit}", *(f"HEAD:./{one}" for one in files))
        )
        answers = self._git.must("cat-file", "--batch-check", stdin=asked).split("\n")
        commit, *blobs = (answer.split(" ")[0] for answer in answers)
        wrong = [
            path
            for (path, text), blob in zip(files.items(), blobs, strict=True)
            if blob not in exact_blob_ids(text.encode())
        ]
        if not wrong:
            return commit
        before = self._git.run("rev-parse", "--verify", "--quiet", f"{commit}^1")
        back = ("HEAD", before.line, commit) if before.code == 0 else ("-d", "HEAD", commit)
        self._git.run("update-ref", "-m", "reconciler: not as it was written", *back)
        self._git.run("reset", "--quiet", "--", *(f":(literal){path}" for path in files))
        self.write(files)
        names = ", ".join(map(str, wrong[:_SHOWN])) + (" and more" if len(wrong) > _SHOWN else "")
        raise audit_error("RC632", printable_path(names))

    def _read_committed(self, path: PurePosixPath) -> str | None:
        """The text of a file in HEAD."""
        answer = self._git.run("cat-file", "blob", f"HEAD:./{path}")
        return answer.out if answer.code == 0 else None

    def _commit(self, where: list[str], gone: list[str], message: str) -> bool:
        """Whether there was anything to commit."""
        both = [*where, *gone]
        try:
            if where:
                self._git.must("add", "--", *where, programs=Programs.COMMIT)
            if gone:
                self._git.must("rm", "--quiet", "--cached", "--ignore-unmatch", "--", *gone)
            staged = self._git.run("diff", "--cached", "--quiet", "--no-ext-diff", "--", *both)
            if staged.code == 0:
                return False
            self._commit_only(both, message)
        except BaseException:
            self._git.run("reset", "--quiet", "--", *both)
            raise
        return True

    def _commit_only(self, where: list[str], message: str) -> None:
        arguments = (
            "commit",
            "--quiet",
            "--only",
            "--cleanup=whitespace",
            "--file=-",
            "--",
            *where,
        )
        answer = self._git.run(
            *_NO_GUESSED_NAME,
            *arguments,
            stdin=message,
            seconds=PATIENT_SECONDS,
            programs=Programs.COMMIT,
        )
        if answer.code != 0:
            raise self._refusal(arguments, answer)

    def _refusal(self, arguments: tuple[str, ...], answer: GitAnswer) -> AuditError:
        self._refuse_nameless()
        hooks = self._root / self._git.must(
            "rev-parse", "--git-path", "hooks", programs=Programs.COMMIT
        )
        present = [name for name in _HOOKS if os.access(hooks / name, os.X_OK)]
        if not present or "gpg failed" in answer.err:
            return command_failed(arguments, answer)
        return audit_error("RC607", " or ".join(present), answer.err or answer.out)

    def _refuse_unfinished(self) -> None:
        if verb := find_operation(self._git):
            raise audit_error("RC605", verb)

    def _refuse_nameless(self) -> None:
        for ident in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            if self._git.run(*_NO_GUESSED_NAME, "var", ident).code != 0:
                raise audit_error("RC603")


def _describe_detached(short: str, declared: str | None) -> str:
    if declared is None:
        return (
            f"HEAD is detached: no branch holds the audit commit {short}; keep it with `git"
            f" branch <name> {short}` or push it with `git push origin {short}:<branch>`"
        )
    return (
        f"HEAD is detached: the audit commit {short} is on no branch until it is pushed to"
        f" {declared} (--push)"
    )


def _state(code: str) -> str:
    """The two letters of ``git status --porcelain`` (index, work tree) as one word."""
    if "D" in code:
        return "removed"
    return "new" if code == "??" or code[0] == "A" else "changed"
