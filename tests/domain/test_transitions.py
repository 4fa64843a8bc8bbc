"""The life of a version, as laws over any sequence of transitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.live import transitions
from reconciler.domain.live.record import Series, Version, VersionState
from reconciler.domain.live.transitions import KEPT_REVOKED, TransitionError

NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
DAY = timedelta(days=1)
PENDING, ACTIVE, RETIRING, REVOKED = VersionState
ORDER = {PENDING: 0, ACTIVE: 1, RETIRING: 2, REVOKED: 3}


def version(
    number: int, state: VersionState = PENDING, at: datetime = NOW, life: timedelta = 90 * DAY
) -> Version:
    return Version(number, f"id{number}", state, "0" * 64, "NotIssued", "run", at, at + life)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "activate", "abandon", "retire", "revoke", "destroyed", "hold"]),
        st.integers(0, 6),
        st.integers(0, 40),
        st.integers(0, 50),
    ),
    max_size=40,
)


def taken(series: Series, name: str, number: int, now: datetime, grace: timedelta) -> Series:
    match name:
        case "claim":
            return transitions.claim(
                series, version(series.last + 1, at=now, life=(number + 1) * 10 * DAY)
            )
        case "activate":
            return transitions.activate(series, number, now, grace)
        case "abandon":
            return transitions.abandon(series, number)
        case "retire":
            return transitions.retire(series, number, now, grace)
        case "revoke":
            return transitions.revoke_version(series, number, now)
        case "destroyed":
            return transitions.mark_destroyed(series, number, now)
    return transitions.hold(series, "compromise", None, now)


@given(STEPS)
def test_laws(steps: list[tuple[str, int, int, int]]) -> None:
    series, now, written = Series(), NOW, 0
    for name, number, later, grace in steps:
        now += later * timedelta(hours=12)
        before = series
        try:
            series = taken(series, name, number, now, grace * DAY)
        except TransitionError:
            continue
        assert len(series.in_state(ACTIVE)) <= 1
        assert len(series.in_state(PENDING)) <= 1
        numbers = [one.number for one in series.versions]
        assert numbers == sorted(set(numbers))
        assert all(number <= series.last for number in numbers)
        for one in series.versions:
            old = before.version(one.number)
            if old is not None:
                assert ORDER[old.state] <= ORDER[one.state], (
                    "a life only goes forward, and revoked is its end"
                )
                assert (old.sha256, old.id, old.expires_at, old.issued_at) == (
                    one.sha256,
                    one.id,
                    one.expires_at,
                    one.issued_at,
                )
                assert old.revoked_at in (None, one.revoked_at)
            if one.grace_until is not None:
                assert one.grace_until <= one.expires_at, "a grace never lengthens a life"
            assert (one.state is REVOKED) == (one.revoked_at is not None)
        gone = {one.number for one in before.versions} - {one.number for one in series.versions}
        assert name == "abandon" or all(before.version(one).destroyed_at for one in gone)  # type: ignore[union-attr]
        if name == "activate":
            assert number > written, "a version number that was written is never used again"
            written = number


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 100))
def test_grace(grace: int, age: int, life: int) -> None:
    one = version(1, ACTIVE, life=life * DAY)
    end = transitions.grace_end(one, NOW + age * DAY, grace * DAY)
    assert end <= one.expires_at
    assert end <= NOW + (age + grace) * DAY


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        (PENDING, {"activate", "abandon", "revoke"}),
        (ACTIVE, {"retire", "revoke", "claim"}),
        (RETIRING, {"revoke", "claim"}),
        (REVOKED, {"revoke", "destroyed", "claim"}),
    ],
)
def test_what_may_follow(state: VersionState, allowed: set[str]) -> None:
    series = Series((replace(version(1, state), revoked_at=NOW if state is REVOKED else None),), 1)
    for name in ("claim", "activate", "abandon", "retire", "revoke", "destroyed"):
        if name in allowed:
            taken(series, name, 1, NOW, DAY)
        else:
            with pytest.raises(TransitionError):
                taken(series, name, 1, NOW, DAY)


@pytest.mark.parametrize("name", ["activate", "abandon", "retire", "revoke", "destroyed"])
def test_a_version_that_does_not_exist(name: str) -> None:
    with pytest.raises(TransitionError, match="does not exist"):
        taken(Series(), name, 1, NOW, DAY)


def test_revoking_again_changes_nothing() -> None:
    once = transitions.revoke_version(Series((version(1, ACTIVE),), 1), 1, NOW)
    assert transitions.revoke_version(once, 1, NOW + DAY) == once


def test_a_claimed_number_that_was_used_is_refused() -> None:
    with pytest.raises(TransitionError):
        transitions.claim(Series((), 3), version(3))
    with pytest.raises(TransitionError):
        transitions.claim(Series((), 3), version(4, ACTIVE))


def test_only_the_latest_destroyed_versions_are_kept() -> None:
    count = KEPT_REVOKED + 5
    revoked = tuple(
        replace(version(number, REVOKED), revoked_at=NOW) for number in range(1, count + 1)
    )
    series = Series(revoked, count)
    for number in range(1, count + 1):
        series = transitions.mark_destroyed(series, number, NOW)
    assert [one.number for one in series.versions] == list(range(6, count + 1))
    assert series.last == count


def test_a_hold_names_the_last_version() -> None:
    held = transitions.hold(Series((version(4, ACTIVE),), 4), "compromise", "INC-1", NOW).hold
    assert held is not None
    assert (held.version, held.reason, held.incident, held.at) == (4, "compromise", "INC-1", NOW)


@pytest.mark.parametrize(
    ("last", "declared", "number"),
    [(4, 0, 4), (4, 3, 4), (4, 4, 5), (4, 5, 4), (0, 0, 1), (0, 1, 2)],
)
def test_a_hold_does_not_name_what_is_declared_already(
    last: int, declared: int, number: int
) -> None:
    held = transitions.hold(Series(last=last), "compromise", None, NOW, declared).hold
    assert held is not None
    assert held.version == number
    assert held.version != declared
