"""What a guard looks at, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.desired import Desired
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Action, ActionKind
from reconciler.domain.record import ClientRecord, ClientStatus
from reconciler.planning.reasons import Reason


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at. ``required`` is the observation of the environment that must come first."""

    desired: Desired
    observed: Observed
    now: datetime
    actions: Sequence[Action]
    required: Mapping[str, ClientRecord] | None = None
    required_name: str = ""

    def of_kind(self, *kinds: ActionKind) -> list[Action]:
        return [action for action in self.actions if action.kind in kinds]

    def record_of(self, client: str) -> ClientRecord | None:
        """The record that belongs to a client: while it is being renamed, the one under the old name."""
        declared = self.desired.clients.get(client)
        own = self.observed.records.get(client)
        return own or (self.observed.records.get(declared.renamed_from or "") if declared else None)

    @property
    def renames(self) -> list[Action]:
        return [action for action in self.of_kind(ActionKind.UPDATE_CLIENT) if action.reason == Reason.RENAMED]

    @property
    def live(self) -> list[ClientRecord]:
        return [record for record in self.observed.records.values() if record.status is not ClientStatus.RETIRED]


@dataclass(frozen=True, slots=True)
class Block:
    """A reason to refuse the plan. ``guard`` is the word a waiver uses; ``client`` None: the whole plan."""

    guard: str
    code: str
    client: str | None
    message: str
    remedy: str
