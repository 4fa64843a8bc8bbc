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
from reconciler.errors import AuditError, BlockedError

# What somebody replaced here (git replace) is not what others see.
_AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1"}
_SSH = "gpgsig -----BEGIN SSH SIGNATURE-----"
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
        self.parents = self._parents()

    def before(self, path: str) -> str | None:
        """The text of a file as it was before this commit: in its first parent. None: there was none, or no parent."""
        if not self.parents:
            return None
        answer = self._git.run("cat-file", "blob", f"{self.parents[0]}:./{path}", environment=_AS_STORED)
        return answer.out if answer.code == 0 else None

    def refuse_unsigned(self, signers: str) -> None:
        """Raises ``BlockedError``: RC240 without a good ssh signature by a key in ``signers``, a path below the
        project; RC241 when that file cannot be trusted.

        The file is that of the first parent, so that no commit vouches for itself; a repository's very first
        commit may.
        """
        trusted = self._trusted(signers)
        if _SSH not in self._raw().partition("\n\n")[0]:
            raise _unsigned(f"commit {self.commit[:12]} has no ssh signature{self._cut_off()}")
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            file = Path(folder) / "allowed_signers"
            file.write_text(trusted, encoding="utf-8", errors="surrogateescape")
            answer = self._git.run(
                "-c", f"gpg.ssh.allowedSignersFile={file}", "-c", "gpg.format=ssh", "verify-commit", self.commit,
                environment=_AS_STORED,
            )  # fmt: skip
        if answer.code != 0:
            words = " ".join(harmless(answer.err).replace("  | ", " ").split())[:200].replace(str(file), signers)
            raise _unsigned(f"the signature of commit {self.commit[:12]} is not one of a key in {signers}: {words}")

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
                "RC242", f"not as committed: {harmless(names).removeprefix('  | ')}",
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
        return self._raw().partition("\n\n")[0].count("\nparent ") > 1

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

    def _parents(self) -> Sequence[str]:
        line = self._git.must("rev-list", "--parents", "-1", self.commit, "--", environment=_AS_STORED)
        return line.split()[1:]

    def _raw(self) -> str:
        return self._git.must("cat-file", "commit", self.commit, environment=_AS_STORED)

    def _cut_off(self) -> str:
        shallow = self._git.run("rev-parse", "--is-shallow-repository").line == "true"
        return " (the history is cut off: fetch all of it)" if shallow else ""


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
