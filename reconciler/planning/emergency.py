"""The plan of an emergency revocation: made from the live record alone, so that a broken
declaration, a freeze, a budget or a running apply never stand in its way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.domain.declared.desired import GuardrailPolicy
from reconciler.domain.kinds.credentials import CredentialKind, list_kinds
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import USABLE, ClientRecord, ClientStatus, VersionState
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values import names
from reconciler.errors import UsageError
from reconciler.planning.actions import renames
from reconciler.planning.actions.checks import Subject
from reconciler.planning.actions.order import sort_actions
from reconciler.planning.actions.reasons import Cause, Reason, RevocationRequest, kind_of
from reconciler.planning.planner import plan_digest, without_secrets
from reconciler.planning.risk.facts import Grounds
from reconciler.planning.risk.judging import judge_actions


def revocation_plan(
    observed: Observed,
    environment: str,
    project: str,
    request: RevocationRequest,
    now: datetime,
    git_commit: str | None,
) -> Plan:
    """Revoke every version of what was asked for that is usable, or revoked but not known to be
    destroyed.

    Of a client that is being renamed, every record counts: a gateway reads all of them.

    Raises ``UsageError`` for a client or key that the registry does not know, naming those it
    knows.
    """
    record = observed.records.get(request.client)
    if record is None:
        raise _unknown_client(observed, environment, request.client)
    if request.key is not None:
        known = {kind: _items(record, kind) for kind in list_kinds()}
        request = replace(request, kind=kind_of(record.name, request.key, request.kind, known))
    same = renames.find_relatives(record, observed.records)
    asked = [action for one in same for action in _revocations(one, request)]
    # Made without a declaration: no policy has a say in what ends at once.
    by = Grounds(
        now=now,
        records={one.name: one for one in same},
        desired={},
        scopes=ScopeTable({}),
        policy=GuardrailPolicy(),
        environment=environment,
    )
    actions = without_secrets(sort_actions(judge_actions(asked, by)))
    revisions = {one.name: one.revision for one in same}
    digests = {one.name: one.digest for one in same}
    return Plan(
        environment=environment,
        project=project,
        created_at=now,
        expires_at=now + timedelta(hours=1),
        git_commit=git_commit,
        actions=actions,
        findings=(),
        revisions=revisions,
        desired_digests=digests,
        digest=plan_digest(environment, project, git_commit, actions, revisions, digests),
        unchanged=0,
    )


def _unknown_client(observed: Observed, environment: str, name: str) -> UsageError:
    for record in observed.records.values():
        if record.name != name and name in renames.read_former_names(record):
            return UsageError(
                "RC361",
                f"client {name} was renamed to {record.name}",
                f"run the command with {record.name}",
            )
    if name in observed.misplaced:
        return UsageError(
            "RC361",
            f"the record of client {name} lies in the wrong bucket of {environment}",
            "reconciler plan says where it lies and where it belongs",
        )
    remedy = names.one_of(
        observed.records, "none is registered yet: reconciler apply registers what is declared"
    )
    return UsageError("RC361", f"client {name} is not registered in {environment}", remedy)


def _items(record: ClientRecord, kind: CredentialKind) -> list[str]:
    """The names of the credentials of a kind that a client has, or is about to have."""
    made = (name for one, name, _ in record.all_series() if one is kind)
    return sorted({*made, *kind.lives(record.spec)})


def _revocations(record: ClientRecord, request: RevocationRequest) -> list[Action]:
    actions: list[Action] = []
    for kind in list_kinds():
        for name in _items(record, kind):
            if request.key is None or (kind is request.kind and name == request.key):
                actions += _of_series(record, kind, name, request)
    return actions


def _of_series(
    record: ClientRecord, kind: CredentialKind, name: str, request: RevocationRequest
) -> list[Action]:
    """Its versions that are usable or left over; without any, the hold alone, so that none is
    issued either."""
    incident = f" ({request.incident})" if request.incident else ""
    cause = Cause(Reason.REVOCATION_REQUESTED, f"asked for: {request.reason}{incident}")
    asked: dict[str, object] = {"hold": request.reason, "incident": request.incident}
    subject, revoke, series = (
        Subject(record.name, kind, name),
        kind.revoke,
        record.series_of(kind, name),
    )
    actions = [
        subject.action(
            revoke,
            cause,
            version.number,
            before={"id": version.id, "state": version.state.value},
            after={"id": version.id, "state": VersionState.REVOKED.value, **asked},
        )
        for version in series.versions
        if version.state in USABLE
        or (version.state is VersionState.REVOKED and version.destroyed_at is None)
    ]
    if (
        actions
        or series.hold is not None
        or name not in kind.lives(record.spec)
        or record.status is ClientStatus.RETIRED
    ):
        return actions
    return [subject.action(revoke, cause, after=asked)]
