"""What reports pick out of the outcomes of a run."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.domain.kinds.actions import REVOCATIONS, ActionKind
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.domain.plan.run import RunResult

_ENDING = frozenset({*REVOCATIONS, ActionKind.RETIRE_CLIENT})


def pick_deliveries(result: RunResult) -> tuple[Outcome, ...]:
    """The test deliveries of the run: those that were sent, whatever came back."""
    return tuple(outcome for outcome in result.outcomes if "delivery" in outcome.detail)


def revocations(result: RunResult) -> tuple[Outcome, ...]:
    """What ended for ever in this run."""
    return tuple(
        outcome
        for outcome in result.outcomes
        if outcome.action.kind in _ENDING and outcome.status is OutcomeStatus.DONE
    )


def pick_touched(result: RunResult, records: Mapping[str, ClientRecord]) -> dict[str, ClientRecord]:
    """The records of the clients that the run has outcomes for."""
    names = {outcome.action.client for outcome in result.outcomes}
    return {name: record for name, record in records.items() if name in names}
