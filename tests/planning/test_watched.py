"""A watched instant says until when every answer that it gave holds."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.quiet.watched import Untracked, Watched

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECONDS = st.integers(-200_000, 200_000).map(lambda count: timedelta(seconds=count))
COMPARED = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


def steps() -> st.SearchStrategy[Callable[[datetime], object]]:
    """A question that an answer may depend on."""
    compare = st.builds(
        lambda how, moved, limit, turned: (
            lambda now: how(NOON + limit, now + moved) if turned else how(now + moved, NOON + limit)
        ),
        st.sampled_from(COMPARED),
        SECONDS,
        SECONDS,
        st.booleans(),
    )
    day = st.builds(lambda moved: lambda now: (now - moved).date(), SECONDS)
    least = st.builds(
        lambda limit, other: lambda now: min(NOON + limit, now) <= NOON + other, SECONDS, SECONDS
    )
    return compare | day | least


@given(st.lists(steps(), max_size=6), st.floats(0, 1))
def test_before_that_instant_each_answer_is_the_same(
    questions: list[Callable[[datetime], object]], share: float
) -> None:
    watched = Watched.at(NOON)
    answers = [ask(watched) for ask in questions]
    assert answers == [ask(NOON) for ask in questions]
    until = watched.until or NOON + timedelta(days=365)
    assert until > NOON
    later = NOON + timedelta(seconds=int((until - NOON).total_seconds() * share))
    for instant in {later, until - timedelta(seconds=1)}:
        if NOON <= instant < until:
            assert [ask(instant) for ask in questions] == answers


@given(st.sampled_from(COMPARED), SECONDS)
def test_it_does_not_end_sooner_than_it_must(
    how: Callable[[datetime, datetime], bool], limit: timedelta
) -> None:
    """What lies in the past never ends; what lies ahead ends within a second of it."""
    watched = Watched.at(NOON)
    how(watched, NOON + limit)
    if limit < timedelta():
        assert watched.until is None
    elif limit > timedelta():
        assert watched.until == NOON + limit


def test_what_is_not_asked_never_ends() -> None:
    assert Watched.at(NOON).until is None
    assert (Watched.at(NOON) + HOUR).until is None


def test_a_day_ends_at_midnight() -> None:
    watched = Watched.at(NOON)
    assert (watched - 2 * HOUR).date() == date(2026, 11, 30)
    assert watched.until == datetime(2026, 12, 1, 2, tzinfo=UTC)


USES: dict[str, Callable[[Any], object]] = {
    "difference": lambda now: now - NOON,
    "difference to": lambda now: NOON - now,
    "two of them": lambda now: now < now + HOUR,
    "text": str,
    "repr": repr,
    "format": lambda now: f"{now:%H}",
    "hash": hash,
    "hour": lambda now: now.hour,
    "year": lambda now: now.year,
    "zone": lambda now: now.tzinfo,
    "astimezone": lambda now: now.astimezone(UTC),
    "timestamp": lambda now: now.timestamp(),
    "weekday": lambda now: now.weekday(),
    "replace": lambda now: now.replace(microsecond=0),
    "time": lambda now: now.time(),
    "isoformat": lambda now: now.isoformat(),
}


@pytest.mark.parametrize("use", USES)
def test_what_cannot_be_followed_is_refused(use: str) -> None:
    with pytest.raises(Untracked):
        USES[use](Watched.at(NOON))


def test_nothing_that_a_datetime_can_tell_is_left_out() -> None:
    """Of a later Python either."""
    allowed = {"date", "at", "until", "min", "max", "resolution", "combine"}
    makes = {name for name in dir(datetime) if name.startswith(("from", "utcfrom"))}
    makes |= {"now", "today", "utcnow", "strptime"}
    public = {name for name in dir(Watched) if not name.startswith("_")} - allowed - makes
    for name in public:
        with pytest.raises(Untracked):
            _tell(name)


def _tell(name: str) -> object:
    found = getattr(Watched.at(NOON), name)
    return found()
