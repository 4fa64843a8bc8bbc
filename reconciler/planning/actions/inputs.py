"""What a plan is made from: the question that somebody asked, and what was seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import WITHOUT_GIT, Checkout, Descent
from reconciler.domain.declared.desired import ClientState, Desired, DesiredClient
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.plan.judgement import Judge
from reconciler.planning.actions import renames
from reconciler.planning.actions.reasons import Removals, RotationRequest

_LEAST = 7  # digits of a commit that name it
# Each client's name with the record that belongs to it (``pair_up``).
Pairs = Mapping[str, ClientRecord | None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be planned: all clients, or some; with rotations and proofs that somebody asked
    for; now, or then.

    ``only`` (None: all) narrows it to some clients, ``addresses`` further to actions on these.
    ``rotations`` go by client, ``verifications`` are the addresses of webhooks. ``required`` holds
    the records of the environment that the promotion gate asks for (None: nobody read them, so
    nothing is verified there); ``agreed`` what a person agreed to end; ``rollback`` the commit that
    may be gone back to. ``at`` None: now. ``applying``: the answer is to be carried out.
    """

    desired: Desired
    only: Collection[str] | None = None
    addresses: Collection[str] | None = None
    rotations: Mapping[str, RotationRequest] = field(default_factory=dict)
    verifications: Collection[str] = ()
    required: Mapping[str, ClientRecord] | None = None
    at: datetime | None = None
    deep: bool = False
    agreed: Removals | None = None
    rollback: str | None = None
    applying: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """A question and all that its answer depends on: a plan is a function of these alone.

    ``pairs`` are those of what is declared and observed, made once for each look. ``guarded_at``:
    when guards look, if not at ``now``: a saved plan meets today's freeze. ``judge`` evaluates
    rules of one's own (None: none of them can be kept). ``checkout``: what git says of the
    declaration.
    """

    question: Question
    observed: Observed
    pairs: Pairs
    guarded_at: datetime | None = None
    judge: Judge | None = None
    checkout: Checkout = WITHOUT_GIT

    @property
    def desired(self) -> Desired:
        return self.question.desired

    @property
    def now(self) -> datetime:
        """The time that the plan is for."""
        return self.question.at or self.observed.now

    @property
    def standing(self) -> Standing:
        return Standing(self.checkout, self.question.rollback, self.question.applying)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a plan stands in git. ``rollback``: the commit of --allow-rollback. ``applying``: an
    apply asks, which a step back blocks; a plan of it may be looked at."""

    checkout: Checkout = WITHOUT_GIT
    rollback: str | None = None
    applying: bool = False

    @property
    def astray(self) -> bool:
        """Whether HEAD is not known to build on the commit that was applied last."""
        return self.checkout.descent in (Descent.BESIDE, Descent.UNKNOWN)

    @property
    def allowed(self) -> bool:
        """Whether the step back was asked for: by HEAD's commit, or by the one that is left."""
        known = (self.checkout.head, self.checkout.commit, self.checkout.applied)
        named = self.rollback or ""
        return len(named) >= _LEAST and any((one or "").startswith(named) for one in known)

    @property
    def rolled_back_from(self) -> str | None:
        """The commit that was applied last, where an allowed step back leaves it."""
        return self.checkout.applied if self.astray and self.allowed else None


def pair_up(desired: Desired, observed: Observed) -> dict[str, ClientRecord | None]:
    """Each client's name with the record that belongs to it: for a renamed client, until the new
    record is there, the one under the old name. A record that was already moved is no client of its
    own."""
    pairs: dict[str, ClientRecord | None] = {}
    claimed = set()  # records that belong to a client of another name
    heirs = renames.find_heirs(observed.records)
    for name, client in desired.clients.items():
        own = observed.records.get(name)
        if own is not None and (heir := heirs.get(name)) is not None:
            if heir.name not in desired.clients:  # a rename that was cut short is taken back
                pairs[name] = heir
                claimed.add(heir.name)
            continue  # else: this name is free once that rename is finished
        old = _former(client, desired, observed, heirs)
        if old is not None and (own is None or own.status is ClientStatus.RETIRED):
            claimed.add(old.name)
            if old.name in heirs:  # renamed to a third name: that is finished first
                claimed.add(heirs[old.name].name)
                continue
            pairs[name] = old
            continue
        pairs[name] = own
    undeclared = {
        name: record
        for name, record in observed.records.items()
        if name not in desired.clients and name not in claimed and name not in heirs
    }
    return pairs | undeclared


def _former(
    client: DesiredClient,
    desired: Desired,
    observed: Observed,
    heirs: renames.Heirs,
) -> ClientRecord | None:
    """The live record that ``client`` says it is renamed from."""
    old = observed.records.get(client.renamed_from or "")
    if old is None or old.name in desired.clients or old.status is ClientStatus.RETIRED:
        return None
    if client.state is ClientState.RETIRED and client.name in observed.records:
        return None
    heir = heirs.get(old.name)
    return None if heir is not None and heir.name == client.name else old


def find_settled_clients(desired: Desired, pairs: Pairs) -> frozenset[str]:
    """The clients whose record holds what is declared. All that a plan does for them comes from
    time, from drift or from a run that was cut short: renewals, the ends of graces, repairs. A
    change of the declaration is none of it."""
    return frozenset(
        name
        for name, record in pairs.items()
        if _is_settled(name, desired.clients.get(name), record)
    )


def _is_settled(name: str, declared: DesiredClient | None, record: ClientRecord | None) -> bool:
    if record is None or record.name != name or record.moving_to is not None:
        return False
    if declared is None:  # its end was applied; what is left of it may be cleaned up
        return record.status is ClientStatus.RETIRED
    return (record.digest, record.base_digest) == (declared.digest, declared.base_digest)
