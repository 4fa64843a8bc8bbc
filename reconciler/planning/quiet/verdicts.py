"""Of whom a plan says nothing, and for how long that stays so while nothing changes."""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.plan.plan import Plan
from reconciler.planning.actions.clients import plan_client
from reconciler.planning.actions.inputs import Inputs
from reconciler.planning.quiet.known import (
    QuietVerdict,
    declared_digest,
    describe_secret,
    list_related,
)
from reconciler.planning.quiet.watched import Untracked, Watched

# However long nothing is due, it is looked at anew after this, in seconds.
_LONGEST = 30 * 24 * 3600


def judge_clients(inputs: Inputs, plan: Plan) -> dict[str, QuietVerdict]:
    """A verdict for each client of whom ``plan``, which was made of ``inputs`` and of all clients,
    says nothing, and will say nothing for a while."""
    told = {action.client for action in plan.actions}
    told |= {finding.address.client for finding in plan.findings}
    told |= {one.address.client for one in plan.unfinished if one.address is not None}
    found = {}
    for name, client in inputs.desired.clients.items():
        record = inputs.observed.records.get(name)
        if name not in told and record is not None and name in inputs.observed.digests:
            verdict = _judge(client, record, inputs)
            if verdict is not None:
                found[name] = verdict
    return found


def _judge(
    client: DesiredClient,
    record: ClientRecord,
    inputs: Inputs,
) -> QuietVerdict | None:
    observed = inputs.observed
    paths = [record.secret_path(kind, name) for kind, name, _ in record.all_series()]
    secrets = [describe_secret(path, observed.secrets.get(path)) for path in paths]
    plain = [secret for secret in secrets if secret is not None]
    if len(plain) < len(paths) or not _stands_alone(record):
        return None
    now = Watched.at(inputs.now)
    try:
        plan_client(client, record, replace(inputs, question=replace(inputs.question, at=now)))
    except Untracked:
        return None
    made = int(inputs.now.timestamp())
    until = min(made + _LONGEST, int(now.until.timestamp()) if now.until else made + _LONGEST)
    return QuietVerdict(
        declared_digest(client.digest, client.base_digest),
        observed.digests[client.name],
        tuple(plain),
        made,
        until,
    )


def _stands_alone(record: ClientRecord) -> bool:
    """Whether a client is live, and nothing on record relates it to another one."""
    return record.status is not ClientStatus.RETIRED and list_related(record) == {record.name}
