"""When a rotation may happen: weekly windows and freezes. Pure calendar arithmetic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from reconciler.dataclass import dataclass

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW = re.compile(
    r"^(?P<days>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[-,](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))*|daily)"
    r" (?P<start>[0-2][0-9]:[0-5][0-9])-(?P<end>[0-2][0-9]:[0-5][0-9])(?:"
    r" (?P<zone>[A-Za-z0-9_+/-]+))?$"
)


@dataclass(frozen=True, slots=True)
class Window:
    """A weekly window such as ``Mon-Fri 09:00-16:00 Europe/London``; the zone defaults to UTC.

    An end at or before the start lies on the next day: ``Sat 22:00-04:00``.
    """

    days: frozenset[int]
    start: time
    end: time
    zone: ZoneInfo
    text: str

    def spans(self, first: date, count: int) -> Iterator[tuple[datetime, datetime]]:
        """The open spans, in UTC, of ``count`` local days from ``first`` on."""
        for offset in range(count):
            day = first + timedelta(days=offset)
            if day.weekday() not in self.days:
                continue
            last = day if self.end > self.start else day + timedelta(days=1)
            begin, end = datetime.combine(day, self.start), datetime.combine(last, self.end)
            opens, closes = _instant(begin, self.zone), _instant(end, self.zone)
            # Where a clock change skips all of it, it opens after the change, for as long as ever.
            yield opens, closes if closes > opens else opens + (end - begin)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of ``zone`` show ``local``; the next instant that they show when they skip
    it."""
    after = local.replace(tzinfo=zone).astimezone(UTC)
    if after.astimezone(zone).replace(tzinfo=None) == local:
        return after
    # With the offset before the change it lies after the change, with that after it before.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


@cache
def _zones() -> frozenset[str]:
    """The names of IANA's database.

    A machine has others: localtime, posixrules, right/…, posix/…
    """
    names = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {"Factory"}


@dataclass(frozen=True, slots=True)
class Freeze:
    """No declared change between ``start`` and ``end`` (UTC, ``end`` exclusive)."""

    start: datetime
    end: datetime
    reason: str

    def covers(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def parse_window(text: str) -> Window:
    """Raises ``ValueError`` with a sentence that says what is wrong.

    >>> from reconciler.domain.values.canonical import iso
    >>> window = parse_window("Sat 22:00-04:00 Europe/London")
    >>> [[iso(limit) for limit in span] for span in window.spans(date(2026, 7, 3), 3)]
    [['2026-07-04T21:00:00Z', '2026-07-05T03:00:00Z']]
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not a window: write for example Mon-Fri 09:00-16:00 Europe/London"
        )
    try:
        start, end = time.fromisoformat(match["start"]), time.fromisoformat(match["end"])
    except ValueError:
        raise ValueError(f"{text!r} names a time that does not exist: hours are 00 to 23") from None
    zone = match["zone"] or "UTC"
    if zone not in _zones():
        raise ValueError(
            f"{zone!r} is not a known time zone: write an IANA name such as Europe/London"
        )
    return Window(
        _parse_days(match["days"]),
        start,
        end,
        ZoneInfo(zone),
        text,
    )


def _parse_days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2:
            raise ValueError(f"{part!r} is not a range of days: write Mon-Fri")
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(days)


def parse_freeze(start: str, end: str, reason: str) -> Freeze:
    """``from`` and ``to`` are dates (``to`` included, UTC) or instants with a zone.

    Raises ``ValueError``.

    >>> freeze = parse_freeze("2026-12-24", "2026-12-26", "the holidays")
    >>> freeze.covers(datetime(2026, 12, 26, 23, 59, tzinfo=UTC)), freeze.end.day
    (True, 27)
    """
    opens, closes = _parse_limit(start, whole_day=False), _parse_limit(end, whole_day=True)
    if closes <= opens:
        raise ValueError(f"the freeze ends ({end}) before it begins ({start})")
    return Freeze(opens, closes, reason)


def _parse_limit(text: str, *, whole_day: bool) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1) if whole_day else day
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a date: write 2026-12-24 or 2026-12-24T18:00:00Z"
        ) from None
    raise ValueError(f"{text!r} has no time zone: write 2026-12-24T18:00:00Z")
