"""The body of a test delivery."""

from __future__ import annotations

import re
from datetime import datetime

from reconciler.domain.declared.desired import DesiredWebhook
from reconciler.domain.values import canonical
from reconciler.domain.values.canonical import JsonObject

# Standard Webhooks asks for payloads under 20 kB.
PAYLOAD_LIMIT = 20_000
FALLBACK_TYPE = "integration.test"
_SEPARATORS = re.compile(r"[._:/-]")


def payload(
    client: str,
    webhook: DesiredWebhook,
    event: str,
    now: datetime,
) -> bytes:
    """The test event of type ``event``: a JSON object ``{type, timestamp, test: true, data}`` in
    UTF-8, under 20 kB.

    ``data`` is the declared example as it is, so that it goes on conforming to its schema. Without
    one (or with one that is too large, which ``validate`` refuses) it is made up, and marked once
    more: a receiver that hands on ``data`` alone still sees that nothing happened.
    """
    declared = next((one.data for one in webhook.payloads if one.event == event), None)
    body = event_body(
        event, _make_up(client, webhook.name, event) if declared is None else declared, now
    )
    if len(body) < PAYLOAD_LIMIT:
        return body
    made_up = event_body(event, _make_up(client, webhook.name, event), now)
    if len(made_up) < PAYLOAD_LIMIT:
        return made_up
    return event_body(FALLBACK_TYPE, _make_up(client, webhook.name, FALLBACK_TYPE), now)


def event_body(event: str, data: JsonObject, now: datetime) -> bytes:
    """The whole body for ``data``, whatever its size. How long it is does not depend on ``now``."""
    value = {"type": event, "timestamp": canonical.iso(now), "test": True, "data": data}
    # A lone surrogate cannot be UTF-8; the receiver gets a question mark rather than nothing.
    return canonical.dumps(value).encode("utf-8", "replace")


def _make_up(client: str, webhook: str, event: str) -> JsonObject:
    """What ``payout.settled`` could hold: an object with an id and its new status.

    Always the same for one event.
    """
    parts = [part for part in _SEPARATORS.split(event) if part] or [event]
    number = canonical.digest([client, webhook, event]).removeprefix("sha256:")[:12]
    return {
        "test": True,
        "id": f"test_{number}",
        "object": parts[0],
        "status": parts[-1],
        "client": client,
        "webhook": webhook,
        "message": "A test delivery. Nothing happened. Answer with a 2xx status.",
    }
