"""What one run did, as a value: the engine makes it, reports show it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.plan import Outcome, OutcomeStatus


@dataclass(frozen=True, slots=True)
class RunResult:
    """``command`` is apply, rotate or revoke. ``plan_digest`` is empty where no plan is known.

    ``audit_path`` is the JSON report below the project and ``audit_commit`` the commit that holds it (None: not
    committed). ``recovered`` names earlier runs whose reports this run wrote; ``recovered_by``
    is set on the result of such an earlier run, which was folded from history and ends with its last event.
    """

    run_id: str
    environment: str
    project: str
    command: str
    actor: str
    git_commit: str | None
    plan_digest: str
    started_at: datetime
    finished_at: datetime
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False
    audit_path: str | None = None
    audit_commit: str | None = None
    recovered: tuple[str, ...] = ()
    recovered_by: str | None = None

    def summary(self) -> dict[str, int]:
        """Number of outcomes by status, all three of them."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        return {status.value: counts[status] for status in OutcomeStatus}

    @property
    def complete(self) -> bool:
        """Whether nothing failed and nothing was left out: another run would find nothing of this one to do."""
        return not self.interrupted and all(outcome.status is OutcomeStatus.DONE for outcome in self.outcomes)
