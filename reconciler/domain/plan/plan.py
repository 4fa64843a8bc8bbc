"""A plan as an ordered value: actions with reasons, findings, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ActionKind, Verb
from reconciler.domain.kinds.credentials import CredentialKind, find_kind
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.errors import Address, Finding, Level, Source

FORMAT_VERSION = 1


class Risk(StrEnum):
    """In rising order. Compare ``rank``: risks themselves compare as words do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return _RANKS[self]


_RANKS = {risk: rank for rank, risk in enumerate(Risk)}


def highest(risks: Iterable[Risk]) -> Risk:
    """The highest of ``risks``, low when there are none."""
    return max(risks, key=lambda risk: risk.rank, default=Risk.LOW)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a client may do from now on, or no longer, after wildcards: catalogued scopes with their
    risks."""

    granted: Mapping[str, Risk] = field(default_factory=dict)
    withdrawn: Mapping[str, Risk] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody who must agree, why (sentences), and to what (addresses, sorted)."""

    approver: str
    reasons: tuple[str, ...]
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One step. ``client``, ``item`` (a key or webhook name) and ``version`` say what it acts on.

    ``before`` and ``after`` hold only what changes, never a secret and never an instant derived
    from the time of planning, so that the same situation always gives the same plan digest.
    ``risk_reasons`` are the sentences that make up ``risk``; ``permissions`` is None where none
    change.
    """

    kind: ActionKind
    address: Address
    reason: str
    message: str
    risk: Risk
    client: str
    item: str | None = None
    version: int | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    risk_reasons: tuple[str, ...] = ()
    permissions: Permissions | None = None

    @property
    def credential(self) -> CredentialKind:
        """The kind of the credential that it is about.

        Raises ``LookupError`` for an action on anything else.
        """
        kind = find_kind(self.address)
        if kind is None:
            raise LookupError(f"there is no credential at {self.address}")
        return kind


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. ``revisions`` has the observed revision of every client that is touched
    (0: not registered), ``desired_digests`` its desired digest (empty: not declared), ``sources``
    the place of its declaration (none: not declared)."""

    environment: str
    project: str
    created_at: datetime
    expires_at: datetime
    git_commit: str | None
    actions: tuple[Action, ...]
    findings: tuple[Finding, ...]
    revisions: Mapping[str, int]
    desired_digests: Mapping[str, str]
    digest: str
    unchanged: int  # clients with nothing to do
    # who must agree, by the policy; it follows from the actions
    approvals: tuple[Approval, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()  # for people; no part of the digest
    sources: Mapping[str, Source] = field(default_factory=dict)  # likewise
    yes_remove: int | None = None  # how many clients a person agreed to end; part of the digest
    dirty: tuple[str, ...] = ()  # paths of what was used that ``git_commit`` does not hold
    # the commit that was applied last, where the plan is an allowed step back
    rollback_from: str | None = None

    @property
    def blocked(self) -> bool:
        return any(finding.level is Level.ERROR for finding in self.findings)

    @property
    def changes(self) -> tuple[Action, ...]:
        """The actions that change something: everything but explicit no-ops."""
        return tuple(action for action in self.actions if action.kind is not ActionKind.NO_OP)

    def summary(self) -> dict[str, int]:
        """Number of actions by verb (``issue``, ``rotate``, …); ``no_op`` counts the clients left
        as they are."""
        kept = {action.client for action in self.actions} - {
            action.client for action in self.changes
        }
        counts = Counter(action.kind.verb for action in self.changes)
        verbs = {verb.value: counts[verb] for verb in Verb}
        return verbs | {Verb.NO_OP.value: self.unchanged + len(kept)}


class OutcomeStatus(StrEnum):
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Stage(StrEnum):
    """How far an action came. ``ON_RECORD``: the commit that counts was made, and something that
    follows it is left to do, above all the destruction of a revoked secret."""

    NOT_BEGUN = "not-begun"
    BEGUN = "begun"
    ON_RECORD = "on-record"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Problem:
    """What stood in the way of an action. ``code`` is that of the error, "" where there is none."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action.

    ``message`` is the sentence that people read, with the problem in it. What decides anything
    looks at ``status``, ``stage`` and ``code``. ``reached`` is the stage of an action that is not
    done. Neither it nor ``problem`` is stored: an outcome of an earlier run has none.
    """

    action: Action
    status: OutcomeStatus
    message: str
    detail: Mapping[str, object] = field(default_factory=dict)
    problem: Problem | None = None
    reached: Stage = Stage.BEGUN

    @property
    def code(self) -> str:
        """The code of the error that it failed with, "" where there is none."""
        return "" if self.problem is None else self.problem.code

    @property
    def stage(self) -> Stage:
        return Stage.DONE if self.status is OutcomeStatus.DONE else self.reached

    @property
    def version(self) -> int | None:
        """The version it is about: planned, or for a new one the number that was claimed."""
        number = self.detail.get("version") if self.action.version is None else self.action.version
        return None if number is None else int(str(number))
