"""The record changes that actions stand for: one function a group of kinds, pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds.actions import REVOCATIONS, SETTLING, ActionKind, Verb
from reconciler.domain.live import transitions
from reconciler.domain.live.lifecycles import lifecycle_of, read_reissue
from reconciler.domain.live.record import (
    USABLE,
    ClientRecord,
    ClientStatus,
    Series,
    Version,
    VersionState,
    WebhookRecord,
)
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.plan.plan import Action
from reconciler.domain.values.canonical import Json, iso
from reconciler.domain.values.duration import parse_duration
from reconciler.registry.protocol.work import (
    Claim,
    ClientRun,
    Run,
    with_event,
)


def register(record: ClientRecord | None, desired: DesiredClient, run: Run) -> ClientRecord:
    """A new record, or a retired one that starts again with its version numbers and history
    kept."""
    if record is None:
        return ClientRecord(
            name=desired.name,
            owner=run.owner,
            storage_name=desired.name,
            revision=0,
            op="",
            status=ClientStatus.PENDING,
            protect=desired.protect,
            spec=desired.spec,
            digest=desired.digest,
            base_digest=desired.base_digest,
        )
    webhooks = {name: WebhookRecord() for name in record.webhooks}
    return declare(replace(record, status=ClientStatus.PENDING, webhooks=webhooks), desired)


def declare(record: ClientRecord, desired: DesiredClient) -> ClientRecord:
    """The record with the declared specification."""
    return replace(
        record,
        protect=desired.protect,
        spec=desired.spec,
        digest=desired.digest,
        base_digest=desired.base_digest,
        edited=False,
    )


def open_changes(
    client: ClientRun,
    record: ClientRecord | None,
    at: datetime,
    actions: list[Action],
) -> ClientRecord:
    """Claims of earlier runs settled, registration and updates: what the claim commit writes
    first."""
    desired = client.work.desired
    for action in actions:
        if action.kind is ActionKind.REGISTER_CLIENT:
            assert desired is not None  # the planner registers what is declared
            record = register(record, desired, client.run)
        if record is None:
            raise TransitionError("the client is not registered any more")
        if action.kind in SETTLING:
            record = _settle_claim(record, client, action, at)
        elif action.kind.verb is Verb.UPDATE and desired is not None:
            if record.edited:  # neither its status nor what it says of its webhooks can be trusted
                for webhook in record.webhooks:
                    record = _require_proof(record, webhook)
            record = declare(record, desired)
        if action.kind is ActionKind.UPDATE_WEBHOOK and action.after:
            record = _require_proof(record, str(action.item))
        record = with_event(record, client.run, at, action, _describe_change(record, action))
    if record is None:
        raise TransitionError("the client is not registered any more")
    return record


def _describe_change(record: ClientRecord, action: Action) -> dict[str, Json]:
    """What the evidence keeps of a change.

    A registration's whole specification is in the record already.
    """
    if action.kind is ActionKind.REGISTER_CLIENT:
        return {}
    if action.kind is ActionKind.ADOPT_CLAIM:
        version = record.series_of(action.credential, str(action.item)).version(action.version or 0)
        return describe_version(version) if version else {}
    detail: dict[str, Json] = {
        "before": action.before,
        "after": action.after,
        "version": action.version,
    }
    return {key: value for key, value in detail.items() if value is not None}


def _require_proof(record: ClientRecord, webhook: str) -> ClientRecord:
    """A changed endpoint must prove itself again, and an active client is active only when it
    has."""
    known = record.webhooks.get(webhook, WebhookRecord())
    record = record.with_webhook(webhook, replace(known, verified_at=None, verified_digest=None))
    status = ClientStatus.PENDING if record.status is ClientStatus.ACTIVE else record.status
    return replace(record, status=status)


def _settle_claim(
    record: ClientRecord,
    client: ClientRun,
    action: Action,
    at: datetime,
) -> ClientRecord:
    kind, item, number = action.credential, str(action.item), action.version or 0
    series = record.series_of(kind, item)
    if action.kind is ActionKind.ABANDON_CLAIM:
        return record.with_series(kind, item, transitions.abandon(series, number))
    grace = lifecycle_of(client.work.desired, record, kind, item).grace
    return record.with_series(
        kind, item, replace(transitions.activate(series, number, at, grace), hold=None)
    )


def claim_version(
    record: ClientRecord,
    claim: Claim,
    client: ClientRun,
    at: datetime,
) -> ClientRecord:
    """The intent to make a version, on record before anything is valid. Its number is the next one
    that neither the record nor Vault has used."""
    lifetime = lifecycle_of(client.work.desired, record, claim.kind, claim.item).lifetime
    series = record.series_of(claim.kind, claim.item)
    number = max(series.last, claim.current) + 1
    version = Version(
        number,
        claim.key_id,
        VersionState.PENDING,
        claim.secret.sha256(),
        claim.action.reason,
        client.run.run_id,
        issued_at=at,
        expires_at=at + lifetime,
        asymmetric=claim.asymmetric,
    )
    return record.with_series(claim.kind, claim.item, transitions.claim(series, version))


def number_claim(record: ClientRecord, claim: Claim) -> Claim:
    """``claim`` with the number and the path that ``record``, in which it stands, gives it."""
    series = record.series_of(claim.kind, claim.item)
    number = next((one.number for one in series.versions if one.id == claim.key_id), claim.number)
    return replace(claim, number=number, path=record.secret_path(claim.kind, claim.item))


def reclaim_version(
    record: ClientRecord,
    claim: Claim,
    client: ClientRun,
    at: datetime,
) -> ClientRecord:
    """The claim made anew because somebody else's secret stands at its number."""
    series = transitions.abandon(record.series_of(claim.kind, claim.item), claim.number)
    return claim_version(record.with_series(claim.kind, claim.item, series), claim, client, at)


