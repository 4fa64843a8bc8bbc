"""A report that an entry names: what it says, or why it says nothing.

Only the bytes whose digest the entry holds count. What is in them is decoded with care all the
same: reports that were made before the log began were written when nobody signed them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct, convert
from msgspec.json import Decoder

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.credentials import CredentialKind, list_kinds
from reconciler.evidence.statement import REMOVALS, LoggedFile, Statement

REPORT_KIND = "audit"
REPORT_VERSION = 1
Instant = Annotated[datetime, Meta(tz=True)]


class Fate(StrEnum):
    """What became of a report file."""

    THERE = "there"
    MISSING = "missing"
    ERASED = "erased"  # under an entry that says so
    ARCHIVED = "archived"  # likewise: it lies in an archive
    CHANGED = "changed"  # its bytes are not those that the entry names
    UNREADABLE = "unreadable"  # a later format, or no report


class ReportedOutcome(Struct, frozen=True):
    """What became of one action. ``detail`` holds ids and hashes, never a secret."""

    address: str
    kind: str
    status: str
    message: str = ""
    client: str = ""
    version: int | None = None
    reason: str = ""
    why: str = ""
    detail: dict[str, Any] = {}


class ReportedVersion(Struct, frozen=True):
    """One version of a credential as the registry had it after the run."""

    version: int
    id: str
    state: str
    sha256: str
    reason: str
    run: str
    issued_at: Instant
    expires_at: Instant
    grace_until: Instant | None = None
    revoked_at: Instant | None = None
    destroyed_at: Instant | None = None


class ReportedCredential(Struct, frozen=True):
    """A key, or a webhook with its signing secrets."""

    name: str
    path: str
    versions: tuple[ReportedVersion, ...] = ()
    secrets: tuple[ReportedVersion, ...] = ()
    url: str | None = None
    verified_at: Instant | None = None
    failing_since: Instant | None = None
    failures: int = 0
    last_delivery: dict[str, Any] | None = None

    @property
    def series(self) -> tuple[ReportedVersion, ...]:
        """Its versions, whichever field of the two has them."""
        return self.versions or self.secrets


class ReportedClient(Struct, frozen=True):
    """A client as it was after the run. ``credentials`` are by their kind."""

    name: str
    status: str
    scopes: tuple[str, ...]
    credentials: dict[str, tuple[ReportedCredential, ...]]

    def of_kind(self, kind: CredentialKind) -> tuple[ReportedCredential, ...]:
        return self.credentials.get(kind.word, ())


class ReportedRun(Struct, frozen=True):
    """What a report says of its run. ``dirty`` are paths of what was used that the commit does not
    hold. ``clients`` None: the registry could not be read after it."""

    run_id: str
    command: str
    actor: str
    started_at: Instant
    finished_at: Instant
    git_commit: str | None = None
    outcomes: tuple[ReportedOutcome, ...] = ()
    deliveries: tuple[dict[str, Any], ...] = ()
    dirty: tuple[str, ...] = ()
    clients: tuple[ReportedClient, ...] | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """``name`` is its path; ``told`` is None unless its fate is ``there``. ``entry`` is the number
    of the one that says that it is erased or archived."""

    name: str
    fate: Fate
    told: ReportedRun | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of a file: ``erased`` or ``archived``, as the entry ``number`` says."""

    kind: str
    number: int


def trace_removals(statements: Iterable[Statement]) -> dict[str, Removal]:
    """The files that entries say are gone, by name. What was archived and is erased now is
    erased."""
    return {
        file.name: Removal(one.kind, one.number)
        for one in statements
        if one.kind in REMOVALS
        for file in one.subjects
    }


def read_report(
    file: LoggedFile,
    content: bytes | None,
    removals: Mapping[str, Removal],
) -> RunReport:
    """The report that an entry names as ``file``. ``removals``: what entries say is gone."""
    if content is None:
        removal = removals.get(file.name)
        if removal is None:
            return RunReport(file.name, Fate.MISSING)
        return RunReport(file.name, Fate(removal.kind), entry=removal.number)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        return RunReport(file.name, Fate.CHANGED)
    told = _decode(content)
    return RunReport(file.name, Fate.UNREADABLE if told is None else Fate.THERE, told)


class _HeadShape(ReportedRun, frozen=True):
    format_version: int = 0
    kind: str = ""
    clients: tuple[dict[str, Any], ...] | None = None  # type: ignore[assignment]


_DECODER = Decoder(_HeadShape)


def _decode(content: bytes) -> ReportedRun | None:
    try:
        found = _DECODER.decode(content)
        if (found.kind, found.format_version) != (REPORT_KIND, REPORT_VERSION):
            return None
        clients = None if found.clients is None else tuple(map(_build_client, found.clients))
    except (ValueError, KeyError, TypeError, RecursionError):  # also msgspec's own
        return None
    return ReportedRun(
        run_id=found.run_id,
        command=found.command,
        actor=found.actor,
        started_at=found.started_at,
        finished_at=found.finished_at,
        git_commit=found.git_commit,
        outcomes=found.outcomes,
        deliveries=found.deliveries,
        dirty=found.dirty,
        clients=clients,
    )


def _build_client(raw: Mapping[str, Any]) -> ReportedClient:
    """Raises ``KeyError``, ``ValueError``."""
    credentials = {
        kind.word: convert(raw.get(kind.section, ()), tuple[ReportedCredential, ...])
        for kind in list_kinds()
    }
    return convert(
        {
            "name": raw["name"],
            "status": raw["status"],
            "scopes": raw.get("scopes", ()),
            "credentials": credentials,
        },
        ReportedClient,
    )
