"""Records as canonical JSON, and back.

What a plan needs of a record is decoded and checked at once. Its history stays as it is stored
until somebody asks for an event, its specification until somebody asks for a field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import Any

from msgspec import UNSET, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from reconciler.domain.declared.proof import ProbeResult
from reconciler.domain.kinds.credentials import (
    KEY,
    SIGNING_SECRET,
    CredentialKind,
    list_kinds,
)
from reconciler.domain.live.record import (
    ClientRecord,
    Delivery,
    Event,
    Hold,
    Series,
    StoredHistory,
    Version,
    WebhookRecord,
)
from reconciler.domain.secrecy import beginning
from reconciler.domain.values.canonical import (
    Json,
    JsonObject,
    dumps,
    iso,
    iso_or_none,
    parse_iso,
)
from reconciler.domain.values.names import is_name
from reconciler.errors import Address, RegistryError
from reconciler.registry.codec.proof_codec import encode_delivery
from reconciler.registry.codec.shapes import (
    DeliveryShape,
    EventShape,
    HoldShape,
    ProbeShape,
    RecordShape,
    SeriesShape,
    VersionShape,
    WebhookShape,
    entry_shape,
    record_decoder,
    record_shape,
)
from reconciler.registry.codec.stored import encode_json, garbled_error

# What the sum of an edited record or series says: no content has it.
EDITED = "edited"

_EVENTS, _PROBES = Decoder(list[EventShape]), Decoder(list[ProbeShape])
_SPEC = Decoder(dict[str, Any])
# The records of a run have the same times, and the records of a fleet the same specifications and
# results of probes: each of them is decoded once, and held once.
_parse_time = lru_cache(maxsize=4096)(parse_iso)
_parse_spec = lru_cache(maxsize=512)(_SPEC.decode)


def encode_record(record: ClientRecord) -> Raw:
    """One client. ``sum`` lets a later run see that somebody edited the record, each series has its
    own."""
    # Sections of kinds that came later are there only when they hold something: what is stored of
    # a client without any stays as it is.
    sections: dict[str, dict[str, Any]] = {KEY.section: {}, SIGNING_SECRET.section: {}}
    for (kind, name), series in record.series.items():
        entry: Any = _shape_series(series)
        if kind is SIGNING_SECRET:
            entry = _shape_webhook(record.webhooks[name], entry)
        elif kind.part:
            entry = entry_shape(kind)(**{kind.part: entry})
        sections.setdefault(kind.section, {})[name] = entry
    kinds = list_kinds()
    shape = record_shape(kinds)(
        name=record.name,
        owner=record.owner,
        storage_name=record.storage_name,
        revision=record.revision,
        op=record.op,
        status=record.status,
        protect=record.protect,
        spec=_encode_spec(record.spec),
        digest=record.digest,
        base_digest=record.base_digest,
        moving_to=record.moving_to,
        seq=record.seq,
        events=_encode_history(record),
        sum=EDITED,
        **sections,
    )
    # An edited record keeps a wrong checksum until the declaration was restored: a commit for
    # another reason must not make the edit look like ours. A series does likewise.
    shape.sum = EDITED if record.edited else sum_record(shape, kinds)
    return Raw(encode_json(shape))


def decode_record(raw: Raw, name: str, where: str) -> ClientRecord:
    """What is stored under ``name`` in the bucket ``where``.

    Raises ``RegistryError`` RC443.
    """
    kinds = list_kinds()
    try:
        shape, edited = _read_shape(raw, kinds)
        edited = edited or shape.name != name
        record = _build_record(shape, kinds, name, where, edited=edited)
        if edited:
            _refuse_implausible(record)
    except (ValueError, RecursionError):
        raise formless_error(name, where) from None
    return record


def formless_error(name: str, where: str) -> RegistryError:
    """The error for something under a client's name that is no record."""
    return garbled_error(
        where, f"the record of {beginning(name, 63)!r} in it has not the form of one"
    )


def sum_record(shape: RecordShape, kinds: tuple[CredentialKind, ...]) -> str:
    """Over everything but the series, which have sums of their own."""
    sections = {
        kind.section: _without_series(section, kind)
        for kind in kinds
        if (section := getattr(shape, kind.section)) is not UNSET
    }
    return _sum(replace(shape, sum=UNSET, **sections))


