"""What one run does to one client: its actions, what became of them, and the record changes they
stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds.actions import NEW_VERSIONS, REVOCATIONS, ActionKind
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import ClientRecord, Event
from reconciler.domain.plan.plan import Action, Outcome, OutcomeStatus, Problem, Stage
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.canonical import Json
from reconciler.errors import ReconcilerError

# What people read of an action that a stopped run did not begin.
INTERRUPTED = "interrupted before it was begun"


@dataclass(frozen=True, slots=True)
class Run:
    """What every part of a run shares. ``stopping`` is asked between stages: a person pressed
    Ctrl-C, say. ``open_runs`` are the runs whose events are not in the ledger yet. ``seen`` tells
    what the observation knew of a secret's path. ``report`` is told each outcome."""

    run_id: str
    owner: str
    open_runs: frozenset[str] = frozenset()
    seen: Callable[[str], SecretInfo | None] = lambda path: None
    stopping: Callable[[], bool] = lambda: False
    report: Callable[[Outcome], None] = lambda outcome: None


@dataclass(frozen=True, slots=True)
class ClientWork:
    """The actions of one client in plan order. ``revision``: as observed when it was planned."""

    name: str
    actions: tuple[Action, ...]
    desired: DesiredClient | None
    revision: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A version that this run is making. ``secret`` never leaves for anything but the secrets
    mount.

    ``current`` is the newest KV version at the path as far as known; ``number`` is 0 until it is
    claimed.
    """

    action: Action
    kind: CredentialKind
    item: str
    key_id: str
    secret: Secret
    current: int
    path: str = ""
    number: int = 0
    written: bool = False
    asymmetric: bool = False  # a transit key signs for it, and ``secret`` is its public key


@dataclass(slots=True)
class ClientRun:
    """The progress of one client through the stages."""

    work: ClientWork
    run: Run
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    # (address, number) pending when this run revoked it
    claimed: frozenset[tuple[str, int]] = frozenset()
    stopped: str | None = None  # why nothing more is done for this client

    @property
    def name(self) -> str:
        return self.work.name

    def pending(self, *kinds: ActionKind) -> list[Action]:
        """Actions of these kinds without an outcome, unless the client is given up."""
        if self.stopped is not None:
            return []
        return [
            action
            for index, action in enumerate(self.work.actions)
            if index not in self.outcomes and action.kind in kinds
        ]

    def settle(
        self,
        action: Action,
        status: OutcomeStatus,
        message: str,
        detail: Mapping[str, Json] | None = None,
        *,
        problem: Problem | None = None,
        reached: Stage = Stage.BEGUN,
    ) -> None:
        """Record what became of ``action``, once."""
        index = next(i for i, own in enumerate(self.work.actions) if own is action)
        if index not in self.outcomes:
            outcome = Outcome(
                action,
                status,
                message,
                detail or {},
                problem,
                reached,
            )
            self.outcomes[index] = outcome
            self.run.report(outcome)

    def settle_done(self, action: Action, record: ClientRecord | None) -> None:
        """``action`` is in the history of ``record``: it is told as that tells it."""
        events = reversed(tuple(record.events)) if record else ()
        own = (event for event in events if is_event_of(event, action, self.run.run_id))
        last = next(own, None)
        detail = last.detail if last else {}
        self.settle(action, OutcomeStatus.DONE, describe_done(action.kind, detail), detail)

    def give_up(self, why: str, *, reached: Stage = Stage.BEGUN) -> None:
        """Nothing more is done for this client; what has no outcome yet is skipped."""
        self._end(OutcomeStatus.SKIPPED, why, None, reached)

    def interrupt(self) -> None:
        """The run was stopped: what has no outcome yet was not begun."""
        self.give_up(INTERRUPTED, reached=Stage.NOT_BEGUN)

    def fail(self, error: ReconcilerError) -> None:
        """Nothing more is done for this client; what has no outcome yet failed with ``error``."""
        problem = Problem(error.code, error.message)
        self._end(OutcomeStatus.FAILED, str(problem), problem, Stage.BEGUN)

    def _end(
        self,
        status: OutcomeStatus,
        why: str,
        problem: Problem | None,
        reached: Stage,
    ) -> None:
        if self.stopped is None:
            self.stopped = why
        for index, action in enumerate(self.work.actions):
            if index not in self.outcomes:
                self.settle(action, status, why, problem=problem, reached=reached)


def describe_done(kind: ActionKind, detail: Mapping[str, Json]) -> str:
    """What became of an action that was done, from what its event keeps."""
    if kind in NEW_VERSIONS:
        return f"version {detail.get('version')} is active"
    if kind in REVOCATIONS and "version" not in detail:
        return "nothing is issued until the declaration says so"
    if kind in REVOCATIONS or kind is ActionKind.DESTROY_VERSION:
        return f"version {detail.get('version')} is revoked and destroyed"
    return str(detail.get("result", "done"))


def is_event_of(event: Event, action: Action, run_id: str) -> bool:
    """Whether ``event`` is what ``action`` of that run left in the history."""
    return (
        event.run == run_id
        and event.address == action.address
        and event.kind == action.kind.value
        and event.reason == action.reason
        and action.version in (None, event.detail.get("version", action.version))
    )


def with_event(
    record: ClientRecord,
    run: Run,
    at: datetime,
    action: Action,
    detail: Mapping[str, Json] | None = None,
) -> ClientRecord:
    """``record`` with one more event in its history: gapless, numbered by the record itself. What
    looks like a secret is taken out of it when it is committed."""
    event = Event(
        record.seq + 1,
        at,
        run.run_id,
        action.kind.value,
        action.address,
        action.reason,
        action.message,
        dict(detail or {}),
    )
    return replace(record, seq=event.seq, events=(*record.events, event))
