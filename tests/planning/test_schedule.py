"""When a rotation falls due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.desired import Lifecycle
from reconciler.domain.values.window import Freeze, Window, parse_window
from reconciler.planning.actions.schedule import rotation_due, spread_of
from tests.kit.worlds.declared import lifecycle

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ADDRESS = "client/a/key/k"
# A lifetime under a day: nothing is spread, so that instants can be named. Renewed at 10:00 for
# 16:00.
SHORT = lifecycle("12h", "6h", "1h")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def long(window: str | None = None) -> Lifecycle:
    return lifecycle("20d", "6d", "1h", window=parse_window(window) if window else None)


def moved(
    window: str | None, expires: datetime, now: datetime, *freezes: Freeze
) -> tuple[bool, datetime]:
    """With the spread taken out of the way: expiry is set so that the base is ``expires - 6
    days``."""
    due = rotation_due(ADDRESS, long(window), expires + spread_of(ADDRESS, long()), now, freezes)
    return due.now, due.at


def at(day: int, hour: float = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


OFFICE = "Mon-Fri 09:00-16:00"
YEAR_END = Freeze(at(-4), at(3), "year end")
CASES = [
    # base is Monday 12:00
    ("before", None, at(0, 11), (), False, at(0, 12)),
    ("at", None, at(0, 12), (), True, at(0, 12)),
    ("after", None, at(3), (), True, at(0, 12)),
    ("open window", OFFICE, at(0, 12), (), True, at(0, 12)),
    (
        "base outside: the latest opening before",
        "Mon-Fri 09:00-11:00",
        at(0, 9),
        (),
        True,
        at(0, 9),
    ),
    ("before that opening", "Mon-Fri 09:00-11:00", at(0, 8.9), (), False, at(0, 9)),
    ("on a weekend base goes to Friday", "Thu 09:00-10:00", at(-4, 9.5), (), True, at(-4, 9)),
    ("missed: the first opening after", "Mon-Fri 09:00-11:00", at(0, 13), (), False, at(1, 9)),
    ("missed: in that opening", "Mon-Fri 09:00-11:00", at(1, 9), (), True, at(0, 9)),
    ("overnight", "Sun 22:00-13:00", at(0, 12), (), True, at(0, 12)),
    ("frozen: the day before the freeze", None, at(-5), (YEAR_END,), True, at(-5)),
    ("frozen: not before that", None, at(-5, -1), (YEAR_END,), False, at(-5)),
    ("frozen: missed, waits for the end", None, at(1), (YEAR_END,), False, at(3)),
    ("frozen: after it", None, at(3), (YEAR_END,), True, at(-5)),
    (
        "frozen past expiry: expiry beats freezes",
        None,
        at(1),
        (Freeze(at(-30), at(30), "x"),),
        True,
        at(0, 12),
    ),
    (
        "missed: waits for the last opening before expiry",
        "Sun 01:00-02:00",
        at(4, 1),
        (),
        False,
        at(6, 1),
    ),
]


@pytest.mark.parametrize(
    ("name", "window", "now", "freezes", "due", "when"), CASES, ids=[case[0] for case in CASES]
)
def test_cases(
    name: str,
    window: str | None,
    now: datetime,
    freezes: tuple[Freeze, ...],
    due: bool,
    when: datetime,
) -> None:
    assert moved(window, at(6, 12), now, *freezes) == (due, when)


def test_a_window_that_never_opens_before_expiry_does_not_hold_it_back() -> None:
    due = rotation_due(
        ADDRESS,
        lifecycle("12h", "6h", window=parse_window("Sun 01:00-02:00")),
        at(0, 16),
        at(0, 10),
        (),
    )
    assert due.now
    assert "no window" in due.sentence


WINDOWS = st.sampled_from(
    [None, OFFICE, "daily 22:00-04:00", "Sat 01:00-02:00", "Mon-Fri 09:00-16:00 Europe/London"]
)
LIVES = st.integers(1, 400).flatmap(
    lambda life: st.tuples(st.just(life), st.integers(1, max(1, life - 1)))
)
FREEZES = st.lists(
    st.tuples(st.integers(-400, 400), st.integers(1, 40)).map(
        lambda pair: Freeze(at(pair[0]), at(pair[0] + pair[1]), "frozen")
    ),
    max_size=3,
)


def cycle(life: tuple[int, int], window: str | None) -> Lifecycle:
    hours, renew = life
    parsed: Window | None = parse_window(window) if window else None
    return Lifecycle(timedelta(days=hours), timedelta(hours=24 * renew - 12), timedelta(), parsed)


@given(LIVES, WINDOWS, FREEZES, st.integers(-2000, 2000), st.text(max_size=5))
def test_laws(
    life: tuple[int, int], window: str | None, freezes: list[Freeze], hours: int, address: str
) -> None:
    one = cycle(life, window)
    issued = at(0)
    expires = issued + one.lifetime
    now = issued + timedelta(hours=hours)
    due = rotation_due(address, one, expires, now, freezes)
    base = expires - one.renew_before
    if now >= expires:
        assert due.now, "expiry beats windows and freezes"
    frozen = any(freeze.covers(now) for freeze in freezes)
    if due.now and frozen:
        assert "no window" in due.sentence
    if window is None and not freezes:
        assert due.now is (now >= base - spread_of(address, one))
        assert due.at <= base, "never later than renew-before promises"


@given(LIVES, WINDOWS, FREEZES, st.text(max_size=5))
def test_a_version_just_issued_is_not_due(
    life: tuple[int, int], window: str | None, freezes: list[Freeze], address: str
) -> None:
    """Else it would be rotated for ever."""
    one = cycle(life, window)
    issued = at(0, 10)
    assert not rotation_due(address, one, issued + one.lifetime, issued, freezes).now


@given(st.text(max_size=10), LIVES)
def test_spread(address: str, life: tuple[int, int]) -> None:
    one = cycle(life, None)
    found = spread_of(address, one)
    assert timedelta() <= found <= min(one.lifetime / 10, (one.lifetime - one.renew_before) / 2)
    assert found == spread_of(address, one)
    assert found.microseconds == 0


def test_keys_of_one_day_do_not_fall_due_on_one_day() -> None:
    days = {spread_of(f"client/c{number}/key/primary", lifecycle()).days for number in range(500)}
    assert days == set(range(9))


def test_short_lives_are_not_spread() -> None:
    assert spread_of(ADDRESS, SHORT) == timedelta()
    due = rotation_due(ADDRESS, SHORT, at(0, 16), at(0, 10), ())
    assert (due.now, due.at) == (True, at(0, 10))
    assert not rotation_due(ADDRESS, SHORT, at(0, 16), at(0, 10) - timedelta(seconds=1), ()).now
