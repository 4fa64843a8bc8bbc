"""What a guard looks at, and what it answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.plan.plan import Action
from reconciler.errors import NOWHERE, Address, Level, Source
from reconciler.planning.actions.inputs import Inputs
from reconciler.planning.actions.reasons import DRIFT, Reason, Removals
from reconciler.planning.actions.renames import find_heirs

# What a freeze, a promotion gate and the policy's rules hold back: a change that somebody declared.
# Repairs and expiries go on, because holding them back would break consumers; what expired, or is
# past its grace, is revoked, because a gateway refuses it by its dates anyway and a secret that can
# still be read is only good for a thief.
DECLARED = (
    ActionKind.REGISTER_CLIENT,
    ActionKind.UPDATE_CLIENT,
    ActionKind.UPDATE_WEBHOOK,
    ActionKind.RETIRE_CLIENT,
    ActionKind.SUSPEND_CLIENT,
    ActionKind.RETIRE_KEY,
)


def is_declared(action: Action) -> bool:
    """Whether somebody declared what the action changes, so that it is neither a repair nor due by
    itself."""
    return action.kind in DECLARED and action.reason not in DRIFT


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at: what the plan is made from, its actions, and in ``elsewhere`` the
    ends and suspensions that the declaration asks for of clients that the plan is not about."""

    inputs: Inputs
    actions: Sequence[Action]
    elsewhere: Sequence[Action] = ()

    @property
    def desired(self) -> Desired:
        return self.inputs.desired

    @property
    def observed(self) -> Observed:
        return self.inputs.observed

    @property
    def now(self) -> datetime:
        """When guards look: not always the time that the plan is for."""
        return self.inputs.guarded_at or self.inputs.now

    @property
    def only(self) -> Collection[str] | None:
        """The clients that the plan is about, None: all."""
        return self.inputs.question.only

    @property
    def agreed(self) -> Removals | None:
        """What a person agreed to end."""
        return self.inputs.question.agreed

    def of_kind(self, *kinds: ActionKind) -> list[Action]:
        return [action for action in self.actions if action.kind in kinds]

    def list_declared_changes(self) -> list[Action]:
        """Changes that somebody declared and that no earlier run began."""
        return [one for one in self.actions if is_declared(one) and not self.finishes(one)]

    def finishes(self, action: Action) -> bool:
        """Whether the change is on record already and only its end is missing: an earlier run was
        cut short. Half a change is no state to stay in."""
        if action.kind is ActionKind.RETIRE_KEY:
            record = self.record_of(action.client)
            return record is not None and action.item not in (record.spec.get("keys") or {})
        if action.reason != Reason.RENAMED:
            return False
        old, new = (str((side or {}).get("name")) for side in (action.before, action.after))
        record = self.observed.records.get(old)
        begun = (
            record is not None and record.moving_to is not None and new in (old, record.moving_to)
        )
        return begun or old in find_heirs(self.observed.records)

    def record_of(self, client: str) -> ClientRecord | None:
        """The record that belongs to a client: while it is being renamed, the one under the old
        name."""
        declared = self.desired.clients.get(client)
        own = self.observed.records.get(client)
        return own or (self.observed.records.get(declared.renamed_from or "") if declared else None)

    @property
    def renames(self) -> list[Action]:
        return [
            action
            for action in self.of_kind(ActionKind.UPDATE_CLIENT)
            if action.reason == Reason.RENAMED
        ]

    def count_live(self) -> int:
        """How many clients are registered and not retired; quiet ones are."""
        return len(self.live) + len(self.observed.quiet)

    @property
    def live(self) -> list[ClientRecord]:
        """The records of those that are not quiet."""
        return [
            record
            for record in self.observed.records.values()
            if record.status is not ClientStatus.RETIRED
        ]


@dataclass(frozen=True, slots=True)
class Block:
    """A reason to refuse the plan, or with another ``level`` to tell. ``guard`` is the word a
    waiver uses; ``client`` None: the whole plan. ``address`` is what it is about, the client when
    empty; ``source`` is to blame for it."""

    guard: str
    code: str
    client: str | None
    message: str
    remedy: str
    level: Level = Level.ERROR
    address: Address = NOWHERE
    source: Source | None = None
