"""One client's record as JSON: what ``status`` shows and what the audit report keeps."""

from __future__ import annotations

from typing import Any

from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET, CredentialKind
from reconciler.domain.live.record import ClientRecord, Series
from reconciler.domain.values.canonical import Json, iso, iso_or_none
from reconciler.registry.codec.proof_codec import encode_delivery
from reconciler.registry.codec.record_codec import encode_version


def client_document(record: ClientRecord) -> dict[str, Json]:
    """Identifiers, states, hashes and dates; a record holds no secret."""
    return {
        "name": record.name,
        "status": record.status.value,
        "revision": record.revision,
        "protect": record.protect,
        "edited": record.edited,
        "scopes": list(record.spec.get("scopes") or ()),
        KEY.section: [],
        "webhooks": [_webhook(record, name) for name in sorted(record.webhooks)],
        **_credentials(record),
    }


def _credentials(record: ClientRecord) -> dict[str, list[Json]]:
    """By their section: those that belong to the client itself."""
    found: dict[str, list[Json]] = {}
    for kind, name, series in record.all_series():
        if not kind.part:
            found.setdefault(kind.section, []).append(_credential(record, kind, name, series))
    return found


def _credential(
    record: ClientRecord,
    kind: CredentialKind,
    name: str,
    series: Series,
) -> dict[str, Json]:
    return {
        "name": name,
        "path": record.secret_path(kind, name),
        "edited": series.edited,
        "hold": hold_document(series),
        "versions": [encode_version(version) for version in series.versions],
    }


def _webhook(record: ClientRecord, name: str) -> dict[str, Json]:
    webhook, secret = record.webhooks[name], record.series_of(SIGNING_SECRET, name)
    return {
        "name": name,
        "url": webhook_url(record, name),
        "path": record.secret_path(SIGNING_SECRET, name),
        "verified_at": iso_or_none(webhook.verified_at),
        "last_delivery": (
            None if webhook.last_delivery is None else encode_delivery(webhook.last_delivery)
        ),
        "failing_since": iso_or_none(webhook.failing_since),
        "failures": webhook.failures,
        "edited": secret.edited,
        "hold": hold_document(secret),
        "secrets": [encode_version(version) for version in secret.versions],
    }


def webhook_url(record: ClientRecord, name: str) -> str | None:
    """The URL as recorded; None when the record does not declare the webhook any more."""
    declared: Any = (record.spec.get("webhooks") or {}).get(name) or {}
    url = declared.get("url")
    return None if url is None else str(url)


def hold_document(series: Series) -> dict[str, Json] | None:
    hold = series.hold
    if hold is None:
        return None
    return {
        "version": hold.version,
        "reason": hold.reason,
        "incident": hold.incident,
        "at": iso(hold.at),
    }
