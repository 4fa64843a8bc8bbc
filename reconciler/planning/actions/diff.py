"""What changed between a recorded and a declared specification, as before and after."""

from __future__ import annotations

from reconciler.domain.live.record import ENDPOINT_FIELDS
from reconciler.domain.values.canonical import JsonObject


def changed_fields(before: JsonObject, after: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The fields that differ, with their values on each side; a key absent on a side is absent
    there too."""
    names = sorted({*before, *after})
    differing = [name for name in names if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in differing if name in before},
        {name: after[name] for name in differing if name in after},
    )


def client_change(before: JsonObject, after: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Changes of the client itself: everything but endpoints, and webhooks that come or go, which
    have actions of their own."""
    kept = set(before.get("webhooks") or {}) & set(after.get("webhooks") or {})
    return changed_fields(_without_endpoints(before, kept), _without_endpoints(after, kept))


def _without_endpoints(spec: JsonObject, kept: set[str]) -> JsonObject:
    webhooks = {
        name: {field: value for field, value in webhook.items() if field not in ENDPOINT_FIELDS}
        for name, webhook in (spec.get("webhooks") or {}).items()
        if name in kept
    }
    return {**spec, "webhooks": {name: rest for name, rest in webhooks.items() if rest}}
