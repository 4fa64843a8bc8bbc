"""Claim, write, commit: everything that a run does to the clients of one bucket.

1. *claim*: registrations, updates and pending versions are committed. Nothing new is valid yet.
2. *write*: each secret is put at its path with a check-and-set that allows exactly the claimed
   number.
3. *commit*: pending becomes active, the old active starts its grace.
4. *prove*: webhooks get a signed delivery; the result and the client's activation are committed.
5. *close*: retirements, revocations and suspensions are committed, *then* secrets are destroyed and
   looked for.

A run that dies between two requests leaves a record that says what was meant;
``planning.actions.series`` says how the next run settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from reconciler.domain.kinds.actions import NEW_VERSIONS, SETTLING, SPECIFYING, ActionKind
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.plan.plan import Action, Outcome, OutcomeStatus
from reconciler.errors import ReconcilerError
from reconciler.registry.protocol.bucket import Bucket, Change
from reconciler.registry.protocol.changes import (
    claim_version,
    commit_version,
    number_claim,
    open_changes,
    reclaim_version,
)
from reconciler.registry.protocol.closing import close, destroy
from reconciler.registry.protocol.pairs import is_asymmetric, make_key_pairs
from reconciler.registry.protocol.proving import activate_proven, may_activate_now, prove_webhooks
from reconciler.registry.protocol.secret_steps import VersionTaken, write_version
from reconciler.registry.protocol.work import (
    Claim,
    ClientRun,
    ClientWork,
    Run,
)
from reconciler.registry.requests import Done, Mint, Minted, ResetMetadata
from reconciler.registry.steps import Steps, expect

OPENING = (*SETTLING, *SPECIFYING)
# A claim whose number somebody else took is made anew with the next number, this often.
MAX_CLAIMS = 5


def run_bucket(name: str, works: Sequence[ClientWork], run: Run) -> Steps[list[Outcome]]:
    """Carry out ``works``, all of whose clients live in bucket ``name``; every action gets one
    outcome.

    A ``ReconcilerError`` that the driver or a codec raises ends the bucket: what is not done yet
    has failed, what is committed stays.
    """
    clients = [ClientRun(work, run) for work in works]
    bucket = Bucket(name, run.owner, run.run_id, run.open_runs)
    stages: tuple[Callable[[Bucket, list[ClientRun]], Steps[None]], ...] = (
        claim_versions,
        write_and_commit,
        prove_webhooks,
        close,
        destroy,
    )
    try:
        if not run.stopping():
            yield from bucket.load()
            leave_changed_alone(bucket, clients)
        for stage in stages:
            # Once something is claimed it is written and committed, too: that takes two requests.
            if run.stopping() and stage is not write_and_commit:
                break
            yield from stage(bucket, clients)
    except ReconcilerError as error:
        for client in clients:
            client.fail(error)
    for client in clients:
        if run.stopping():
            client.interrupt()
        client.give_up("not reached")
    return [client.outcomes[index] for client in clients for index in sorted(client.outcomes)]


def leave_changed_alone(bucket: Bucket, clients: list[ClientRun]) -> None:
    """Leave alone every client that somebody changed between the observation and now."""
    for client in clients:
        record = bucket.records.get(client.name)
        revision = record.revision if record else 0
        if revision != client.work.revision:
            client.give_up(
                f"changed since it was planned (revision {revision}, planned for"
                f" {client.work.revision})"
            )


def claim_versions(bucket: Bucket, clients: list[ClientRun]) -> Steps[None]:
    """Commit registrations, updates and the intent of every new version."""
    changes: dict[str, Change] = {}
    for client in clients:
        for action in client.pending(*NEW_VERSIONS):
            client.claims += ((yield from mint(client, action, bucket)),)
        yield from make_key_pairs(client, bucket, make_opening(client))
        if client.pending(*OPENING) or client.claims:
            changes[client.name] = make_opening(client)
    lost = yield from bucket.commit("claim", changes)
    for client in clients:
        if client.name in lost:
            client.give_up(lost[client.name])
        number_claims(client, bucket)
        for action in client.pending(*OPENING):
            paths = (action.after or {}).get("reset", ())
            for path in cast("Sequence[str]", paths):
                expect((yield ResetMetadata(path)), Done)
            client.settle_done(action, bucket.records.get(client.name))


def number_claims(client: ClientRun, bucket: Bucket) -> None:
    """Each claim of ``client`` as its record has it now."""
    record = bucket.records.get(client.name)
    if record is not None:
        client.claims = tuple(number_claim(record, one) for one in client.claims)


def mint(client: ClientRun, action: Action, bucket: Bucket) -> Steps[Claim]:
    kind, item = action.credential, str(action.item)
    minted = expect((yield Mint(kind)), Minted)
    record = bucket.records.get(client.name)
    path = record.secret_path(kind, item) if record else kind.path(client.name, item)
    info = client.run.seen(path)
    last = record.series_of(kind, item).last if record else 0
    current = 0 if info is None else last if info.current is None else info.current
    asymmetric = is_asymmetric(client.work.desired, kind, item)
    return Claim(action, kind, item, minted.id, minted.secret, current, path, asymmetric=asymmetric)


def make_opening(client: ClientRun) -> Change:
    actions = client.pending(*OPENING)

    def change(record: ClientRecord | None, at: datetime) -> ClientRecord:
        record = open_changes(client, record, at, actions)
        for one in client.claims:
            record = claim_version(record, one, client, at)
        return record

    return change


def write_and_commit(bucket: Bucket, clients: list[ClientRun]) -> Steps[None]:
    """Write every claimed secret, then commit all that are there.

    A claim that could not be written stays.
    """
    for attempt in range(MAX_CLAIMS):
        taken: dict[str, Change] = {}
        for client in clients:
            if client.stopped is None and (yield from write_claims(client)):
                yield from make_key_pairs(client, bucket, make_reclaiming(client))
                taken[client.name] = make_reclaiming(client)
        if not taken:
            break
        lost = yield from bucket.commit(f"reclaim{attempt}", taken)
        for client in clients:
            if client.name in lost:
                client.give_up(lost[client.name])
            number_claims(client, bucket)
    changes = {
        client.name: make_committing(client)
        for client in clients
        if client.stopped is None and (client.claims or may_activate_now(client))
    }
    lost = yield from bucket.commit("commit", changes)
    for client in clients:
        if client.name in lost:
            client.give_up(lost[client.name])
        elif client.name in changes:
            settle_committed(client, bucket)


def write_claims(client: ClientRun) -> Steps[bool]:
    """Write what is not written yet; whether a number was taken by somebody else."""
    taken, claims = False, list(client.claims)
    for index, one in enumerate(claims):
        if one.written:
            continue
        try:
            yield from write_version(one.path, one.number, one.key_id, one.secret, one.current)
            claims[index] = replace(one, written=True)
        except VersionTaken as error:
            claims[index] = replace(one, current=error.current)
            taken = True
        # one bad path does not stop the others; the next run settles the claim
        except ReconcilerError as error:
            client.fail(error)
            return False
        finally:
            client.claims = tuple(claims)
    return taken


def make_reclaiming(client: ClientRun) -> Change:
    def change(record: ClientRecord | None, at: datetime) -> ClientRecord:
        assert record is not None  # the bucket refuses a client that vanished
        for one in client.claims:
            if not one.written:
                record = reclaim_version(record, one, client, at)
        return record

    return change


def make_committing(client: ClientRun) -> Change:
    def change(record: ClientRecord | None, at: datetime) -> ClientRecord:
        assert record is not None
        for one in client.claims:
            if one.written:
                record = commit_version(record, one, client, at)
        return activate_proven(client, record, at) if may_activate_now(client) else record

    return change


def settle_committed(client: ClientRun, bucket: Bucket) -> None:
    for one in client.claims:
        if one.written:
            client.settle_done(one.action, bucket.records.get(client.name))
        else:
            client.settle(
                one.action, OutcomeStatus.FAILED, "its version number was taken again and again"
            )
    if not all(one.written for one in client.claims):
        client.give_up("not done without its new version")  # above all, no old version is ended
    if may_activate_now(client):
        record = bucket.records[client.name]
        for action in client.pending(ActionKind.ACTIVATE_CLIENT):
            if record.status is ClientStatus.ACTIVE:
                client.settle_done(action, record)
            else:
                client.settle(action, OutcomeStatus.SKIPPED, "not every webhook has proven itself")
