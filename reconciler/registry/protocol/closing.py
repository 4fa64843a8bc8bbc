"""Ending versions and clients: on record first, then the secrets are destroyed and looked for."""

from __future__ import annotations

from datetime import datetime

from reconciler.domain.kinds.actions import REVOCATIONS, ActionKind
from reconciler.domain.live.record import ClientRecord, VersionState, transit_key
from reconciler.domain.plan.plan import Action, OutcomeStatus, Problem, Stage
from reconciler.errors import ReconcilerError
from reconciler.registry.protocol.bucket import Bucket, Change
from reconciler.registry.protocol.changes import (
    close_changes,
    put_destroyed_on_record,
    suspend_held,
)
from reconciler.registry.protocol.secret_steps import destroy_version
from reconciler.registry.protocol.work import ClientRun
from reconciler.registry.requests import Done, RemoveTransitKey
from reconciler.registry.steps import Steps, expect

ENDING = (ActionKind.SUSPEND_CLIENT, ActionKind.RETIRE_KEY, ActionKind.RETIRE_CLIENT)


def close(bucket: Bucket, clients: list[ClientRun]) -> Steps[None]:
    """Commit retirements, revocations, suspensions and the ends of clients."""
    changes: dict[str, Change] = {}
    for client in clients:
        if actions := client.pending(*ENDING, *REVOCATIONS):
            client.claimed = find_claimed(client, bucket, actions)
            changes[client.name] = make_closing(client, actions)
    lost = yield from bucket.commit("close", changes)
    for client in clients:
        if client.name in lost:
            client.give_up(lost[client.name])
        for action in client.pending(*ENDING):
            client.settle_done(action, bucket.records.get(client.name))
        for action in client.pending(*REVOCATIONS):
            if action.version is None:
                client.settle_done(action, bucket.records.get(client.name))


def find_claimed(
    client: ClientRun,
    bucket: Bucket,
    actions: list[Action],
) -> frozenset[tuple[str, int]]:
    """The versions that are pending as they are revoked: another run may be about to write them."""
    record = bucket.records.get(client.name)
    return frozenset(
        (action.address, action.version or 0)
        for action in actions
        if record is not None
        and action.kind in REVOCATIONS
        and (
            version := record.series_of(action.credential, str(action.item)).version(
                action.version or 0
            )
        )
        is not None
        and version.state is VersionState.PENDING
    )


def make_closing(client: ClientRun, actions: list[Action]) -> Change:
    def change(record: ClientRecord | None, at: datetime) -> ClientRecord:
        record = close_changes(client, record, at, actions)
        asked = any("hold" in (action.after or {}) for action in actions)
        return suspend_held(record) if asked else record

    return change


def destroy(bucket: Bucket, clients: list[ClientRun]) -> Steps[None]:
    """Destroy what is revoked, look until it is gone, then put that on record."""
    changes: dict[str, Change] = {}
    gone: dict[str, list[Action]] = {}
    for client in clients:
        for action in client.pending(*REVOCATIONS, ActionKind.DESTROY_VERSION):
            if (yield from destroy_one(client, bucket, action)):
                gone.setdefault(client.name, []).append(action)
        if client.name in gone:
            changes[client.name] = make_marking(client, gone[client.name])
    lost = yield from bucket.commit("destroy", changes)
    for client in clients:
        for action in gone.get(client.name, []):
            if client.name in lost:
                message = (
                    "revoked and destroyed; the next run puts the destruction on record"
                    f" ({lost[client.name]})"
                )
                client.settle(action, OutcomeStatus.SKIPPED, message, reached=Stage.ON_RECORD)
            else:
                client.settle_done(action, bucket.records.get(client.name))


def destroy_one(client: ClientRun, bucket: Bucket, action: Action) -> Steps[bool]:
    """Whether the version is gone. One that cannot be destroyed does not stop the others."""
    record = bucket.records[client.name]
    path = record.secret_path(action.credential, str(action.item))
    number = action.version or 0
    claimed = (action.address, number) in client.claimed
    try:
        if (yield from destroy_version(path, number, claimed=claimed)):
            version = record.series_of(action.credential, str(action.item)).version(number)
            if version is not None and version.asymmetric:
                expect((yield RemoveTransitKey(transit_key(path, number))), Done)
            return True
        problem = Problem("", f"{path} version {number} is still there after it was destroyed")
    except ReconcilerError as error:
        problem = Problem(error.code, error.message)
    client.settle(
        action,
        OutcomeStatus.FAILED,
        f"revoked, but its secret is not destroyed yet: {problem}",
        problem=problem,
        reached=Stage.ON_RECORD,
    )
    return False


def make_marking(client: ClientRun, actions: list[Action]) -> Change:
    def change(record: ClientRecord | None, at: datetime) -> ClientRecord:
        return put_destroyed_on_record(client, record, actions, at)

    return change
