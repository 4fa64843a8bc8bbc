"""Which file of allowed signers judges a commit, and when a key in it must be valid."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.dataclass import dataclass
from reconciler.errors import BlockedError


@dataclass(frozen=True, slots=True)
class SignersFile:
    """What is known of the file at ``path`` (below the project) as ``commit`` is judged by it.

    ``before``: its text in the first parent; ``own``: its text in the commit itself; None: it is
    not there. ``first``: the commit has no parent here, be it the repository's first one or because
    the history is cut off (``cut_off``).
    """

    path: str
    commit: str
    before: str | None
    own: str | None
    first: bool
    cut_off: bool


def read_trusted_text(file: SignersFile) -> str:
    """The allowed signers: those of the first parent, so that no commit vouches for itself. A
    repository's very first commit may.

    Raises ``BlockedError`` RC241 when that file cannot be trusted.
    """
    text = file.own if file.first else file.before
    if file.first and file.cut_off:
        raise _no_signers(
            f"the history is cut off at commit {file.commit[:12]}: what was trusted before is"
            " unknown"
        )
    if not file.first and text is None:
        raise _no_signers(f"{file.path} is not in the commit before {file.commit[:12]}")
    if text is None or not text.strip():
        raise _no_signers(f"{file.path} is not committed, or empty")
    return text


def signing_times(now: int, dates: Iterable[int]) -> set[int]:
    """When the key of a commit must be valid, in seconds since 1970: now, whatever date the commit
    gives itself, and, should the clock of this host be slow, at the latest of ``dates``, which it
    and what it builds on give themselves.

    >>> sorted(signing_times(100, [40, 90]))
    [100]
    >>> sorted(signing_times(100, [40, 120]))
    [100, 120]
    """
    return {now, max(now, *dates)}


def unsigned_error(why: str, *, cut_off: bool = False) -> BlockedError:
    """RC240. ``cut_off``: the history is, which may be the reason."""
    hint = " (the history is cut off: fetch all of it)" if cut_off else ""
    return BlockedError(
        "RC240",
        f"the policy demands a signed commit: {why}{hint}",
        "sign it with a key that the file of allowed signers already has: git commit --amend -S,"
        " with gpg.format ssh",
    )


def _no_signers(message: str) -> BlockedError:
    return BlockedError(
        "RC241",
        f"the allowed signers cannot be trusted: {message}",
        "commit the file first, then demand signatures with a signed commit; in CI fetch the whole"
        " history (fetch-depth: 0, GIT_DEPTH: 0)",
    )
