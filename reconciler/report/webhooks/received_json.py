"""What ``listen --format json`` prints: one document a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from reconciler.domain.declared.schemes import Scheme
from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.values import canonical
from reconciler.domain.values.canonical import Json, JsonObject
from reconciler.report.text.document import DOCUMENT_VERSION
from reconciler.report.webhooks.received import body_json, body_text, cut, show_headers
from reconciler.webhooks.signature.receiving import HeldSecret, Received

# A larger body is shown by its beginning.
WHOLE_BODY = 64 * 1024
EXCERPT = 4096


def listening_line(url: str, scheme: Scheme, held: Sequence[HeldSecret]) -> str:
    """The first line: where deliveries may be sent, and what they are verified with."""
    secrets: list[Json] = [{"source": one.source, "version": one.version} for one in held]
    return _line("listening", {"url": url, "scheme": scheme.name, "secrets": secrets})


def received_line(received: Received, scheme: Scheme) -> str:
    """One delivery."""
    judgement = received.judgement
    by = judgement.by
    return _line(
        "received",
        {
            "number": received.number,
            "at": canonical.iso(received.at),
            "method": received.method,
            "path": cut(mask_secrets(received.path)),
            "headers": dict(show_headers(received.headers, scheme)),
            "body": _body(received.body),
            "accepted": judgement.accepted,
            "reason": judgement.reason,
            "message": judgement.message,
            "remedy": judgement.remedy,
            "secret": (
                {"number": judgement.number, "source": by.source, "version": by.version}
                if by
                else None
            ),
            "test": judgement.test,
            "as_it_should_be": judgement.as_it_should_be,
            "status": received.status,
        },
    )


def _body(body: bytes) -> JsonObject:
    whole = len(body) <= WHOLE_BODY
    is_json, value = body_json(body) if whole else (False, None)
    text = None if is_json else body_text(body)
    return {
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "is_json": is_json,
        "json": value,
        "text": text if text is None or whole else text[:EXCERPT],
        "truncated": not whole,
    }


def _line(kind: str, content: JsonObject) -> str:
    """ASCII only, so that no character of a sender is taken for another or ends the line."""
    return json.dumps(
        {"format_version": DOCUMENT_VERSION, "kind": kind, **content}, allow_nan=False
    )