def _without_series(section: Mapping[str, Struct], kind: CredentialKind) -> Json:
    if not kind.part:
        return sorted(section)
    return {name: replace(entry, **{kind.part: UNSET}) for name, entry in section.items()}


def sum_series(shape: SeriesShape) -> str:
    """Over a series, but for its sum."""
    return _sum(replace(shape, sum=UNSET))


def _sum(value: Json) -> str:
    return f"sha256:{hashlib.sha256(encode_json(value)).hexdigest()}"


def _read_shape(raw: Raw, kinds: tuple[CredentialKind, ...]) -> tuple[RecordShape, bool]:
    """The record in ``raw``, and whether its sum is wrong. What is still undecoded in it is
    canonical JSON: somebody may have laid it out anew, which is no edit."""
    decoder = record_decoder(kinds)
    shape = decoder.decode(raw)
    if shape.sum == sum_record(shape, kinds):
        return shape, False
    shape = decoder.decode(dumps(json.loads(bytes(raw))))
    return shape, shape.sum != sum_record(shape, kinds)


def _build_record(
    shape: RecordShape,
    kinds: tuple[CredentialKind, ...],
    name: str,
    where: str,
    *,
    edited: bool,
) -> ClientRecord:
    series = {}
    for kind in kinds:
        section = getattr(shape, kind.section)
        for item, entry in section.items() if section is not UNSET else ():
            stored = getattr(entry, kind.part) if kind.part else entry
            series[kind, intern(item)] = _build_series(stored)
    storage_name = name if shape.storage_name == name else shape.storage_name
    return ClientRecord(
        name=name,
        owner=intern(shape.owner),
        storage_name=storage_name,
        revision=shape.revision,
        op=intern(shape.op),
        status=shape.status,
        protect=shape.protect,
        spec=_share_spec(bytes(shape.spec)),
        digest=shape.digest,
        base_digest=shape.base_digest,
        series=series,
        webhooks={intern(item): _build_webhook(one) for item, one in shape.webhooks.items()},
        events=StoredEvents(bytes(shape.events), name, where),
        seq=shape.seq,
        moving_to=shape.moving_to,
        edited=edited,
    )


def _refuse_implausible(record: ClientRecord) -> None:
    """What we wrote has names that paths may hold, and a history. What somebody edited may have
    anything.

    Raises ``ValueError``, ``RegistryError``.
    """
    named = [name for _, name, _ in record.all_series()]
    if not all(is_name(one) for one in (record.name, record.storage_name, *named)):
        raise ValueError("a name that is none")
    for field in {kind.section for kind in list_kinds()}:
        declared = record.spec.get(field) or {}
        if not isinstance(declared, dict) or not all(
            isinstance(one, dict) for one in declared.values()
        ):
            raise ValueError(f"{field} of the specification is of another type")
    assert isinstance(record.events, StoredHistory)
    record.events.read()


