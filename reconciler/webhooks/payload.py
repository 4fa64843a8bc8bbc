"""The body of a test delivery."""

from __future__ import annotations

from datetime import datetime

from reconciler.domain import canonical
from reconciler.domain.canonical import Json
from reconciler.domain.desired import DesiredWebhook

# Standard Webhooks asks for payloads under 20 kB.
LIMIT = 20_000
FALLBACK_TYPE = "integration.test"


def payload(client: str, webhook: DesiredWebhook, event: str, now: datetime) -> bytes:
    """A JSON object ``{type, timestamp, test: true, data: {…}}`` in UTF-8, under 20 kB."""
    example = next((one.data for one in webhook.payloads if one.event == event and one.data is not None), None)
    made = {
        "test": True,
        "client": client,
        "webhook": webhook.name,
        "message": "A test delivery. Nothing happened. Answer with a 2xx status.",
    }
    body = _body(event, example or made, now)
    return body if len(body) < LIMIT else _body(FALLBACK_TYPE, made, now)


def _body(event: str, data: Json, now: datetime) -> bytes:
    value = {"type": event, "timestamp": canonical.iso(now), "test": True, "data": data}
    # A lone surrogate cannot be UTF-8; the receiver gets a question mark rather than nothing.
    return canonical.dumps(value).encode("utf-8", "replace")
