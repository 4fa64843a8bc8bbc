"""Unfinished business: what earlier runs and people left that is not at its end yet."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.errors import Address


class UnfinishedKind(StrEnum):
    """In the order in which they are shown."""

    OPEN_RUN = "open-run"
    STALE_CLAIM = "stale-claim"
    RENAME = "rename"
    NOT_DESTROYED = "not-destroyed"
    RETIRING = "retiring-version"
    HOLD = "hold"
    REPORT = "uncommitted-report"
    PUSH = "unpushed-report"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One piece of it. ``address``, ``run_id`` or ``path`` (of a report, below the project) says
    what it is about.

    ``message`` is how things stand, ``next`` what the next apply does about it; both are sentences
    without a full stop.
    """

    kind: UnfinishedKind
    message: str
    next: str
    since: datetime | None = None
    address: Address | None = None
    run_id: str | None = None
    path: str | None = None

    @property
    def subject(self) -> str:
        return self.address or self.run_id or self.path or ""
