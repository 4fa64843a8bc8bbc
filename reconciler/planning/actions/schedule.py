"""When a rotation is due: before expiry, spread by address, inside windows, outside freezes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Lifecycle
from reconciler.domain.values.canonical import iso
from reconciler.domain.values.window import Freeze

# Keys issued on one day must not fall due on one day: up to a tenth of the lifetime earlier, never
# later, so that the promised renew-before is never eaten into. Short-lived keys are not spread.
SPREAD_SHARE = 10
SPREAD_FROM = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """Whether to rotate now, and why or why not. ``at`` is when the rotation falls due."""

    now: bool
    at: datetime
    sentence: str


def spread_of(address: str, lifecycle: Lifecycle) -> timedelta:
    """How much earlier the key at ``address`` is rotated: the same for every run, whole seconds.

    At most a tenth of the lifetime and half of the time before renewal; zero below a day.
    """
    if lifecycle.lifetime < SPREAD_FROM:
        return timedelta()
    widest = min(
        lifecycle.lifetime / SPREAD_SHARE, (lifecycle.lifetime - lifecycle.renew_before) / 2
    )
    share = int.from_bytes(hashlib.sha256(address.encode()).digest()[:4], "big") / 2**32
    return timedelta(seconds=int(widest.total_seconds() * share))


def rotation_due(
    address: str,
    lifecycle: Lifecycle,
    expires_at: datetime,
    now: datetime,
    freezes: Sequence[Freeze],
) -> Due:
    """Due at ``expires_at - renew_before - spread``; moved to the latest opening before that when
    that instant is closed, else to the first after it; expiry beats windows and freezes."""
    base = expires_at - lifecycle.renew_before - spread_of(address, lifecycle)
    earliest = max(base - min(_reach(freezes), lifecycle.lifetime), expires_at - lifecycle.lifetime)
    if now < earliest:  # spares the calendar arithmetic for most keys of most runs
        return Due(False, base, f"due {iso(base)}, expires {iso(expires_at)}")
    at = _open_at_or_before(base, earliest, lifecycle, freezes) or base
    if now < at:
        return Due(False, at, f"due {iso(at)}, expires {iso(expires_at)}")
    if _is_open(now, lifecycle, freezes):
        return Due(True, at, f"due since {iso(at)}, expires {iso(expires_at)}")
    following = _next_opening(now, expires_at, lifecycle, freezes)
    if following is not None:
        return Due(
            False, following, f"due since {iso(at)}, waits for {iso(following)} (window or freeze)"
        )
    return Due(
        True, at, f"due since {iso(at)}; no window opens before it expires {iso(expires_at)}"
    )


def _is_open(instant: datetime, lifecycle: Lifecycle, freezes: Sequence[Freeze]) -> bool:
    if any(freeze.covers(instant) for freeze in freezes):
        return False
    window = lifecycle.window
    if window is None:
        return True
    first = (instant - timedelta(days=2)).date()
    return any(opens <= instant < closes for opens, closes in window.spans(first, 4))


def _reach(freezes: Sequence[Freeze]) -> timedelta:
    """How far before an instant the latest opening can lie: a week, and all freezes if they touch
    it."""
    return timedelta(days=8) + sum((freeze.end - freeze.start for freeze in freezes), timedelta())


def _open_at_or_before(
    instant: datetime,
    earliest: datetime,
    lifecycle: Lifecycle,
    freezes: Sequence[Freeze],
) -> datetime | None:
    """``instant`` itself when open; else the start of the latest opening after ``earliest``, None
    when none.

    An opening longer than a day counts by its last day: before a freeze, that is the day before it.
    """
    if _is_open(instant, lifecycle, freezes):
        return instant
    openings = [
        max(start, end - timedelta(days=1))
        for start, end in _stretches(earliest, instant, lifecycle, freezes)
    ]
    return max((start for start in openings if start > earliest), default=None)


def _next_opening(
    instant: datetime,
    limit: datetime,
    lifecycle: Lifecycle,
    freezes: Sequence[Freeze],
) -> datetime | None:
    """The first open instant after ``instant`` and before ``limit``."""
    return next((start for start, _ in _stretches(instant, limit, lifecycle, freezes)), None)


def _stretches(
    start: datetime,
    end: datetime,
    lifecycle: Lifecycle,
    freezes: Sequence[Freeze],
) -> list[tuple[datetime, datetime]]:
    """The open stretches between ``start`` and ``end``, freezes cut out, in order."""
    window = lifecycle.window
    if window is None:
        spans = [(start, end)]
    else:
        first = (start - timedelta(days=2)).date()
        spans = list(window.spans(first, (end.date() - first).days + 3))
    for freeze in freezes:
        spans = [piece for span in spans for piece in _cut(span, freeze)]
    clipped = [(max(opens, start), min(closes, end)) for opens, closes in spans]
    return sorted((opens, closes) for opens, closes in clipped if opens < closes)


def _cut(span: tuple[datetime, datetime], freeze: Freeze) -> list[tuple[datetime, datetime]]:
    opens, closes = span
    if freeze.end <= opens or closes <= freeze.start:
        return [span]
    pieces = [(opens, freeze.start), (freeze.end, closes)]
    return [(first, last) for first, last in pieces if first < last]
