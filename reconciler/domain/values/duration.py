"""Durations as they are written: ``90d``, ``72h``, ``15m``, ``10s``; never a bare number."""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = r"^(0|[1-9][0-9]{0,8})(s|m|h|d)$"
_PATTERN = re.compile(PATTERN)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# 100 years: a longer one is a slip of the finger, and would overflow datetime arithmetic.
LONGEST_DURATION = timedelta(days=36525)


def parse_duration(text: str) -> timedelta:
    """``"90d"`` → 90 days. Raises ``ValueError`` with a sentence for anything else.

    >>> parse_duration("90d").days
    90
    >>> parse_duration("1h30m")
    Traceback (most recent call last):
    ValueError: '1h30m' is not a duration: write a whole number and a unit, such as 90d, 72h, 15m or 10s
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration: write a whole number and a unit, such as 90d, 72h, 15m"
            " or 10s"
        )
    result = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if result > LONGEST_DURATION:
        raise ValueError(f"{text!r} is longer than 100 years")
    return result


def format_duration(value: timedelta) -> str:
    """The shortest spelling with one unit.

    >>> format_duration(timedelta(hours=48)), format_duration(timedelta(seconds=90))
    ('2d', '90s')
    """
    seconds = int(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