def commit_version(
    record: ClientRecord,
    claim: Claim,
    client: ClientRun,
    at: datetime,
) -> ClientRecord:
    """Pending becomes active, the old active starts its grace, history gains its event."""
    series = record.series_of(claim.kind, claim.item)
    pending = series.version(claim.number)
    if pending is None or pending.id != claim.key_id:
        raise TransitionError(f"version {claim.number} is not ours any more")
    grace = lifecycle_of(client.work.desired, record, claim.kind, claim.item).grace
    series = replace(transitions.activate(series, claim.number, at, grace), hold=None)
    record = record.with_series(claim.kind, claim.item, _trust_again(series, client.run))
    return with_event(record, client.run, at, claim.action, describe_version(pending))


def describe_version(version: Version) -> dict[str, Json]:
    """What the evidence keeps of a version: never the secret, always its hash."""
    return {
        "version": version.number,
        "id": version.id,
        "sha256": version.sha256,
        "expires_at": iso(version.expires_at),
    }


def close_changes(
    client: ClientRun,
    record: ClientRecord | None,
    at: datetime,
    actions: list[Action],
) -> ClientRecord:
    """Retirement of keys, revocations, suspension and the end of a client: all on record before a
    secret goes."""
    if record is None:
        raise TransitionError("the client is not registered any more")
    for action in actions:
        detail: dict[str, Json] = {}
        if action.kind is ActionKind.SUSPEND_CLIENT:
            record = replace(record, status=ClientStatus.SUSPENDED)
        elif action.kind is ActionKind.RETIRE_CLIENT:
            record = replace(record, status=ClientStatus.RETIRED, protect=False, moving_to=None)
        elif action.kind is ActionKind.RETIRE_KEY or action.kind in REVOCATIONS:
            record, detail = _end_version(record, client, action, at)
        record = with_event(record, client.run, at, action, detail)
    return record


def _end_version(
    record: ClientRecord,
    client: ClientRun,
    action: Action,
    at: datetime,
) -> tuple[ClientRecord, dict[str, Json]]:
    kind, item, number = action.credential, str(action.item), action.version or 0
    series = record.series_of(kind, item)
    asked = action.after or {}
    if action.kind is ActionKind.RETIRE_KEY:
        grace = parse_duration(str((action.after or {})["grace"]))
        series = transitions.retire(series, number, at, grace)
    elif action.version is not None:  # without one there is only a hold to be set
        series = transitions.revoke_version(series, number, at)
    if "hold" in asked:
        declared = read_reissue(record, kind, item)
        incident = asked.get("incident")
        series = transitions.hold(
            series, str(asked["hold"]), None if incident is None else str(incident), at, declared
        )
    record = record.with_series(kind, item, _trust_again(series, client.run))
    version = series.version(number)
    return record, describe_version(version) if version else {}


def suspend_held(record: ClientRecord) -> ClientRecord:
    """A client that a person left without any usable key, or signing secret when it has no keys, is
    suspended until it has one again."""
    series = record.all_series()
    counted = next((kind for kind, _, _ in series), None)
    usable = any(one.in_state(*USABLE) for kind, _, one in series if kind is counted)
    if usable or record.status is ClientStatus.RETIRED:
        return record
    return replace(record, status=ClientStatus.SUSPENDED)


def put_destroyed_on_record(
    client: ClientRun,
    record: ClientRecord | None,
    gone: list[Action],
    at: datetime,
) -> ClientRecord:
    if record is None:
        raise TransitionError("the client is not registered any more")
    for action in gone:
        kind, item = action.credential, str(action.item)
        series = record.series_of(kind, item)
        version = series.version(action.version or 0)
        record = record.with_series(
            kind, item, transitions.mark_destroyed(series, action.version or 0, at)
        )
        # of a revocation, the revocation is the event
        if action.kind is ActionKind.DESTROY_VERSION:
            record = with_event(
                record, client.run, at, action, describe_version(version) if version else {}
            )
    return record


def _trust_again(series: Series, run: Run) -> Series:
    """A series that was edited by hand is trusted again once every usable version in it is this
    run's own."""
    if not series.edited or any(version.run != run.run_id for version in series.in_state(*USABLE)):
        return series
    return replace(series, edited=False)
