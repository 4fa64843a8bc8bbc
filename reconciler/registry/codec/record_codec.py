"""Records and buckets as canonical JSON, and back. Refuses formats it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET, CredentialKind, list_kinds
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Event,
    Hold,
    Series,
    Version,
    VersionState,
    WebhookRecord,
)
from reconciler.domain.secrecy import beginning
from reconciler.domain.values.canonical import (
    Json,
    digest,
    dumps,
    iso,
    iso_or_none,
    parse_iso,
    parse_iso_or_none,
)
from reconciler.errors import Address, RegistryError
from reconciler.registry.codec.proof_codec import decode_delivery, encode_delivery
from reconciler.registry.codec.shapes import require_record, require_series
from reconciler.registry.codec.stored import FORMAT, garbled_error, parse_stored

# Raft's max_entry_size is 1 MiB, and a bucket is rewritten whole: half of that is refused.
MAX_DOCUMENT = 512 * 1024


def encode_bucket(
    records: Mapping[str, ClientRecord], foreign: Mapping[str, Json] | None = None
) -> str:
    """One bucket. ``foreign`` holds the records of other projects as they were read: they go back
    unchanged.

    Raises ``RegistryError`` RC441 when it is larger than 512 KiB.
    """
    return write_raw_clients(
        {**(foreign or {}), **{name: encode_record(record) for name, record in records.items()}}
    )


def write_raw_clients(clients: Mapping[str, Json]) -> str:
    """A bucket of records that are JSON already.

    Raises ``RegistryError`` RC441 when it is too large.
    """
    text = dumps({"format": FORMAT, "clients": dict(clients)})
    if len(text.encode()) > MAX_DOCUMENT:
        raise RegistryError(
            "RC441",
            f"a bucket of {len(clients)} clients would exceed 512 KiB",
            "spread the registry over more buckets: reconciler bootstrap -e ENV --buckets 4096",
        )
    return text


def read_raw_clients(text: str | None, where: str) -> dict[str, Json]:
    """The records of the bucket ``where`` as they are stored, empty for None.

    Raises ``RegistryError`` RC442, RC443.
    """
    if text is None:
        return {}
    document = parse_stored(text, where)
    if document.keys() != {"format", "clients"} or not isinstance(document["clients"], dict):
        # one that is not known would be dropped
        raise garbled_error(where, "it has not the fields of a bucket")
    clients: dict[str, Json] = document["clients"]
    return clients


def decode_bucket(
    text: str | None, owner: str, where: str = "a bucket"
) -> tuple[dict[str, ClientRecord], dict[str, Json]]:
    """The records of project ``owner``, and the records of other projects as they are. ``where``
    names the document.

    Raises ``RegistryError`` RC442 for a format of the future and RC443 for anything that is not a
    bucket.
    """
    records: dict[str, ClientRecord] = {}
    foreign: dict[str, Json] = {}
    for name, raw in read_raw_clients(text, where).items():
        try:
            if raw["owner"] == owner:
                records[name] = decode_record(raw, name)
            else:
                foreign[name] = raw
        except (KeyError, TypeError, ValueError, AttributeError):
            raise garbled_error(
                where, f"the record of {beginning(name, 63)!r} in it has not the form of one"
            ) from None
    return records, foreign


def encode_record(record: ClientRecord) -> dict[str, Json]:
    """One client. ``sum`` lets a later run see that somebody edited the record, each series has its
    own."""
    raw: dict[str, Json] = {
        "name": record.name,
        "owner": record.owner,
        "storage_name": record.storage_name,
        "revision": record.revision,
        "op": record.op,
        "status": record.status.value,
        "protect": record.protect,
        "spec": dict(record.spec),
        "digest": record.digest,
        "base_digest": record.base_digest,
        "moving_to": record.moving_to,
        "seq": record.seq,
        "events": [_encode_event(event) for event in record.events],
    }
    # An edited record keeps a wrong checksum until the declaration was restored: a commit for
    # another reason must not make the edit look like ours. A series does likewise.
    # Sections of kinds that came later are there only when they hold something: what is stored of
    # a client without any stays as it is.
    raw |= {KEY.section: {}, SIGNING_SECRET.section: {}}
    for (kind, name), series in record.series.items():
        stored: dict[str, Json] = _encode_series(series)
        if kind.part:
            stored = {kind.part: stored}
        if kind is SIGNING_SECRET:
            stored |= _encode_webhook(record.webhooks[name])
        raw.setdefault(kind.section, {})[name] = stored
    raw["sum"] = "edited" if record.edited else _record_sum(raw)
    return raw


def decode_record(raw: Mapping[str, Any], name: str) -> ClientRecord:
    """What is stored under ``name``.

    Raises ``AttributeError``, ``KeyError``, ``TypeError`` or ``ValueError``.
    """
    edited = raw["sum"] != _record_sum(raw) or raw["name"] != name
    if edited:
        # a lone surrogate could be read, and never be written back: UnicodeEncodeError
        dumps(raw).encode()
        require_record(raw, name)
    return ClientRecord(
        name=name,
        owner=raw["owner"],
        storage_name=raw["storage_name"],
        revision=raw["revision"],
        op=raw["op"],
        status=ClientStatus(raw["status"]),
        protect=raw["protect"],
        spec=raw["spec"],
        digest=raw["digest"],
        base_digest=raw["base_digest"],
        series={
            (kind, name): _decode_series(stored[kind.part] if kind.part else stored)
            for kind in list_kinds()
            for name, stored in raw.get(kind.section, {}).items()
        },
        webhooks={
            name: _decode_webhook(webhook) for name, webhook in raw[SIGNING_SECRET.section].items()
        },
        events=tuple(_decode_event(event) for event in raw["events"]),
        seq=raw["seq"],
        moving_to=raw["moving_to"],
        edited=edited,
    )


def _record_sum(raw: Mapping[str, Any]) -> str:
    """Over everything but the series, which have sums of their own."""
    summed = {key: value for key, value in raw.items() if key != "sum"}
    for kind in list_kinds():
        if kind.section in raw:
            summed[kind.section] = _without_series(raw[kind.section], kind)
    return digest(summed)


def _without_series(section: Mapping[str, Any], kind: CredentialKind) -> Json:
    if not kind.part:
        return sorted(section)
    return {
        name: {key: value for key, value in stored.items() if key != kind.part}
        for name, stored in section.items()
    }


def _encode_series(series: Series) -> dict[str, Json]:
    raw: dict[str, Json] = {
        "versions": [encode_version(version) for version in series.versions],
        "last": series.last,
        "hold": None,
    }
    if (hold := series.hold) is not None:
        raw["hold"] = {
            "version": hold.version,
            "reason": hold.reason,
            "incident": hold.incident,
            "at": iso(hold.at),
        }
    raw["sum"] = "edited" if series.edited else digest(raw)
    return raw


def _decode_series(raw: Mapping[str, Any]) -> Series:
    hold = raw["hold"]
    edited = raw["sum"] != digest({key: value for key, value in raw.items() if key != "sum"})
    if edited:
        dumps(raw).encode()  # likewise
        require_series(raw)
    return Series(
        versions=tuple(_decode_version(version) for version in raw["versions"]),
        last=raw["last"],
        hold=(
            None
            if hold is None
            else Hold(hold["version"], hold["reason"], hold["incident"], parse_iso(hold["at"]))
        ),
        edited=edited,
    )


def encode_version(version: Version) -> dict[str, Json]:
    """As documents about clients show it, too."""
    return {
        "version": version.number,
        "id": version.id,
        "state": version.state.value,
        "sha256": version.sha256,
        "reason": version.reason,
        "run": version.run,
        "issued_at": iso(version.issued_at),
        "expires_at": iso(version.expires_at),
        "grace_until": iso_or_none(version.grace_until),
        "revoked_at": iso_or_none(version.revoked_at),
        "destroyed_at": iso_or_none(version.destroyed_at),
        "asymmetric": version.asymmetric,
    }


def _decode_version(raw: Mapping[str, Any]) -> Version:
    return Version(
        number=raw["version"],
        id=raw["id"],
        state=VersionState(raw["state"]),
        sha256=raw["sha256"],
        reason=raw["reason"],
        run=raw["run"],
        issued_at=parse_iso(raw["issued_at"]),
        expires_at=parse_iso(raw["expires_at"]),
        grace_until=parse_iso_or_none(raw["grace_until"]),
        revoked_at=parse_iso_or_none(raw["revoked_at"]),
        destroyed_at=parse_iso_or_none(raw["destroyed_at"]),
        asymmetric=raw["asymmetric"],
    )


def _encode_webhook(webhook: WebhookRecord) -> dict[str, Json]:
    delivery = webhook.last_delivery
    return {
        "verified_at": iso_or_none(webhook.verified_at),
        "verified_digest": webhook.verified_digest,
        "last_delivery": None if delivery is None else encode_delivery(delivery),
        "failing_since": iso_or_none(webhook.failing_since),
        "failures": webhook.failures,
    }


def _decode_webhook(raw: Mapping[str, Any]) -> WebhookRecord:
    delivery = raw["last_delivery"]
    return WebhookRecord(
        verified_at=parse_iso_or_none(raw["verified_at"]),
        verified_digest=raw["verified_digest"],
        last_delivery=None if delivery is None else decode_delivery(delivery),
        failing_since=parse_iso_or_none(raw["failing_since"]),
        failures=raw["failures"],
    )


def _encode_event(event: Event) -> dict[str, Json]:
    return {
        "seq": event.seq,
        "at": iso(event.at),
        "run": event.run,
        "kind": event.kind,
        "address": event.address,
        "reason": event.reason,
        "message": event.message,
        "detail": dict(event.detail),
    }


def _decode_event(raw: Mapping[str, Any]) -> Event:
    return Event(**{**raw, "at": parse_iso(raw["at"]), "address": Address.read(raw["address"])})
