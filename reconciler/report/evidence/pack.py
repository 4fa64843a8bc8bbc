"""What a pack for an auditor is made from, and what its sheets are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Waiver
from reconciler.domain.values.canonical import iso
from reconciler.evidence.history.lives import CredentialLife
from reconciler.evidence.history.reports import ReportedClient
from reconciler.evidence.history.runs import LoggedRun


@dataclass(frozen=True, slots=True)
class DeclaredAccess:
    """What the declaration says of one client: its owner, who must approve changes of it, and of
    each webhook the signature scheme and the events."""

    owner: str = ""
    approvers: tuple[str, ...] = ()
    webhooks: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeclaredNow:
    """What the work tree declares. ``problem`` says why it could not be read; then there is no
    more."""

    clients: Mapping[str, DeclaredAccess] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """``[first, last]``, to the second; None: from the beginning of the log, to its end."""

    first: datetime | None = None
    last: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return not (self.first is not None and at < self.first) and not self.is_after(at)

    def is_after(self, at: datetime) -> bool:
        """Whether ``at`` is later than all of it."""
        return self.last is not None and at > self.last

    @property
    def text(self) -> str:
        first = "the beginning of the log" if self.first is None else iso(self.first)
        last = "its last entry" if self.last is None else iso(self.last)
        return f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client as the newest report that tells it has it, and the entry of that report."""

    client: ReportedClient
    entry: int


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything that the sheets of one environment show.

    ``origin``, ``size`` and ``root`` (base64) are those of the checkpoint, ``closed`` is when its
    newest entry was closed, ``verifier`` the log's first verifier key. ``runs`` are those of the
    period; ``lives`` and ``clients`` are as they were at its end. ``folder`` is where the log
    lies, ``former`` are the folders of the logs that it follows.
    """

    project: str
    environment: str
    origin: str
    size: int
    root: str
    verifier: str
    folder: str
    closed: datetime
    period: Period
    runs: Sequence[LoggedRun]
    lives: Sequence[CredentialLife]
    clients: Mapping[str, KnownClient]
    declared: DeclaredNow
    former: Sequence[str] = ()

    @property
    def end(self) -> datetime:
        """The instant at which states are told."""
        last = self.period.last
        return self.closed if last is None else min(last, self.closed)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of the pack: ``<name>.csv``, and a section of the page. ``about`` is a sentence or
    two."""

    name: str
    title: str
    about: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
