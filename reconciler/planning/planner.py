"""``make_plan``: desired and observed state in, one complete plan out.

Pure; ``now`` is an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.domain.declared.desired import ClientState, Desired, DesiredClient
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.plan.judgement import Judge
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.secrecy import masked, masked_json
from reconciler.domain.values.canonical import digest
from reconciler.errors import Finding
from reconciler.planning.actions import renames
from reconciler.planning.actions.clients import Context, client_action, plan_client
from reconciler.planning.actions.order import ordered
from reconciler.planning.actions.reasons import Cause, Reason, Removals, RotationRequest
from reconciler.planning.guards.checkout import (
    MOST_PATHS,
    NOT_IN_GIT,
    Standing,
    checkout_findings,
    doubt_of,
    removals,
    risen,
)
from reconciler.planning.guards.guards import guard_findings
from reconciler.planning.guards.ownership import doubt_findings
from reconciler.planning.guards.situation import Situation
from reconciler.planning.guards.waivers import date_findings
from reconciler.planning.notes.findings import (
    drift_findings,
    in_order,
    live_findings,
    reissue_findings,
    unrecorded_findings,
)
from reconciler.planning.notes.proof_findings import proof_findings
from reconciler.planning.review.approvals import approvals
from reconciler.planning.risk.risk import grounds, judged


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a plan is made from. ``only`` (None: all) narrows it to some clients; ``required`` holds
    the records of the environment that the promotion gate asks for."""

    desired: Desired
    observed: Observed
    now: datetime
    only: Collection[str] | None = None
    addresses: Collection[str] | None = None  # narrows it further, to actions on these addresses
    rotations: Mapping[str, RotationRequest] = field(default_factory=dict)
    verifications: Collection[str] = ()
    required: Mapping[str, ClientRecord] | None = None
    # when guards look, if not at ``now``: a saved plan meets today's freeze
    guarded_at: datetime | None = None
    agreed: Removals | None = None  # how many clients a person agreed to end
    judge: Judge | None = None  # evaluates rules of one's own; without it none of them can be kept
    standing: Standing = NOT_IN_GIT  # where the declaration stands in git


def make_plan(inputs: Inputs) -> Plan:
    """The plan. The same inputs give the same plan in every order of files, documents and
    records."""
    desired, observed = inputs.desired, inputs.observed
    context = Context(
        observed, inputs.now, desired.environment.freezes, inputs.rotations, inputs.verifications
    )
    actions: list[Action] = []
    touched: dict[str, ClientRecord | None] = {}
    unchanged = 0
    record: ClientRecord | None
    pairs = pair_up(desired, observed)
    for name, record in sorted(pairs.items()):
        if inputs.only is not None and name not in inputs.only:
            continue
        planned = plan_client(desired.clients.get(name), record, context)
        if inputs.addresses is not None:
            planned = [action for action in planned if action.address in inputs.addresses]
        if not planned:
            unchanged += name in desired.clients  # a record of one that was retired is history
            continue
        actions += planned
        touched[name] = record
    for action, record in _unfinished_renames(observed, pairs, inputs.only):
        actions.append(action)
        touched.setdefault(action.client, record)
    known = ordered(judged(actions, grounds(inputs.now, touched, desired)))
    result = risen(without_secrets(known), inputs.standing)
    situation = _situation(inputs, result, _elsewhere(inputs, pairs, context))
    return replace(
        _plan(inputs, result, touched),
        unchanged=unchanged,
        findings=_findings(situation, pairs),
        approvals=approvals(situation),
    )


def _plan(
    inputs: Inputs, actions: tuple[Action, ...], touched: Mapping[str, ClientRecord | None]
) -> Plan:
    """The plan, but for what guards and approvers say of it."""
    desired, agreed = inputs.desired, inputs.agreed.number if inputs.agreed else None
    commit, left = inputs.standing.checkout.head, inputs.standing.rolled_back_from
    dirty = inputs.standing.checkout.dirty[:MOST_PATHS]
    environment, project = desired.environment.name, desired.project.name
    revisions = {name: record.revision if record else 0 for name, record in touched.items()}
    declared = {name: desired.clients[name] for name in touched if name in desired.clients}
    digests = {name: declared[name].digest if name in declared else "" for name in touched}
    return Plan(
        environment=environment,
        project=project,
        created_at=inputs.now,
        expires_at=inputs.now + desired.project.plan_expires,
        git_commit=commit,
        actions=actions,
        findings=(),
        revisions=revisions,
        desired_digests=digests,
        digest=plan_digest(
            environment,
            project,
            commit,
            actions,
            revisions,
            digests,
            yes_remove=agreed,
            dirty=dirty,
            rollback_from=left,
        ),
        unchanged=0,
        sources={name: client.source for name, client in declared.items()},
        yes_remove=agreed,
        dirty=dirty,
        rollback_from=left,
    )


