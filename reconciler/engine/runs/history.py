"""What a run did, told from what it left on record: the events of the clients and its run
document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.domain.kinds.actions import NEW_VERSIONS, REVOCATIONS, ActionKind
from reconciler.domain.live.observed import OpenRun
from reconciler.domain.live.record import ClientRecord, Event
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.domain.plan.run import action_on_record
from reconciler.planning.actions.order import rank_of
from reconciler.registry.protocol.work import describe_done

MORE_THAN_AN_EVENT = (*REVOCATIONS, ActionKind.DESTROY_VERSION, ActionKind.VERIFY_WEBHOOK)
Identity = tuple[ActionKind, str, str, int | None]


def sort_outcomes(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """In the order of a plan, whoever tells them."""
    return tuple(sorted(outcomes, key=lambda one: (*rank_of(one.action), one.action.reason)))


def fold_run(run: OpenRun, records: Mapping[str, ClientRecord]) -> tuple[Outcome, ...]:
    """The outcomes of ``run``: its events, corrected by what it put on record as it finished.

    A record that is being renamed is there twice; an emergency that tried again has events twice:
    the last counts.
    """
    found = {
        _identity(one): one
        for one in _from_events(run.run_id, records, finished=run.finished_at is not None)
    }
    return sort_outcomes((found | {_identity(one): one for one in run.unrecorded}).values())


def settle_outcomes(
    run_id: str,
    outcomes: Iterable[Outcome],
    records: Mapping[str, ClientRecord],
) -> tuple[Outcome, ...]:
    """``outcomes`` as the records know them: what failed because its answer was lost may have been
    done all the same.

    A revocation is more than its event, the version is to be destroyed as well; and what a receiver
    refused is refused.
    """
    outcomes = tuple(outcomes)
    if not any(one.status is OutcomeStatus.FAILED for one in outcomes):
        return outcomes
    events = {_identity(one): one for one in _from_events(run_id, records, finished=True)}

    def settle(one: Outcome) -> Outcome:
        other = events.get(_identity(one))
        if (
            other is None
            or one.status is not OutcomeStatus.FAILED
            or one.action.kind in MORE_THAN_AN_EVENT
        ):
            return one
        return replace(
            one, status=other.status, message=other.message, detail=other.detail, problem=None
        )

    return tuple(settle(one) for one in outcomes)


def find_unrecorded(
    run_id: str,
    outcomes: Iterable[Outcome],
    records: Mapping[str, ClientRecord],
) -> tuple[Outcome, ...]:
    """The outcomes that the events do not tell as they were: what failed, what was skipped. One
    history is decoded after the other, and none of them is kept."""
    outcomes = tuple(outcomes)
    asked: dict[Identity, list[int]] = {}
    for index, one in enumerate(outcomes):
        asked.setdefault(_identity(one), []).append(index)
    last: dict[Identity, tuple[datetime, int]] = {}
    told: set[int] = set()
    for event in _walk_events(run_id, records):
        other = _outcome(event, finished=True)
        identity, place = _identity(other), _place(event)
        if identity in asked and place >= last.get(identity, place):
            last[identity] = place
            told.difference_update(asked[identity])
            told.update(one for one in asked[identity] if _is_told_by(outcomes[one], other))
    return tuple(one for index, one in enumerate(outcomes) if index not in told)


def list_events(run_id: str, records: Mapping[str, ClientRecord]) -> list[Event]:
    """The events of a run, oldest first."""
    return sorted(_walk_events(run_id, records), key=_place)


def _walk_events(run_id: str, records: Mapping[str, ClientRecord]) -> Iterator[Event]:
    for record in records.values():
        for event in record.events_with(run_id):
            if event.run == run_id:
                yield event


def _place(event: Event) -> tuple[datetime, int]:
    """Where an event stands in the history of its run. Of two of one action the later counts."""
    return event.at, event.seq


def _from_events(
    run_id: str,
    records: Mapping[str, ClientRecord],
    *,
    finished: bool,
) -> list[Outcome]:
    return [_outcome(event, finished=finished) for event in list_events(run_id, records)]


def _outcome(event: Event, *, finished: bool) -> Outcome:
    """``finished``: nothing that followed the event in its run is open, above all the destruction
    of a version."""
    kind = ActionKind(event.kind)
    number = None if kind in NEW_VERSIONS else event.detail.get("version")
    failed = event.detail.get("accepted") is False
    return Outcome(
        action_on_record(kind, event.address, event.reason, event.message, number),
        OutcomeStatus.FAILED if failed else OutcomeStatus.DONE,
        describe_done(kind, event.detail) if finished else "on record",
        event.detail,
    )


def _identity(outcome: Outcome) -> Identity:
    action = outcome.action
    return action.kind, action.address, action.reason, action.version


def _is_told_by(outcome: Outcome, other: Outcome) -> bool:
    return (
        outcome.status,
        outcome.message,
        outcome.version,
        outcome.action.message,
        dict(outcome.detail),
    ) == (other.status, other.message, other.version, other.action.message, dict(other.detail))
