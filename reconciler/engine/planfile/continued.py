"""A saved plan that was applied in part is continued by the same file, until its clients moved
on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import REVOCATIONS, SETTLING, SPECIFYING, ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.values.canonical import dumps
from reconciler.engine.planfile.saved import REMEDY, refuse_stale, stale_error
from reconciler.errors import StalePlanError
from reconciler.planning.actions.inputs import Pairs
from reconciler.planning.actions.reasons import Reason


def take_rest(
    saved: Plan,
    fresh: Plan,
    observed: Observed,
    records: Pairs,
) -> Plan:
    """What is to be carried out of ``saved``: all of it, or what earlier runs of it left.

    ``fresh`` is made now for the same clients and time, ``records`` pairs each client with its
    record. Raises ``StalePlanError``: RC393 when nothing is left, RC394 when it is stale, which it
    also is once something else than those runs changed one of its clients.
    """
    runs = [
        run.run_id for run in observed.open_runs if run.planfile and run.plan_digest == saved.digest
    ]
    if not runs:
        refuse_stale(saved, fresh)
        return saved
    earlier = Earlier(tuple(runs), records)
    rest = tuple(one for one in fresh.actions if not earlier.has_proved(one))
    if not any(one.kind is not ActionKind.NO_OP for one in rest):
        raise StalePlanError("RC393", f"the plan was already applied by run {runs[-1]}", REMEDY)
    for name in sorted({one.client for one in rest}):
        if saved.desired_digests.get(name) != fresh.desired_digests.get(name):
            raise stale_error(name, "its declaration changed")
        if saved.revisions.get(name) != fresh.revisions.get(name) and not earlier.has_changed(name):
            raise stale_error(name, "its live record changed")
    known = {_step(one) for one in saved.changes}
    for action in rest:
        if (
            action.kind is not ActionKind.NO_OP
            and _step(action) not in known
            and not earlier.began(action, saved)
        ):
            raise stale_error(action.client, "something else would be done now")
    return replace(fresh, actions=rest, digest=saved.digest, git_commit=saved.git_commit)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The runs that applied the plan in part."""

    runs: Collection[str]
    records: Pairs

    def has_changed(self, client: str) -> bool:
        """Whether the last change of a client is theirs."""
        record = self.records.get(client)
        return record is not None and any(record.op.startswith(f"{run}.") for run in self.runs)

    def has_proved(self, action: Action) -> bool:
        """Whether an action is a proof that somebody asked for, and the webhook has proved
        itself."""
        record = self.records.get(action.client)
        if record is None or action.reason != Reason.VERIFICATION_REQUESTED:
            return False
        return any(
            event.run in self.runs
            and event.address == action.address
            and event.detail.get("accepted") is True
            for event in record.events
        )

    def began(self, action: Action, saved: Plan) -> bool:
        """Whether an action ends what they began: a claim of theirs, or a version that they
        revoked."""
        if action.kind in SETTLING:
            record = self.records.get(action.client)
            pending = (
                record.series_of(action.credential, str(action.item)).pending if record else None
            )
            return pending is not None and pending.run in self.runs
        ended = {(one.address, one.version) for one in saved.changes if one.kind in REVOCATIONS}
        return (
            action.kind is ActionKind.DESTROY_VERSION and (action.address, action.version) in ended
        )


def _step(action: Action) -> tuple[object, ...]:
    """What was reviewed of an action. Why a webhook has to prove itself changes when it did not."""
    proof = action.kind is ActionKind.VERIFY_WEBHOOK
    # the content of others is a number of a version, or dates
    content = dumps([action.before, action.after]) if action.kind in SPECIFYING else ""
    return action.kind, action.address, "" if proof else action.reason, content
