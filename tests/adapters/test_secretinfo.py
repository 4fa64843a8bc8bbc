"""What KV v2's metadata says: a version that is not listed is as gone as a destroyed one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.adapters.vault.secretinfo import secret_info

NOW = datetime(2026, 11, 30, tzinfo=UTC)
BEFORE, LATER = "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"


def metadata(current: object = 3, oldest: int = 0, **versions: dict[str, Any]) -> dict[str, Any]:
    """``v2={…}`` is version 2."""
    listed = {name[1:]: {"created_time": BEFORE, **version} for name, version in versions.items()}
    return {"current_version": current, "oldest_version": oldest, "versions": listed}


@pytest.mark.parametrize(
    ("oldest", "listed", "absent"),
    [
        (0, ("v1", "v2", "v3"), set()),
        (0, ("v1", "v3"), {2}),
        (0, ("v1", "v2"), {3}),
        (0, ("v2",), {1, 3}),
        (0, (), {1, 2, 3}),
        (2, ("v2", "v3"), set()),
        (2, ("v3",), {2}),
    ],
)
def test_an_unlisted_version_counts_as_destroyed(
    oldest: int, listed: tuple[str, ...], absent: set[int]
) -> None:
    info = secret_info(metadata(3, oldest, **{name: {} for name in listed}), NOW)
    assert info is not None
    assert info.absent == absent
    assert [info.holds(number) for number in (1, 2, 3)] == [
        number >= max(oldest, 1) and number not in absent for number in (1, 2, 3)
    ]


def test_a_destroyed_version_is_not_also_a_deleted_one() -> None:
    info = secret_info(
        metadata(2, v1={"destroyed": True, "deletion_time": BEFORE}, v2={"deletion_time": BEFORE}),
        NOW,
    )
    assert info is not None
    assert info.absent == {1}
    assert info.deleted == {2}
    future = secret_info(metadata(1, v1={"deletion_time": LATER}), NOW)
    assert future is not None
    assert future.deleted == frozenset()


@pytest.mark.parametrize("created", [None, 7, "yesterday"])
def test_a_time_that_cannot_be_read_is_not_known(created: object) -> None:
    info = secret_info(metadata(1, v1={"created_time": created}), NOW)
    assert info is not None
    assert info.created is None


def test_the_time_is_that_of_the_newest_version() -> None:
    info = secret_info(metadata(2, v1={}, v2={"created_time": LATER}), NOW)
    assert info is not None
    assert info.created == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("current", [None, "3", 1.5])
def test_what_is_no_metadata(current: object) -> None:
    assert secret_info(metadata(current), NOW) is None
    assert secret_info({"current_version": 1, "versions": []}, NOW) is not None
    assert secret_info({"current_version": 1, "versions": ["1"]}, NOW) is None
