"""Stored buckets for tests: decoded whole, and made of records and of what others wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from reconciler.domain.kinds.credentials import list_kinds
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.values.canonical import dumps
from reconciler.registry.codec import bucket_codec
from reconciler.registry.codec.record_codec import sum_record
from reconciler.registry.codec.shapes import record_decoder


def decode_bucket(
    text: str | None, owner: str, where: str = "a bucket"
) -> tuple[dict[str, ClientRecord], dict[str, Any]]:
    """The records of ``owner``, each decoded, with its history; those of others as JSON."""
    stored = bucket_codec.read_bucket(text, owner, where)
    records = {name: one.decode() for name, one in stored.records.items()}
    for record in records.values():
        tuple(record.events)
    return records, {name: json.loads(bytes(stored.raw[name])) for name in stored.foreign}


def encode_bucket(
    records: Mapping[str, ClientRecord], foreign: Mapping[str, Any] | None = None
) -> str:
    """``foreign``: records of others, as JSON."""
    others = {name: store(one) for name, one in (foreign or {}).items()}
    return bucket_codec.encode_bucket(records, others)


def store(value: Any) -> Raw:
    """JSON as a bucket holds it."""
    return Raw(dumps(value).encode())


def seal(record: Mapping[str, Any]) -> str:
    """The checksum of what somebody put in the place of a record."""
    kinds = list_kinds()
    return sum_record(record_decoder(kinds).decode(dumps(record)), kinds)
