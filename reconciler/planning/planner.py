"""``make_plan``: desired and observed state in, one complete plan out.

Pure; ``now`` is an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconciler.domain.declared.desired import ClientState
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.secrecy import mask_json, mask_secrets
from reconciler.domain.values.canonical import digest
from reconciler.errors import Finding
from reconciler.planning.actions import renames
from reconciler.planning.actions.clients import client_action, plan_client
from reconciler.planning.actions.inputs import Inputs, Pairs
from reconciler.planning.actions.order import sort_actions
from reconciler.planning.actions.reasons import Cause, Reason
from reconciler.planning.guards.checkout import (
    MOST_PATHS,
    checkout_findings,
    doubt_of,
    find_removals,
    raise_rollback,
)
from reconciler.planning.guards.guards import guard_findings
from reconciler.planning.guards.ownership import doubt_findings
from reconciler.planning.guards.situation import Situation
from reconciler.planning.guards.waivers import date_findings
from reconciler.planning.notes.findings import (
    drift_findings,
    live_findings,
    proof_findings,
    reissue_findings,
    sort_findings,
    unrecorded_findings,
)
from reconciler.planning.review.approvals import find_approvals
from reconciler.planning.risk.judging import judge_actions, take_grounds


def make_plan(inputs: Inputs) -> Plan:
    """The plan. The same inputs give the same plan in every order of files, documents and
    records."""
    desired, observed, question = inputs.desired, inputs.observed, inputs.question
    actions: list[Action] = []
    touched: dict[str, ClientRecord | None] = {}
    unchanged = len(observed.quiet)
    record: ClientRecord | None
    for name, record in sorted(inputs.pairs.items()):
        if question.only is not None and name not in question.only:
            continue
        planned = plan_client(desired.clients.get(name), record, inputs)
        if question.addresses is not None:
            planned = [action for action in planned if action.address in question.addresses]
        if not planned:
            unchanged += name in desired.clients  # a record of one that was retired is history
            continue
        actions += planned
        touched[name] = record
    for action, record in _plan_unfinished_renames(observed, inputs.pairs, question.only):
        actions.append(action)
        touched.setdefault(action.client, record)
    known = sort_actions(judge_actions(actions, take_grounds(inputs.now, touched, desired)))
    result = raise_rollback(without_secrets(known), inputs.standing)
    situation = Situation(inputs, result, _elsewhere(inputs))
    return replace(
        _plan(inputs, result, touched),
        unchanged=unchanged,
        findings=_findings(situation),
        approvals=find_approvals(situation),
    )


def plan_again(plan: Plan, before: Inputs, inputs: Inputs) -> Plan:
    """``make_plan(inputs)``, where ``plan`` is ``make_plan(before)``.

    Only guards look at ``guarded_at``, and nothing of a plan depends on the lease. So where nothing
    else differs, what is done is taken from ``plan``, and judged as of now.
    """
    if not is_same_ground(before, inputs):
        return make_plan(inputs)
    situation = Situation(inputs, plan.actions, _elsewhere(inputs))
    return replace(
        plan, findings=_findings(situation), approvals=find_approvals(situation), unfinished=()
    )


def is_same_ground(before: Inputs, inputs: Inputs) -> bool:
    """Whether actions that are planned of these inputs are the same."""
    question = replace(before.question, at=inputs.question.at)
    observed = replace(before.observed, now=inputs.observed.now, lease=inputs.observed.lease)
    return (
        before.now == inputs.now
        and before.judge is inputs.judge
        and before.checkout == inputs.checkout
        and question == inputs.question
        and observed == inputs.observed
    )


def _plan(
    inputs: Inputs, actions: tuple[Action, ...], touched: Mapping[str, ClientRecord | None]
) -> Plan:
    """The plan, but for what guards and approvers say of it."""
    desired, agreed = inputs.desired, inputs.question.agreed
    commit, left = inputs.checkout.head, inputs.standing.rolled_back_from
    dirty = inputs.checkout.dirty[:MOST_PATHS]
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
            yes_remove=agreed.number if agreed else None,
            dirty=dirty,
            rollback_from=left,
        ),
        unchanged=0,
        sources={name: client.source for name, client in declared.items()},
        yes_remove=agreed.number if agreed else None,
        dirty=dirty,
        rollback_from=left,
    )


def _elsewhere(inputs: Inputs) -> list[Action]:
    """What would be ended or suspended by a plan for all clients and is not part of this one. A
    removal that is not proven is none."""
    kinds = (ActionKind.RETIRE_CLIENT, ActionKind.SUSPEND_CLIENT)
    found: list[Action] = []
    only = inputs.question.only
    for name, record in inputs.pairs.items():
        client = inputs.desired.clients.get(name)
        if only is None or name in only or record is None:
            continue
        if client is None or client.state is not ClientState.ACTIVE:
            found += [
                action for action in plan_client(client, record, inputs) if action.kind in kinds
            ]
    where = inputs.desired.environment.name
    unproven = {
        id(one)
        for one in find_removals(found)
        if doubt_of(one.client, inputs.standing, where) is not None
    }
    return [action for action in found if id(action) not in unproven]


def without_secrets(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """``actions`` without what looks like a secret in their words: somebody may have written one
    into a record."""
    words = [(one.message, one.before, one.after) for one in actions]
    # nearly always, and one look at all of them is quicker than one at each
    if mask_json(words) is words:
        return actions
    return tuple(
        replace(
            one,
            message=mask_secrets(one.message),
            before=mask_json(one.before),
            after=mask_json(one.after),
        )
        for one in actions
    )


def _findings(situation: Situation) -> tuple[Finding, ...]:
    """What blocks the plan and what it tells besides, in a fixed order."""
    desired, observed, pairs = situation.desired, situation.observed, situation.inputs.pairs
    guarded = guard_findings(situation)
    return sort_findings(
        (
            *guarded,
            *doubt_findings(situation, guarded),
            *drift_findings(situation.actions, observed),
            *live_findings(observed),
            *unrecorded_findings(observed),
            *reissue_findings(desired, pairs, situation.only),
            *proof_findings(desired, pairs, situation.only),
            *checkout_findings(situation.inputs.standing),
            *date_findings(desired.policy.waivers, situation.now, desired.environment.name),
        )
    )


def _plan_unfinished_renames(
    observed: Observed, pairs: Pairs, only: Collection[str] | None
) -> list[tuple[Action, ClientRecord]]:
    found = []
    renamed = {
        record.name for name, record in pairs.items() if record is not None and record.name != name
    }
    for name, heir in renames.find_heirs(observed.records).items():
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
