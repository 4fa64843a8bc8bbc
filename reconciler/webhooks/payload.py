"""The body of a test delivery."""

from __future__ import annotations

from datetime import datetime

from reconciler.domain import canonical
from reconciler.domain.desired import DesiredWebhook

# Standard Webhooks asks for payloads under 20 kB.
LIMIT = 20_000
FALLBACK_TYPE = "integration.test"


def sample_payload(client: str, webhook: DesiredWebhook, now: datetime) -> bytes:
    """A JSON object ``{type, timestamp, test: true, data: {test: true, …}}`` in UTF-8, under 20 kB.

    ``type`` is the first declared event, so that the receiver's own routing is exercised. It is marked twice:
    a receiver that hands on ``data`` alone still sees that nothing happened.
    """
    event = webhook.events[0] if webhook.events else FALLBACK_TYPE
    body = _body(event, client, webhook.name, now)
    return body if len(body) < LIMIT else _body(FALLBACK_TYPE, client, webhook.name, now)


def _body(event: str, client: str, webhook: str, now: datetime) -> bytes:
    value = {
        "type": event,
        "timestamp": canonical.iso(now),
        "test": True,
        "data": {
            "test": True,
            "client": client,
            "webhook": webhook,
            "message": "A test delivery. Nothing happened. Answer with a 2xx status.",
        },
    }
    # A lone surrogate cannot be UTF-8; the receiver gets a question mark rather than nothing.
    return canonical.dumps(value).encode("utf-8", "replace")