class StoredSpec(Mapping[str, Any]):
    """A specification as it is stored: canonical JSON, decoded when somebody asks for a field."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        if raw[:1] != b"{":
            raise ValueError("no specification")
        self.raw = raw

    def __getitem__(self, field: str) -> Any:
        return _parse_spec(self.raw)[field]

    def __iter__(self) -> Iterator[str]:
        return iter(_parse_spec(self.raw))

    def __len__(self) -> int:
        return len(_parse_spec(self.raw))

    def __repr__(self) -> str:
        return repr(_parse_spec(self.raw))


_share_spec = lru_cache(maxsize=512)(StoredSpec)


def _encode_spec(spec: JsonObject) -> Raw:
    return Raw(spec.raw if isinstance(spec, StoredSpec) else encode_json(dict(spec)))


class StoredEvents(StoredHistory):
    """The history of one record, which names its document when it cannot be read."""

    __slots__ = ("name", "where")

    def __init__(self, raw: bytes, name: str, where: str) -> None:
        super().__init__(raw)
        self.name, self.where = name, where

    def read(self) -> tuple[Event, ...]:
        """The events, decoded anew. Raises ``RegistryError`` RC443."""
        try:
            return tuple([_build_event(shape) for shape in _EVENTS.decode(self.raw)])
        except (ValueError, RecursionError):
            raise formless_error(self.name, self.where) from None


def _encode_history(record: ClientRecord) -> Raw:
    events = record.events
    if isinstance(events, StoredHistory):
        return Raw(events.raw)
    return Raw(encode_json([_shape_event(event) for event in events]))


def _shape_series(series: Series) -> SeriesShape:
    hold = series.hold
    shape = SeriesShape(
        versions=[VersionShape(**encode_version(version)) for version in series.versions],
        last=series.last,
        hold=(
            None
            if hold is None
            else HoldShape(
                version=hold.version,
                reason=hold.reason,
                incident=hold.incident,
                at=iso(hold.at),
            )
        ),
        sum=EDITED,
    )
    shape.sum = EDITED if series.edited else sum_series(shape)
    return shape


def _build_series(shape: SeriesShape) -> Series:
    hold = shape.hold
    edited = shape.sum != sum_series(shape)
    if edited:
        numbers = [version.version for version in shape.versions]
        if numbers != sorted({*numbers}) or not all(0 < one <= shape.last for one in numbers):
            raise ValueError("numbers that no series has")
    return Series(
        versions=tuple([_build_version(version) for version in shape.versions]),
        last=shape.last,
        hold=(
            None
            if hold is None
            else Hold(hold.version, hold.reason, hold.incident, _parse_time(hold.at))
        ),
        edited=edited,
    )


def encode_version(version: Version) -> dict[str, Any]:
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


def _build_version(shape: VersionShape) -> Version:
    grace, revoked, destroyed = shape.grace_until, shape.revoked_at, shape.destroyed_at
    return Version(
        number=shape.version,
        id=shape.id,
        state=shape.state,
        sha256=shape.sha256,
        reason=intern(shape.reason),
        run=intern(shape.run),
        issued_at=_parse_time(shape.issued_at),
        expires_at=_parse_time(shape.expires_at),
        grace_until=None if grace is None else _parse_time(grace),
        revoked_at=None if revoked is None else _parse_time(revoked),
        destroyed_at=None if destroyed is None else _parse_time(destroyed),
        asymmetric=shape.asymmetric,
    )


def _shape_webhook(webhook: WebhookRecord, secret: SeriesShape) -> WebhookShape:
    delivery = webhook.last_delivery
    last: Any = None if delivery is None else encode_delivery(delivery)
    return WebhookShape(
        verified_at=iso_or_none(webhook.verified_at),
        verified_digest=webhook.verified_digest,
        last_delivery=last,
        failing_since=iso_or_none(webhook.failing_since),
        failures=webhook.failures,
        secret=secret,
    )


def _build_webhook(shape: WebhookShape) -> WebhookRecord:
    verified, failing, delivery = shape.verified_at, shape.failing_since, shape.last_delivery
    return WebhookRecord(
        verified_at=None if verified is None else _parse_time(verified),
        verified_digest=shape.verified_digest,
        last_delivery=None if delivery is None else _build_delivery(delivery),
        failing_since=None if failing is None else _parse_time(failing),
        failures=shape.failures,
    )


def _build_delivery(shape: DeliveryShape) -> Delivery:
    return Delivery(
        id=shape.id,
        at=_parse_time(shape.at),
        url=shape.url,
        accepted=shape.accepted,
        status=shape.status,
        latency_ms=shape.latency_ms,
        message=intern(shape.message),
        code=shape.code,
        probes=_parse_probes(bytes(shape.probes)),
    )


@lru_cache(maxsize=512)
def _parse_probes(raw: bytes) -> tuple[ProbeResult, ...]:
    return tuple(
        ProbeResult(one.probe, one.demand, one.passed, one.code, one.message)
        for one in _PROBES.decode(raw)
    )


def encode_event(event: Event) -> bytes:
    """The canonical JSON of an event, as it stands in its record."""
    return encode_json(_shape_event(event))


def _shape_event(event: Event) -> EventShape:
    return EventShape(
        seq=event.seq,
        at=iso(event.at),
        run=event.run,
        kind=event.kind,
        address=event.address,
        reason=event.reason,
        message=event.message,
        detail=dict(event.detail),
    )


def _build_event(shape: EventShape) -> Event:
    return Event(
        seq=shape.seq,
        at=_parse_time(shape.at),
        run=shape.run,
        kind=shape.kind,
        address=Address.read(shape.address),
        reason=shape.reason,
        message=shape.message,
        detail=shape.detail,
    )
