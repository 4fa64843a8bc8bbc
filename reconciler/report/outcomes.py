"""What reports pick out of the outcomes of a run."""

from __future__ import annotations

from reconciler.domain.plan import ActionKind, Outcome, OutcomeStatus
from reconciler.domain.run import RunResult

_ENDING = frozenset({ActionKind.REVOKE_KEY, ActionKind.REVOKE_SECRET, ActionKind.RETIRE_CLIENT})


def deliveries(result: RunResult) -> tuple[Outcome, ...]:
    """The test deliveries of the run: those that were sent, whatever came back."""
    return tuple(outcome for outcome in result.outcomes if "delivery" in outcome.detail)


def revocations(result: RunResult) -> tuple[Outcome, ...]:
    """What ended for ever in this run."""
    return tuple(
        outcome
        for outcome in result.outcomes
        if outcome.action.kind in _ENDING and outcome.status is OutcomeStatus.DONE
    )


def version_of(outcome: Outcome) -> int | None:
    """The version an outcome is about: planned, or for a new one the number that was claimed."""
    number = outcome.detail.get("version") if outcome.action.version is None else outcome.action.version
    return None if number is None else int(number)
