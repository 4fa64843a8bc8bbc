"""What KV v2 says of a path, as a table: the server's own words, and what no server should say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.vault.secretinfo import (
    deletes_after,
    instant,
    read_listed_infos,
    secret_info,
)
from reconciler.domain.live.observed import SecretInfo

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
WRITTEN = "2026-01-10T00:00:00.5Z"
PAST, FUTURE = "2026-01-15T12:00:00Z", "2026-01-15T12:00:01Z"


def version(**changes: Any) -> dict[str, Any]:
    return {"created_time": WRITTEN, "deletion_time": "", "destroyed": False, **changes}


def metadata(*numbers: int, **changes: Any) -> dict[str, Any]:
    versions = {str(number): version() for number in numbers}
    found = {"current_version": max(numbers, default=0), "versions": versions, "oldest_version": 0}
    return {**found, **changes}


def info(found: dict[str, Any]) -> SecretInfo:
    seen = secret_info(found, NOW)
    assert seen is not None
    return seen


def test_what_an_untouched_path_says() -> None:
    seen = info(metadata(1, 2))
    assert seen == SecretInfo(current=2)
    assert seen.created == instant(WRITTEN)
    assert seen.created is not None
    assert [seen.holds(number) for number in (0, 1, 2, 3)] == [False, True, True, False]


def test_a_version_that_is_not_listed_is_absent() -> None:
    assert info(metadata(1, 4)).absent == {2, 3}
    assert info(metadata(2, 3)).absent == {1}
    assert info(metadata(3, 4, oldest_version=3)).absent == frozenset()
    assert info(metadata(5, oldest_version=3)).absent == {3, 4}


def test_destroyed_deleted_and_ending_are_told_apart() -> None:
    versions = {
        "1": version(destroyed=True, deletion_time=PAST),
        "2": version(deletion_time=PAST),
        "3": version(deletion_time=FUTURE),
        "4": version(deletion_time="soon"),
        "5": version(),
    }
    seen = info(metadata(current_version=5, versions=versions))
    assert (set(seen.absent), set(seen.deleted)) == ({1}, {2, 4})
    assert seen.ends == {3: NOW + timedelta(seconds=1)}
    assert [seen.holds(number) for number in range(1, 6)] == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("settings", "edited", "deletes"),
    [
        ({}, False, ""),
        ({"max_versions": 0, "delete_version_after": "0s", "custom_metadata": None}, False, ""),
        ({"max_versions": 3}, True, ""),
        ({"custom_metadata": {"a": "b"}}, True, ""),
        ({"delete_version_after": "72h0m0s"}, True, "72h0m0s"),
        ({"delete_version_after": "-1s"}, True, ""),
        ({"delete_version_after": "0"}, True, ""),
    ],
)
def test_settings_of_a_path_were_made_by_hand(
    settings: dict[str, Any], edited: bool, deletes: str
) -> None:
    seen = info(metadata(1, **settings))
    assert (seen.edited, seen.deletes) == (edited, deletes)
    assert deletes_after(settings) == deletes


@pytest.mark.parametrize(
    "found",
    [{}, {"current_version": "2"}, {"current_version": 2, "versions": ["1"]}, {"versions": {}}],
)
def test_what_has_not_the_form_is_no_information(found: dict[str, Any]) -> None:
    assert secret_info(found, NOW) is None


def test_a_path_without_a_version_has_none() -> None:
    seen = info({"current_version": 0, "versions": None})
    assert (seen.current, seen.absent, seen.created) == (0, frozenset(), None)


def test_a_listing_names_each_path_once() -> None:
    details = {"acme.primary": metadata(1), "acme.other": {"new": "form"}}
    names = ["acme.primary", "acme.other", "acme.third", 7]
    listed = read_listed_infos("keys", names, details, NOW)
    assert listed == {
        "keys/acme.primary": SecretInfo(current=1),
        "keys/acme.other": SecretInfo(),
        "keys/acme.third": SecretInfo(),
    }
    assert read_listed_infos("keys", [], details, NOW) is None
    assert read_listed_infos("keys", names, None, NOW) is None


def test_an_instant_is_one_or_none() -> None:
    assert instant(FUTURE) == NOW + timedelta(seconds=1)
    assert [instant(text) for text in ("", "soon", None, 5)] == [None] * 4


@given(
    current=st.integers(1, 12),
    kept=st.sets(st.integers(1, 12)),
    oldest=st.integers(0, 12),
    destroyed=st.sets(st.integers(1, 12)),
)
def test_a_version_is_held_if_it_is_listed_and_not_destroyed(
    current: int, kept: set[int], oldest: int, destroyed: set[int]
) -> None:
    numbers = {number for number in kept if max(oldest, 1) <= number <= current}
    versions = {str(number): version(destroyed=number in destroyed) for number in numbers}
    seen = info({"current_version": current, "versions": versions, "oldest_version": oldest})
    held = {number for number in range(14) if seen.holds(number)}
    assert held == numbers - destroyed