def _elsewhere(
    inputs: Inputs, pairs: Mapping[str, ClientRecord | None], context: Context
) -> list[Action]:
    """What would be ended or suspended by a plan for all clients and is not part of this one. A
    removal that is not proven is none."""
    kinds = (ActionKind.RETIRE_CLIENT, ActionKind.SUSPEND_CLIENT)
    found: list[Action] = []
    for name, record in pairs.items():
        client = inputs.desired.clients.get(name)
        if inputs.only is None or name in inputs.only or record is None:
            continue
        if client is None or client.state is not ClientState.ACTIVE:
            found += [
                action for action in plan_client(client, record, context) if action.kind in kinds
            ]
    where = inputs.desired.environment.name
    unproven = {
        id(one)
        for one in removals(found)
        if doubt_of(one.client, inputs.standing, where) is not None
    }
    return [action for action in found if id(action) not in unproven]


def _situation(inputs: Inputs, actions: Sequence[Action], elsewhere: Sequence[Action]) -> Situation:
    return Situation(
        inputs.desired,
        inputs.observed,
        inputs.guarded_at or inputs.now,
        actions,
        elsewhere,
        required=inputs.required,
        only=inputs.only,
        judge=inputs.judge,
        agreed=inputs.agreed,
        standing=inputs.standing,
    )


def without_secrets(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """``actions`` without what looks like a secret in their words: somebody may have written one
    into a record."""
    words = [(one.message, one.before, one.after) for one in actions]
    # nearly always, and one look at all of them is quicker than one at each
    if masked_json(words) is words:
        return actions
    return tuple(
        replace(
            one,
            message=masked(one.message),
            before=masked_json(one.before),
            after=masked_json(one.after),
        )
        for one in actions
    )


def _findings(
    situation: Situation, pairs: Mapping[str, ClientRecord | None]
) -> tuple[Finding, ...]:
    """What blocks the plan and what it tells besides, in a fixed order."""
    desired, observed = situation.desired, situation.observed
    guarded = guard_findings(situation)
    return in_order(
        (
            *guarded,
            *doubt_findings(situation, guarded),
            *drift_findings(situation.actions, observed),
            *live_findings(observed),
            *unrecorded_findings(observed),
            *reissue_findings(desired, pairs, situation.only),
            *proof_findings(desired, pairs, situation.only),
            *checkout_findings(situation.standing),
            *date_findings(desired.policy.waivers, situation.now, desired.environment.name),
        )
    )


def pair_up(desired: Desired, observed: Observed) -> dict[str, ClientRecord | None]:
    """Each client's name with the record that belongs to it: for a renamed client, until the new
    record is there, the one under the old name. A record that was already moved is no client of its
    own."""
    pairs: dict[str, ClientRecord | None] = {}
    claimed = set()  # records that belong to a client of another name
    heirs = renames.heirs(observed.records)
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
    client: DesiredClient, desired: Desired, observed: Observed, heirs: renames.Heirs
) -> ClientRecord | None:
    """The live record that ``client`` says it is renamed from."""
    old = observed.records.get(client.renamed_from or "")
    if old is None or old.name in desired.clients or old.status is ClientStatus.RETIRED:
        return None
    if client.state is ClientState.RETIRED and client.name in observed.records:
        return None
    heir = heirs.get(old.name)
    return None if heir is not None and heir.name == client.name else old


def _unfinished_renames(
    observed: Observed, pairs: Mapping[str, ClientRecord | None], only: Collection[str] | None
) -> list[tuple[Action, ClientRecord]]:
    found = []
    renamed = {
        record.name for name, record in pairs.items() if record is not None and record.name != name
    }
    for name, heir in renames.heirs(observed.records).items():
        record, target = observed.records[name], heir.name
        if only is not None and target not in only:
            continue
        back = pairs.get(record.name)
        if record.name in renamed or (back is not None and back.name == target):
            continue  # taken back: that rename replaces the record that was left behind
        cause = Cause(
            Reason.RENAMED, f"an earlier run renamed it from {record.name} and was cut short"
        )
        before, after = {"name": record.name}, {"name": target}
        found.append((client_action(ActionKind.UPDATE_CLIENT, target, cause, before, after), heir))
    return found


def plan_digest(
    environment: str,
    project: str,
    git_commit: str | None,
    actions: Sequence[Action],
    revisions: Mapping[str, int],
    digests: Mapping[str, str],
    **rare: object,
) -> str:
    """Digest over where, from which commit, what is touched and what is done; not over the time of
    planning. ``rare`` is what few plans have: ``yes_remove``, ``dirty``, ``rollback_from``, each a
    part of it where a plan has that."""
    held = {
        name: list(value) if isinstance(value, tuple) else value for name, value in rare.items()
    }
    return digest(
        {name: value for name, value in held.items() if value not in (None, [])}
        | {
            "format": 1,
            "environment": environment,
            "project": project,
            "git_commit": git_commit,
            "revisions": dict(revisions),
            "desired": dict(digests),
            "actions": [_identity(action) for action in actions],
        }
    )


def _identity(action: Action) -> list[object]:
    return [
        action.kind.value,
        action.address,
        action.reason,
        action.message,
        action.risk.value,
        action.client,
        action.item,
        action.version,
        action.before,
        action.after,
        list(action.risk_reasons),
        (
            None
            if action.permissions is None
            else [dict(action.permissions.granted), dict(action.permissions.withdrawn)]
        ),
    ]
