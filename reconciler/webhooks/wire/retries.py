"""Whether a delivery is tried again, and after how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.webhooks.wire.http import HttpFailure, HttpResponse

# Standard Webhooks asks for hours; a run has seconds, and the next one goes on. Doubles from
# attempt to attempt.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
# Failures that another try may not meet: no answer yet, or none in time.
_PASSING_FAILURES = frozenset({"RC502", "RC505", "RC510", "RC511"})
_PASSING_STATUSES = frozenset({408, 425, 429})


def may_pass(answer: HttpResponse | HttpFailure) -> bool:
    """Whether the same delivery may fare otherwise a moment later: it is not refused, there is no
    answer yet."""
    if isinstance(answer, HttpFailure):
        return answer.code in _PASSING_FAILURES
    return answer.status in _PASSING_STATUSES or 500 <= answer.status <= 599


def pause_after(number: int, answer: HttpResponse | HttpFailure, now: datetime) -> float:
    """Seconds to wait after attempt ``number`` (from 1) before the next; what the receiver asks
    for, if that is more. The driver adds jitter downwards to our own pauses only, so it never comes
    before ``Retry-After`` (RFC 9110 10.2.3).
    """
    own = min(FIRST_PAUSE * 2.0 ** (number - 1), LONGEST_PAUSE)
    return max(own, read_delay(answer.headers, now) if isinstance(answer, HttpResponse) else 0.0)


def read_delay(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until the time that ``Retry-After`` names, as a number or as a date; 0 for none or
    nonsense."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else float("inf")
    try:
        at: datetime = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(float((aware - now).total_seconds()), 0.0)
