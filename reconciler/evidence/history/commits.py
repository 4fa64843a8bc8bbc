"""What commits say of a change: which pull requests brought it, and who approved it.

Merge commits of GitHub, GitLab, Bitbucket and Azure name their request; trailers name who approved
or reviewed. A message is what its author wrote: it is no proof, and a forge may have written it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reconciler.dataclass import dataclass

# GitHub; GitLab; Bitbucket; Azure; a squashed commit of GitHub, whose title ends with the number.
_REQUESTS = (
    re.compile(r"\AMerge pull request #([0-9]{1,9})\b"),
    re.compile(r"^See merge request \S*!([0-9]{1,9})$", re.MULTILINE),
    re.compile(r"\AMerged in \S+ \(pull request #([0-9]{1,9})\)"),
    re.compile(r"\AMerged PR ([0-9]{1,9}):"),
    re.compile(r"\A[^\n]* \(#([0-9]{1,9})\)$", re.MULTILINE),
)
_APPROVED = re.compile(
    r"^(?:Approved|Reviewed|Acked)-by:[ \t]*(\S[^\n]{0,199}?)[ \t]*$", re.MULTILINE | re.IGNORECASE
)
# Commits between two applied ones that are looked at, the newest first.
MOST_COMMITS = 1_000


@dataclass(frozen=True, slots=True)
class CommitText:
    """A commit as git has it. ``author`` is ``name <address>``."""

    commit: str
    parents: tuple[str, ...]
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class CommitReview:
    """What the commits of one run say. ``requests`` are numbers of pull or merge requests,
    ``approved_by`` the people whom trailers name, ``authors`` who wrote the merged commits."""

    requests: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


NO_REVIEW = CommitReview()


def read_request(message: str) -> str | None:
    """The number of the pull request that a message names.

    >>> read_request("Merge pull request #12 from acme/rotate")
    '12'
    >>> read_request("Rotate weekly (#7)")
    '7'
    """
    found = (pattern.search(message) for pattern in _REQUESTS)
    return next((one[1] for one in found if one is not None), None)


def read_approvers(message: str) -> tuple[str, ...]:
    """The people whom the trailers of a message name.

    >>> read_approvers("Title\\n\\nApproved-by: Grace Hopper <grace@example.com>")
    ('Grace Hopper <grace@example.com>',)
    """
    return tuple(dict.fromkeys(_APPROVED.findall(message)))


def find_review(
    commits: Mapping[str, CommitText],
    commit: str | None,
    applied: str | None,
) -> CommitReview:
    """What was merged for ``commit`` since ``applied``, the commit of the apply before it; without
    one, or where it is not among the ancestors, of ``commit`` alone. Of merges the first parent is
    followed: what they merged is theirs."""
    told = [commits[one] for one in _walk(commits, commit, applied)]
    requests = [read_request(one.message) for one in told]
    return CommitReview(
        _once(one for one in reversed(requests) if one is not None),
        _once(name for one in reversed(told) for name in read_approvers(one.message)),
        _once(one.author for one in reversed(told)),
    )


def _walk(commits: Mapping[str, CommitText], commit: str | None, applied: str | None) -> list[str]:
    found: list[str] = []
    at = commit
    while at is not None and at != applied and at in commits and len(found) < MOST_COMMITS:
        found.append(at)
        at = next(iter(commits[at].parents), None)
    return found if applied is not None and at == applied else found[:1]


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
