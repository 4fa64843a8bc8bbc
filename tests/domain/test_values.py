"""Durations, windows, freezes, names, canonical JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.values import canonical, names
from reconciler.domain.values.duration import LONGEST_DURATION, format_duration, parse_duration
from reconciler.domain.values.window import parse_freeze, parse_window


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0s", timedelta()),
        ("10s", timedelta(seconds=10)),
        ("15m", timedelta(minutes=15)),
        ("72h", timedelta(hours=72)),
        ("90d", timedelta(days=90)),
        ("36525d", LONGEST_DURATION),
    ],
)
def test_durations(text: str, value: timedelta) -> None:
    assert parse_duration(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "90",
        "d",
        "1.5h",
        "-1d",
        "+1d",
        "01d",
        "1D",
        "1w",
        " 1d",
        "1d ",
        "1d\n",
        "1d2h",
        "１d",
        "36526d",
        "999999999d",
    ],
)
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_duration(text)


@given(st.lists(st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.text())))
def test_the_digest_of_a_list_may_be_made_item_by_item(items: list[object]) -> None:
    assert canonical.digest_list(iter(items)) == canonical.digest(items)


@given(st.integers(0, int(LONGEST_DURATION.total_seconds())))
def test_a_duration_is_read_as_it_was_written(seconds: int) -> None:
    value = timedelta(seconds=seconds)
    if len(format_duration(value)) <= 10:
        assert parse_duration(format_duration(value)) == value


def spans(text: str, day: str) -> list[tuple[str, str]]:
    """The spans of one local day, in UTC."""
    found = parse_window(text).spans(date.fromisoformat(day), 1)
    return [(canonical.iso(opens)[8:16], canonical.iso(closes)[8:16]) for opens, closes in found]


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("Mon-Fri 09:00-16:00", "2026-11-23", [("23T09:00", "23T16:00")]),
        ("Mon-Fri 09:00-16:00", "2026-11-22", []),
        ("Mon-Fri 09:00-16:00 Europe/London", "2026-07-06", [("06T08:00", "06T15:00")]),
        ("Mon-Fri 09:00-16:00 Europe/London", "2026-11-23", [("23T09:00", "23T16:00")]),
        ("daily 22:00-04:00", "2026-11-23", [("23T22:00", "24T04:00")]),
        ("daily 00:00-00:00", "2026-11-23", [("23T00:00", "24T00:00")]),
        ("Fri-Mon 01:00-02:00", "2026-11-23", [("23T01:00", "23T02:00")]),
        ("Sun,Tue-Wed 01:00-02:00", "2026-11-23", []),
        ("Mon 01:00-02:00 Asia/Kolkata", "2026-11-23", [("22T19:30", "22T20:30")]),
        # London's clocks go forward at 01:00 UTC on 2026-03-29 and back at 01:00 UTC on 2026-10-25
        ("Sun 00:30-02:30 Europe/London", "2026-03-29", [("29T00:30", "29T01:30")]),
        ("Sun 01:15-01:45 Europe/London", "2026-03-29", [("29T01:00", "29T01:30")]),
        ("Sun 01:30-02:15 Europe/London", "2026-03-29", [("29T01:00", "29T01:15")]),
        ("Sun 01:30-02:00 Europe/London", "2026-03-29", [("29T01:00", "29T01:30")]),
        ("Sun 00:30-01:30 Europe/London", "2026-03-29", [("29T00:30", "29T01:00")]),
        ("Sat 23:00-01:30 Europe/London", "2026-03-28", [("28T23:00", "29T01:00")]),
        # Half an hour on Lord Howe Island, at 15:30 UTC; and Samoa had no 2011-12-30 at all.
        ("Sun 02:10-02:20 Australia/Lord_Howe", "2026-10-04", [("03T15:30", "03T15:40")]),
        ("Fri 09:00-16:00 Pacific/Apia", "2011-12-30", [("30T10:00", "30T17:00")]),
        ("Sun 00:30-02:30 Europe/London", "2026-10-25", [("24T23:30", "25T02:30")]),
        ("Sat 22:00-04:00 Europe/London", "2026-10-24", [("24T21:00", "25T04:00")]),
        ("Sat 22:00-04:00 Europe/London", "2026-03-28", [("28T22:00", "29T03:00")]),
    ],
)
def test_windows(text: str, day: str, expected: list[tuple[str, str]]) -> None:
    assert spans(text, day) == expected


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Havana", "UTC"]
)
def test_no_week_is_skipped(zone: str) -> None:
    """Of no window of a quarter of an hour, in a year in which clocks change."""
    for quarter in range(24 * 4):
        begin, end = (f"{at // 4 % 24:02}:{at % 4 * 15:02}" for at in (quarter, quarter + 1))
        found = list(parse_window(f"daily {begin}-{end} {zone}").spans(date(2026, 1, 1), 365))
        assert len(found) == 365
        assert all(opens < closes for opens, closes in found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon 09:00-10:00 /etc/passwd",
        "Mon 09:00-10:00 Europe",
        "Mon 09:00-10:00 UTC\n",
        "Mon",
        "Mon 9:00-16:00",
        "Mon 09:00",
        "Mon 24:00-25:00",
        "Mon 09:60-10:00",
        "mon 09:00-10:00",
        "Mon-Fri-Sun 09:00-10:00",
        "Mon 09:00-10:00 Nowhere/Town",
        "Mon 09:00-10:00 localtime",
        "Mon 09:00-10:00 posixrules",
        "Mon 09:00-10:00 Factory",
        "Mon 09:00-10:00 right/Europe/London",
        "Mon 09:00-10:00 posix/Europe/London",
        "Mon 09:00-10:00 europe/london",
        "Mon 09:00-10:00\n",
        "Mon 09:00-10:00  UTC",
        "Mon, 09:00-10:00",
    ],
)
def test_no_windows(text: str) -> None:
    with pytest.raises(ValueError, match=r"window|exist|zone|range"):
        parse_window(text)


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_sentence(text: str) -> None:
    """Nothing but ``ValueError`` comes out of a parser."""
    for parse in (
        parse_duration,
        parse_window,
        canonical.parse_iso,
        lambda one: parse_freeze(one, one, ""),
    ):
        with suppress(ValueError):
            parse(text)


def test_a_freeze_of_dates_includes_its_last_day() -> None:
    freeze = parse_freeze("2026-12-24", "2027-01-02", "year end")
    assert (freeze.start, freeze.end) == (
        datetime(2026, 12, 24, tzinfo=UTC),
        datetime(2027, 1, 3, tzinfo=UTC),
    )
    assert freeze.covers(freeze.start)
    assert not freeze.covers(freeze.end)
    assert not freeze.covers(freeze.start - timedelta(seconds=1))


def test_a_freeze_of_instants_ends_at_its_end() -> None:
    freeze = parse_freeze("2026-12-24T18:00:00+01:00", "2026-12-24T18:00:00Z", "an hour")
    assert freeze.end - freeze.start == timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-24", "2026-12-22"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00", "2026-12-25"),
        ("2026-02-30", "2026-12-25"),
        ("tomorrow", "2026-12-25"),
        ("2026-12-24", "9999-12-31"),
        ("0001-01-01T00:00:00+10:00", "2026-12-25"),
        ("2026-12-24", "9999-12-31T23:00:00-10:00"),
    ],
)
def test_no_freezes(start: str, end: str) -> None:
    with pytest.raises(ValueError, match=r"freeze|zone|date"):
        parse_freeze(start, end, "")


@pytest.mark.parametrize("text", ["a", "0", "paystack-payouts", "a" * 63])
def test_names(text: str) -> None:
    assert names.is_name(text)


@pytest.mark.parametrize(
    "text", ["", "-a", "A", "a_b", "a.b", "a/b", "..", "a\n", "a b", "é", "a" * 64]
)
def test_no_names(text: str) -> None:
    assert not names.is_name(text)


@pytest.mark.parametrize("buckets", [16, 256, 4096])
def test_every_client_has_one_of_the_buckets(buckets: int) -> None:
    known = names.bucket_names(buckets)
    assert len(known) == len(set(known)) == buckets
    assert list(known) == sorted(known)
    used = {names.bucket_of(f"client-{number}", buckets) for number in range(200)}
    assert used <= set(known)
    assert len(used) > 10


def test_addresses() -> None:
    assert names.client_address("c") == "client/c"
    assert names.webhook_address("c", "w") == "client/c/webhook/w"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAME = st.text(st.characters(codec="ascii"), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAME, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_has_one_spelling(value: object) -> None:
    text = canonical.dumps(value)
    assert json.loads(text) == value
    assert canonical.dumps(json.loads(text)) == text
    shuffled = json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert canonical.digest(shuffled) == canonical.digest(value)


def test_canonical_json_as_rfc_8785_spells_it() -> None:
    value = {"\u20ac": "Euro Sign", "\r": "CR", "1": 'q"\\/\b\f\n\t\x0f', "ö": [True, None, 10]}
    assert canonical.dumps(value) == (
        '{"\\r":"CR","1":"q\\"\\\\/\\b\\f\\n\\t\\u000f","ö":[true,null,10],"€":"Euro Sign"}'
    )


def test_no_number_that_json_does_not_know() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical.dumps(float("nan"))


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_is_read_as_it_was_written(instant: datetime) -> None:
    try:
        expected = instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return
    assert canonical.parse_iso(canonical.iso(instant)) == expected


@pytest.mark.parametrize(
    "text", ["", "2026-11-23", "2026-11-23T22:45:00", "now", "0001-01-01T00:00:00+10:00"]
)
def test_no_instants(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        canonical.parse_iso(text)


def test_none_stays_none() -> None:
    assert canonical.iso_or_none(None) is None
    assert canonical.parse_iso_or_none(None) is None
