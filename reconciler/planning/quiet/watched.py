"""A time that notes what it is compared with, so that it is known until when an answer holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NoReturn, Self


class Untracked(Exception):
    """The time was used in a way of which it cannot be said how long its result stays the same."""


class Watched(datetime):
    """An instant in UTC. Whoever computes with it may compare it, move it by a duration and ask for
    its date: every later instant at which one of the answers would be another one is noted. Any
    other use raises ``Untracked``.

    A computation that is a function of such answers has the same result at every instant before
    ``until``.
    """

    _instant: datetime  # the same one, which nobody watches
    _noted: list[datetime]  # shared with what is made by moving it
    _moved: timedelta

    @classmethod
    def at(cls, instant: datetime) -> Self:
        """``instant``, watched from now on."""
        return cls._make(instant, [], timedelta())

    @classmethod
    def _make(
        cls,
        instant: datetime,
        noted: list[datetime],
        moved: timedelta,
    ) -> Self:
        made = cls.combine(instant.date(), instant.timetz())
        return made._watch(instant, noted, moved)  # noqa: SLF001 - of its own

    def _watch(
        self,
        instant: datetime,
        noted: list[datetime],
        moved: timedelta,
    ) -> Self:
        self._instant, self._noted, self._moved = instant, noted, moved
        return self

    @property
    def until(self) -> datetime | None:
        """The first instant at which some answer would be another one; None: at none."""
        return min(self._noted, default=None)

    def _note(self, other: datetime) -> datetime:
        """Compared with ``other``: an answer changes when this instant reaches it, and the moment
        after. Returns the instant to compare."""
        plain = self._instant
        for limit in (other, other + timedelta(microseconds=1)):
            if limit > plain:
                self._noted.append(limit - self._moved)
        return plain

    def __lt__(self, other: date) -> bool:
        return self._note(_take_instant(other)) < _take_instant(other)

    def __le__(self, other: date) -> bool:
        return self._note(_take_instant(other)) <= _take_instant(other)

    def __gt__(self, other: date) -> bool:
        return self._note(_take_instant(other)) > _take_instant(other)

    def __ge__(self, other: date) -> bool:
        return self._note(_take_instant(other)) >= _take_instant(other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, datetime):
            return False
        return self._note(_take_instant(other)) == _take_instant(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        raise Untracked("a hash")

    def __add__(self, other: timedelta) -> Self:
        return self._make(self._instant + other, self._noted, self._moved + other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if not isinstance(other, timedelta):
            raise Untracked("a difference")
        return self + -other

    def date(self) -> date:
        """Its day in UTC, which is another one from midnight on."""
        today = self._instant.date()
        midnight = datetime.combine(today + timedelta(days=1), time(), UTC)
        self._noted.append(midnight - self._moved)
        return today


def _take_instant(other: date) -> datetime:
    if isinstance(other, Watched) or not isinstance(other, datetime):
        raise Untracked("another watched instant, or a day")
    return other


def _refuse(name: str) -> Any:
    def refuse(
        self: Watched,
        *_: object,
        **__: object,
    ) -> NoReturn:
        raise Untracked(name)

    return refuse


# Whatever else a datetime can tell.
for _name in (
    "__rsub__",
    "__str__",
    "__repr__",
    "__format__",
    "__reduce__",
    "__reduce_ex__",
    "astimezone",
    "ctime",
    "dst",
    "isocalendar",
    "isoformat",
    "isoweekday",
    "replace",
    "strftime",
    "time",
    "timestamp",
    "timetuple",
    "timetz",
    "toordinal",
    "tzname",
    "utcoffset",
    "utctimetuple",
    "weekday",
):
    setattr(Watched, _name, _refuse(_name))
for _name in ("day", "fold", "hour", "microsecond", "minute", "month", "second", "tzinfo", "year"):
    setattr(Watched, _name, property(_refuse(_name)))
