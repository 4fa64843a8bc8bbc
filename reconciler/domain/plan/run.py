"""What one run did, as a value: the engine makes it, reports show it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Outcome, OutcomeStatus, Risk
from reconciler.errors import Address


@dataclass(frozen=True, slots=True)
class RunResult:
    """``command`` is apply, rotate or revoke. ``plan_digest`` is empty where no plan is known.

    ``audit_path`` is the JSON report below the project and ``audit_commit`` the commit that holds
    it (None: not committed). ``interrupted``: it was cut short with work left. ``recovered`` names
    earlier runs whose reports this run committed, ``rewritten`` those of them whose report was
    there and was not what the history says; ``recovered_by`` is set on the result of such an
    earlier run when it was folded from history, and ``omitted`` counts its outcomes that were too
    many to be kept for that.

    ``dirty``: paths of what was used that ``git_commit`` does not hold. ``rollback_from``: the
    commit that was applied before, where HEAD does not build on it and somebody allowed that.
    ``actor_salt``: 32 hex digits with which the evidence log commits to ``actor``; empty for a run
    of an earlier version of this program.
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
    rewritten: tuple[str, ...] = ()
    recovered_by: str | None = None
    omitted: int = 0
    dirty: tuple[str, ...] = ()
    rollback_from: str | None = None
    actor_salt: str = ""

    def summary(self) -> dict[str, int]:
        """Number of outcomes by status, all three of them."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        return {status.value: counts[status] for status in OutcomeStatus}

    @property
    def complete(self) -> bool:
        """Whether nothing failed and nothing was left out: another run would find nothing of this
        one to do."""
        return (
            not self.interrupted
            and not self.omitted
            and all(outcome.status is OutcomeStatus.DONE for outcome in self.outcomes)
        )


def action_on_record(
    kind: ActionKind,
    address: Address,
    reason: str,
    message: str,
    version: int | None,
) -> Action:
    """An action as reports know it: without its risk and without what it was planned from."""
    return Action(
        kind,
        address,
        reason,
        message,
        Risk.LOW,
        address.client,
        address.item or None,
        version,
    )
