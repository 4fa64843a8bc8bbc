"""Whether the commit that is applied is signed, by whom its file of allowed signers trusts, and by whom it was written.

Commits of audit reports are passed over: ``apply`` makes them, they leave the declaration as it is.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from reconciler.adapters.git_command import GitCommand
from reconciler.adapters.git_errors import harmless
from reconciler.adapters.platform import Person
from reconciler.errors import QUOTED, AuditError, BlockedError

# What somebody replaced here (git replace) is not what others see.
_AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1"}
_SSH = re.compile(r"gpgsig(-sha256)? -----BEGIN SSH SIGNATURE-----")
# gpg would trust every key that this machine has.
_SSH_ALONE = tuple(
    part
    for name in ("gpg.program=false", "gpg.openpgp.program=false", "gpg.x509.program=false", "gpg.format=ssh")
    for part in ("-c", name)
)
_AUTHOR = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*\Z")
_SHOWN = 3


class Declaration:
    """The commit that HEAD's declaration comes from. ``audit``: the folder of the reports, below ``root``.

    Raises ``BlockedError`` RC240 when there is none.
    """

    def __init__(self, root: Path, audit: str) -> None:
        self._git = GitCommand(root)
        outside = (":(top)", f":(exclude,literal){audit}")
        # Plumbing: what somebody's settings make of `git log` (log.showSignature) is no answer.
        newest = ("rev-list", "--first-parent", "--max-count=1", "HEAD", "--", *outside)
        try:
            answer = self._git.run(*newest, environment=_AS_STORED)
        except AuditError as error:
            raise _unsigned(f"there is no commit to verify: {error.message}") from None
        self.commit = answer.line if answer.code == 0 else ""
        if not self.commit:
            raise _unsigned("there is no commit to verify")
        self.parents = self._parents_of(self.commit)

    def before(self, path: str) -> str | None:
        """The text of a file as it was before this commit: in its first parent. None: there was none, or no parent."""
        return self.text(self.parents[0], path) if self.parents else None

    def text(self, commit: str, path: str) -> str | None:
        """The text of a file, a path below the project, in a commit; None when there is none."""
        answer = self._git.run("cat-file", "blob", f"{commit}:./{path}", environment=_AS_STORED)
        return answer.out if answer.code == 0 else None

    def ever_said(self, paths: Collection[str], word: str) -> bool:
        """Whether an earlier commit brought ``word`` into one of ``paths``, or took it away."""
        if not self.parents:
            return False
        options = ("--first-parent", "-m", "--no-show-signature", "--max-count=1", "--format=%H", f"-S{word}")
        return bool(self._git.must("log", *options, self.parents[0], "--", *_literal(paths), environment=_AS_STORED))

    def changes_of(self, paths: Collection[str]) -> list[tuple[str, str]]:
        """(commit, its first parent) of every earlier commit that changed one of ``paths``, the oldest first; a commit
        without a parent is left out. Of a merge counts what it changed of its first parent."""
        if not self.parents:
            return []
        options = ("--first-parent", "--reverse", self.parents[0])
        commits = self._git.must("rev-list", *options, "--", *_literal(paths), environment=_AS_STORED)
        if not commits:
            return []
        # Asked apart: a list that leaves commits out also leaves them out of the parents.
        walk = ("--no-walk=unsorted", "--parents", "--stdin")
        lines = self._git.must("rev-list", *walk, stdin=f"{commits}\n", environment=_AS_STORED).split("\n")
        return [(words[0], words[1]) for line in lines if len(words := line.split()) > 1]

    def refuse_unsigned(self, signers: str) -> None:
        """Raises ``BlockedError``: RC240 without a good ssh signature by a key in ``signers``, a path below the
        project; RC241 when that file cannot be trusted.

        The file is that of the first parent, so that no commit vouches for itself; a repository's very first
        commit may.
        """
        self.refuse_other_keys(self._trusted(signers), signers)

    def refuse_other_keys(self, allowed: str, name: str) -> None:
        """Raises ``BlockedError`` RC240 unless a key in ``allowed``, the text of a file called ``name``, signed this
        commit."""
        if why := self.fault(self.commit, allowed, name):
            raise _unsigned(f"{why}{self._cut_off()}")

    def fault(self, commit: str, allowed: str, name: str) -> str:
        """Why no key in ``allowed`` signed ``commit``, in words; empty when one did."""
        head = self._raw(commit).partition("\n\n")[0].split("\n")
        if not any(map(_SSH.match, head)):
            return f"commit {commit[:12]} has no ssh signature"
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            file = Path(folder) / "allowed_signers"
            file.write_text(allowed, encoding="utf-8", errors="surrogateescape")
            setting = f"gpg.ssh.allowedSignersFile={file}"
            answer = self._git.run(*_SSH_ALONE, "-c", setting, "verify-commit", commit, environment=_AS_STORED)
        if answer.code == 0:
            return ""
        words = " ".join(harmless(answer.err).replace(QUOTED, " ").split())[:200].replace(str(file), name)
        return f"the signature of commit {commit[:12]} is not one of a key in {name}: {words}"

    def refuse_uncommitted(self, paths: Collection[str], declares: Callable[[str], bool]) -> None:
        """Raises ``BlockedError`` RC242 when what is applied is not what was signed: ``paths`` are the files of the
        declaration, ``declares`` tells of a path whether it would be one."""
        committed = {}
        for line in self._git.must("ls-tree", "-r", "-z", "HEAD", "--", ".", environment=_AS_STORED).split("\0"):
            head, _, path = line.partition("\t")
            if path:
                committed[path] = head.split()[2]
        listed = sorted(path for path in paths if "\n" not in path and not path.startswith('"'))
        prefix = self._git.must("rev-parse", "--show-prefix")  # hash-object counts from the top
        lines = "".join(f"{prefix}{path}\n" for path in listed)
        hashes = self._git.must("hash-object", "--stdin-paths", stdin=lines)
        present = dict(zip(listed, hashes.split("\n"), strict=True)) if listed else {}
        wrong = [path for path in paths if committed.get(path) != present.get(path, "")]
        wrong += [path for path in committed if declares(path) and path not in present]
        if wrong:
            names = ", ".join(sorted(wrong)[:_SHOWN]) + (" and more" if len(wrong) > _SHOWN else "")
            raise BlockedError(
                "RC242", f"not as committed: {harmless(names).removeprefix(QUOTED)}",
                "commit and sign it, or restore it; a link is replaced by a copy",
            )  # fmt: skip

    def authors(self) -> list[Person]:
        """Who wrote what this commit brought: of a merge the commits that it merged, co-authors included."""
        named = "%an <%ae>%n%(trailers:key=Co-authored-by,valueonly)"
        span = f"{self.parents[0]}..{self.commit}" if self.parents else self.commit
        only = () if len(self.parents) > 1 else ("-1",)
        options = ("--no-merges", "--no-show-signature", f"--format={named}", *only)
        answer = self._git.run("log", *options, span, "--", environment=_AS_STORED)
        found = (_AUTHOR.match(line) for line in answer.out.split("\n"))
        return [Person(name=match[1], email=match[2]) for match in found if match]

    @property
    def is_merge(self) -> bool:
        """As it is stored, also where the history is cut off."""
        return self._raw(self.commit).partition("\n\n")[0].count("\nparent ") > 1

    def _trusted(self, signers: str) -> str:
        if self.parents:
            text = self.before(signers)
            if text is None:
                raise _no_signers(f"{signers} is not in the commit before {self.commit[:12]}")
        elif self._cut_off():
            raise _no_signers(
                f"the history is cut off at commit {self.commit[:12]}: what was trusted before is unknown"
            )
        else:
            answer = self._git.run("cat-file", "blob", f"{self.commit}:./{signers}", environment=_AS_STORED)
            text = answer.out if answer.code == 0 else None
        if text is None or not text.strip():
            raise _no_signers(f"{signers} is not committed, or empty")
        return text

    def _parents_of(self, commit: str) -> Sequence[str]:
        line = self._git.must("rev-list", "--parents", "--max-count=1", commit, "--", environment=_AS_STORED)
        return line.split()[1:]

    def _raw(self, commit: str) -> str:
        return self._git.must("cat-file", "commit", commit, environment=_AS_STORED)

    def _cut_off(self) -> str:
        shallow = self._git.run("rev-parse", "--is-shallow-repository").line == "true"
        return " (the history is cut off: fetch all of it)" if shallow else ""


def _literal(paths: Collection[str]) -> list[str]:
    return [f":(literal){path}" for path in sorted(paths)]


def _unsigned(message: str) -> BlockedError:
    return BlockedError(
        "RC240", f"the policy demands a signed commit: {message}",
        "sign it with a key that the file of allowed signers already has: git commit --amend -S, with gpg.format ssh",
    )  # fmt: skip


def _no_signers(message: str) -> BlockedError:
    return BlockedError(
        "RC241", f"the allowed signers cannot be trusted: {message}",
        "commit the file first, then demand signatures with a signed commit; in CI fetch the whole history "
        "(fetch-depth: 0, GIT_DEPTH: 0)",
    )  # fmt: skip
