"""What git says of the declaration that was loaded: which commit it is of, and how far an absence
can be believed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from reconciler.dataclass import dataclass

_IDENT = re.compile(rb"\$Id: [0-9a-f]{40,64} \$")
# A path below the project, and the ids that git would give to what was read there.
Loaded = Mapping[str, frozenset[str]]


class Committed(StrEnum):
    """Whether apply refuses what HEAD does not hold."""

    REQUIRE = "require"
    WARN = "warn"


class Descent(StrEnum):
    """How HEAD stands to the commit that was applied last."""

    FIRST = "first"  # no commit is on record as applied
    DESCENDS = "descends"
    BESIDE = "beside"  # older, or of another branch
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Applied:
    """The commit that an apply began to carry out last. ``uncommitted``: clients that were declared
    in no document of HEAD as they were applied. ``version``: of the document that says so, 0 when
    there is none."""

    commit: str
    run_id: str
    at: datetime
    uncommitted: frozenset[str] = frozenset()
    version: int = 0


@dataclass(frozen=True, slots=True)
class Checkout:
    """``head``: HEAD's commit. ``commit``: the newest one that changed more than audit reports.
    ``applied``: the commit that was applied last, as far as one is on record.

    ``dirty``: the paths whose content in HEAD is not what was used, sorted, files that HEAD alone
    has among them. ``holds_project``: HEAD has the project's reconciler.yaml. ``declared``: the
    clients that HEAD's versions of the dirty files declare for this environment; None: that cannot
    be told. ``trouble``: why no absence proves anything here, such as a merge in progress; empty
    when there is no reason. ``uncommitted``: the clients that are declared here and in no document
    of HEAD, be their files ignored, new or edited; ``remembered``: those that an earlier apply
    found so; ``committed``: those of these that HEAD declares now. ``filtered``: the dirty paths
    that pass a filter of git, which makes another text of them for a commit.
    """

    head: str | None = None
    commit: str | None = None
    applied: str | None = None
    descent: Descent = Descent.FIRST
    dirty: tuple[str, ...] = ()
    holds_project: bool = True
    declared: frozenset[str] | None = field(default=frozenset())
    trouble: str = ""
    uncommitted: frozenset[str] = frozenset()
    remembered: frozenset[str] = frozenset()
    committed: frozenset[str] = frozenset()
    filtered: tuple[str, ...] = ()


# A project that says `audit: {git: false}`: its work tree is the truth.
WITHOUT_GIT = Checkout()


def blob_ids(content: bytes) -> frozenset[str]:
    """The ids that git gives to a file with this content, by SHA-1 and by SHA-256, also with the
    line ends of Unix and without an id that the attribute ``ident`` put in: git may change these.
    Nobody's filters are asked: they could make anything of it."""
    found = {*exact_blob_ids(content), *_without_ident(content)}
    if b"\r\n" in content:
        plain = content.replace(b"\r\n", b"\n")
        found |= {*exact_blob_ids(plain), *_without_ident(plain)}
    return frozenset(found)


def _without_ident(content: bytes) -> Iterator[str]:
    """Those of the content as it is stored, if checking that out makes just this content of it."""
    if _IDENT.search(content):
        plain = _IDENT.sub(b"$Id$", content)
        yield from (
            one
            for one in exact_blob_ids(plain)
            if plain.replace(b"$Id$", b"$Id: %b $" % one.encode()) == content
        )


def exact_blob_ids(content: bytes) -> tuple[str, str]:
    """The ids that git gives to a file that it stores as it is, by SHA-1 and by SHA-256."""
    blob = b"blob %d\0%b" % (len(content), content)
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest(), hashlib.sha256(blob).hexdigest()
