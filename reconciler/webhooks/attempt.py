"""One attempt of one delivery: a generator that yields a request, receives what came of it, returns a verdict."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.desired import DesiredWebhook
from reconciler.domain.schemes import faults
from reconciler.domain.secret import Secret
from reconciler.webhooks.codes import sentence
from reconciler.webhooks.endpoint import parse_endpoint
from reconciler.webhooks.http import HttpFailure, HttpRequest, HttpResponse
from reconciler.webhooks.payload import sample_payload
from reconciler.webhooks.signing import sign

_MESSAGE_ID = re.compile(r"msg_[0-9A-Za-z]{1,64}\Z")
_HOST = re.compile(r"https?://([a-z0-9.-]{1,253}(?::[0-9]{1,5})?)(?:[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the attempt; ``message`` is one sentence for people."""

    accepted: bool
    status: int | None
    latency_ms: int
    message: str


def attempt(
    client: str, webhook: DesiredWebhook, secrets: Sequence[Secret], message_id: str, now: datetime
) -> Generator[HttpRequest, HttpResponse | HttpFailure, Verdict]:
    """One valid delivery, signed with ``secrets`` (all usable versions of a rotation, the newest first).

    ``message_id`` is ``msg_`` and base62; ``now`` is the server's time and becomes the timestamp.
    Yields at most one request: what cannot be sent is refused before it. Raises ``ValueError`` for a wrong id.
    """
    fault = next(faults(webhook.scheme), None)
    if fault is not None:
        return _unsent("RC519", f"the declared signature cannot be made: {fault[0]}: {fault[1]}")
    if _MESSAGE_ID.match(message_id) is None:
        raise ValueError("a message id reads msg_ and base62")
    body = sample_payload(client, webhook, now)
    try:
        parse_endpoint(webhook.url)
    except ValueError as error:
        return _unsent("RC501", str(error))
    try:
        signed = sign(webhook.scheme, secrets, message_id, int(now.timestamp()), body)
    except ValueError as error:
        return _unsent("RC500", str(error))
    # Every header is a literal, a number, an encoded HMAC, an id that was checked, or a name, tag or separator that
    # ``faults`` let pass: nothing else that is declared gets into one.
    headers = (("content-type", "application/json"), ("user-agent", "reconciler-webhooks/1"), *signed)
    answer = yield HttpRequest("POST", webhook.url, headers, body, webhook.timeout.total_seconds())
    return judge(answer)


def judge(answer: HttpResponse | HttpFailure) -> Verdict:
    """2xx is accepted; everything else is a failure with a sentence that says what to check."""
    if isinstance(answer, HttpFailure):
        return Verdict(False, answer.status, answer.latency.total, sentence(answer.code, answer.detail))
    status = answer.status
    if 200 <= status <= 299:
        return Verdict(True, status, answer.latency.total, f"the receiver accepted the delivery with {status}")
    code = next((code for first, last, code in _STATUSES if first <= status <= last), "RC518")
    detail = f"the receiver answered {status}{_NAMES.get(status, '')}"
    if code == "RC513":
        detail += _redirect_host(answer.headers)
    return Verdict(False, status, answer.latency.total, sentence(code, detail))


# (first, last, code): the first row that fits decides.
_STATUSES = (
    (300, 399, "RC513"),
    (401, 401, "RC515"),
    (403, 403, "RC515"),
    (410, 410, "RC514"),
    (400, 499, "RC516"),
    (500, 599, "RC517"),
)
_NAMES = {
    400: " (bad request)",
    401: " (unauthorized)",
    403: " (forbidden)",
    404: " (not found)",
    405: " (method not allowed)",
    408: " (request time-out)",
    410: " (gone)",
    413: " (content too large)",
    415: " (unsupported media type)",
    429: " (too many requests)",
    500: " (internal server error)",
    502: " (bad gateway)",
    503: " (service unavailable)",
    504: " (gateway time-out)",
}


def _redirect_host(headers: Mapping[str, str]) -> str:
    """Host and port of an absolute redirect: enough to correct the declaration, too little to carry a token."""
    match = _HOST.match(headers.get("location", ""))
    return f" and points to {match[1]}" if match else ""


def _unsent(code: str, detail: str) -> Verdict:
    return Verdict(False, None, 0, sentence(code, detail))
