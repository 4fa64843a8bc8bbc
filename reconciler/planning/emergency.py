"""The plan of an emergency revocation: made from the live record alone, so that a broken declaration,
a freeze, a budget or a running apply never stand in its way."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.domain import names
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Action, Plan, Risk
from reconciler.domain.record import USABLE, ClientRecord, SeriesKind, VersionState
from reconciler.errors import UsageError
from reconciler.planning.order import ordered
from reconciler.planning.planner import plan_digest
from reconciler.planning.reasons import Cause, Reason, RevocationRequest
from reconciler.planning.series import KINDS, Subject


def revocation_plan(
    observed: Observed,
    environment: str,
    project: str,
    request: RevocationRequest,
    now: datetime,
    git_commit: str | None,
) -> Plan:
    """Revoke every version of what was asked for that is usable, or revoked but not known to be destroyed.

    Raises ``UsageError`` for a client or key that the registry does not know, naming those it knows.
    """
    record = observed.records.get(request.client)
    if record is None:
        known = ", ".join(sorted(observed.records)) or "none"
        raise UsageError("RC361", f"client {request.client} is not registered in {environment}", f"registered: {known}")
    if request.key is not None and request.key not in record.keys:
        known = ", ".join(sorted(record.keys)) or "none"
        raise UsageError("RC362", f"client {request.client} has no key {request.key}", f"its keys: {known}")
    actions = ordered(_revocations(record, request))
    revisions = {record.name: record.revision}
    digests = {record.name: record.digest}
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


def _revocations(record: ClientRecord, request: RevocationRequest) -> list[Action]:
    incident = f" ({request.incident})" if request.incident else ""
    cause = Cause(Reason.REVOCATION_REQUESTED, f"asked for: {request.reason}{incident}", Risk.CRITICAL)
    asked: dict[str, object] = {"hold": request.reason, "incident": request.incident}
    actions = []
    for kind, name, series in record.all_series():
        if request.key is not None and (kind is not SeriesKind.KEY or name != request.key):
            continue
        key = kind is SeriesKind.KEY
        address = names.key_address(record.name, name) if key else names.secret_address(record.name, name)
        subject = Subject(record.name, kind, name, address)
        for version in series.versions:
            left = version.state is VersionState.REVOKED and version.destroyed_at is None
            if version.state in USABLE or left:
                before: dict[str, object] = {"id": version.id, "state": version.state.value}
                after = {"id": version.id, "state": VersionState.REVOKED.value, **asked}
                actions.append(subject.action(KINDS[kind].revoke, cause, version.number, before, after))
    return actions
