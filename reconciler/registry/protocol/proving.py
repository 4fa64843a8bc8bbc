"""Proving webhooks, and activating the clients whose webhooks all proved themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.domain.declared.desired import DesiredWebhook
from reconciler.domain.declared.owners import describe_owner
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import SIGNING_SECRET
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Delivery,
    VersionState,
    WebhookRecord,
    transit_key,
    verification_digest,
)
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.plan.plan import Action, OutcomeStatus, Problem
from reconciler.domain.values.canonical import Json
from reconciler.registry.codec.proof_codec import encode_attempt, encode_probe
from reconciler.registry.protocol.bucket import Bucket, Change
from reconciler.registry.protocol.work import ClientRun, with_event
from reconciler.registry.requests import Batch, Deliver, Delivered, SigningVersion
from reconciler.registry.steps import Steps, expect


def prove_webhooks(bucket: Bucket, clients: list[ClientRun]) -> Steps[None]:
    """Deliver to every webhook that must prove itself, then commit the results and the
    activations."""
    tasks = [
        (client, action, request)
        for client in clients
        for action in client.pending(ActionKind.VERIFY_WEBHOOK)
        if (request := make_delivery(client, action, bucket)) is not None
    ]
    responses = (yield Batch(tuple(request for _, _, request in tasks))) if tasks else ()
    results: dict[str, list[tuple[Action, Delivery]]] = {}
    for (client, action, _), response in zip(tasks, expect(responses, tuple), strict=True):
        results.setdefault(client.name, []).append((action, expect(response, Delivered).delivery))
    changes = {
        client.name: make_proven(client, results[client.name])
        for client in clients
        if client.name in results
    }
    lost = yield from bucket.commit("prove", changes)
    for client in clients:
        if client.name in lost:
            client.give_up(lost[client.name])
        else:
            settle_proven(client, results.get(client.name, []), bucket)


def make_delivery(client: ClientRun, action: Action, bucket: Bucket) -> Deliver | None:
    """The delivery to send, signed with every secret that is usable: the active one first."""
    record = bucket.records.get(client.name)
    webhook = find_webhook(client, str(action.item))
    if record is None or webhook is None or webhook.name not in record.webhooks:
        client.settle(action, OutcomeStatus.SKIPPED, "it has no signing secret")
        return None
    request = request_proof(record, webhook, bucket.at)
    if request is None:
        client.settle(action, OutcomeStatus.SKIPPED, "it has no active signing secret")
    return request


def request_proof(record: ClientRecord, webhook: DesiredWebhook, now: datetime) -> Deliver | None:
    """What has ``webhook`` prove itself with the usable secrets on record; None when none is
    active."""
    series = record.series_of(SIGNING_SECRET, webhook.name)
    active = series.in_state(VersionState.ACTIVE)
    retiring = tuple(
        one for one in series.in_state(VersionState.RETIRING) if (one.grace_until or now) > now
    )
    if not active:
        return None
    path = record.secret_path(SIGNING_SECRET, webhook.name)
    versions = tuple(
        SigningVersion(
            version.number, transit_key(path, version.number) if version.asymmetric else ""
        )
        for version in (*active, *reversed(retiring))
    )
    return Deliver(
        record.name,
        webhook,
        path,
        versions,
        describe_owner(record.spec),
    )


def find_webhook(client: ClientRun, name: str) -> DesiredWebhook | None:
    desired = client.work.desired
    return next((one for one in desired.webhooks if one.name == name), None) if desired else None


def make_proven(client: ClientRun, results: list[tuple[Action, Delivery]]) -> Change:
    def change(record: ClientRecord | None, at: datetime) -> ClientRecord:
        if record is None:
            raise TransitionError("the client is not registered any more")
        for action, result in results:
            record = with_delivery(record, str(action.item), result)
            record = with_event(record, client.run, at, action, describe_delivery(result))
        return activate_proven(client, record, at)

    return change


def with_delivery(record: ClientRecord, name: str, result: Delivery) -> ClientRecord:
    """The record with the result of a proof; how long it has been failing is counted on."""
    webhook = record.webhooks.get(name, WebhookRecord())
    kept = replace(result, attempts=())  # they are in the event
    if result.accepted:
        secret = record.series_of(SIGNING_SECRET, name)
        verified = verification_digest(record.spec, name, secret)
        webhook = replace(
            webhook,
            last_delivery=kept,
            verified_at=result.at,
            verified_digest=verified,
            failing_since=None,
            failures=0,
        )
    else:
        since = webhook.failing_since or result.at
        webhook = replace(
            webhook, last_delivery=kept, failing_since=since, failures=webhook.failures + 1
        )
    return record.with_webhook(name, webhook)


def describe_delivery(result: Delivery) -> dict[str, Json]:
    """What the evidence keeps of a proof: every probe and every attempt."""
    return {
        "delivery": result.id,
        "url": result.url,
        "accepted": result.accepted,
        "status": result.status,
        "latency_ms": result.latency_ms,
        "code": result.code,
        "result": result.message,
        "probes": [encode_probe(one) for one in result.probes],
        "attempts": [encode_attempt(one) for one in result.attempts],
    }


def activate_proven(client: ClientRun, record: ClientRecord, at: datetime) -> ClientRecord:
    """The record as active if that was planned and every declared webhook has proven what it is
    now."""
    for action in client.pending(ActionKind.ACTIVATE_CLIENT):
        desired = client.work.desired
        if desired is None or not all(
            is_proven(record, webhook.name) for webhook in desired.webhooks
        ):
            continue
        needed = {kind for kind, _, _ in desired.lives() if kind.needed}
        if needed and not any(one.active for kind, _, one in record.all_series() if kind in needed):
            continue
        record = replace(record, status=ClientStatus.ACTIVE)
        record = with_event(record, client.run, at, action)
    return record


def is_proven(record: ClientRecord, name: str) -> bool:
    webhook = record.webhooks.get(name)
    if webhook is None or webhook.verified_digest is None:
        return False
    if webhook.last_delivery is not None and not webhook.last_delivery.accepted:
        return False
    secret = record.series_of(SIGNING_SECRET, name)
    return webhook.verified_digest == verification_digest(record.spec, name, secret)


def may_activate_now(client: ClientRun) -> bool:
    """Whether the activation can go with the commit: nothing is left to prove first."""
    return bool(client.pending(ActionKind.ACTIVATE_CLIENT)) and not client.pending(
        ActionKind.VERIFY_WEBHOOK
    )


def settle_proven(
    client: ClientRun,
    results: list[tuple[Action, Delivery]],
    bucket: Bucket,
) -> None:
    for action, result in results:
        client.settle(
            action,
            OutcomeStatus.DONE if result.accepted else OutcomeStatus.FAILED,
            result.message,
            describe_delivery(result),
            problem=None if result.accepted else Problem(result.code, result.message),
        )
    record = bucket.records.get(client.name)
    for action in client.pending(ActionKind.ACTIVATE_CLIENT):
        if record is not None and record.status is ClientStatus.ACTIVE:
            client.settle_done(action, record)
        else:
            client.settle(action, OutcomeStatus.SKIPPED, "not every webhook has proven itself")
