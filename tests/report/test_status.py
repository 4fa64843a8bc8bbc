"""Live state as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.live.observed import Observed, SecretInfo
from reconciler.domain.live.record import Series, VersionState
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.report.status.json import status_json
from reconciler.report.status.text import status_text
from reconciler.report.text.layout import time_distance
from tests.report.samples import HOSTILE, NOW, every_kind, observed, record, version

Golden = Callable[[str, str], None]


def test_text(golden: Golden) -> None:
    golden("status.txt", status_text("production", observed(), every_kind()))


def test_json(golden: Golden) -> None:
    golden("status.json", status_json("production", observed(), every_kind()))


def test_only_some_clients(golden: Golden) -> None:
    golden(
        "status-only.txt",
        status_text("production", observed(), every_kind(), only=["legacy-erp"], colour=True),
    )
    document = json.loads(status_json("production", observed(), only=["legacy-erp"]))
    assert [client["name"] for client in document["clients"]] == ["legacy-erp"]
    assert document["stale_claims"] == []


def test_an_empty_environment() -> None:
    empty = Observed(NOW, {}, {}, 256)
    assert (
        status_text("production", empty)
        == "production at 2026-11-23T22:45:00Z: 0 clients, nothing needs attention\n"
    )
    assert json.loads(status_json("production", empty))["clients"] == []


def test_what_is_unfinished_is_not_nothing() -> None:
    """The first line counts it, and a time that has passed says what happened then."""
    empty = Observed(NOW, {}, {}, 256)
    waiting = Unfinished(
        UnfinishedKind.RETIRING, "version 1 is valid until 2026-11-26T22:45:00Z", "it ends", NOW
    )
    assert "0 clients, 1 unfinished\n" in status_text("production", empty, [waiting])
    both = status_text("production", observed(), every_kind()).splitlines()[0]
    assert both.endswith(f"5 items need attention, {len(every_kind())} unfinished")
    edited = status_text(
        "production", replace(empty, policies_edited=("integrations-production-planner",))
    )
    assert "0 clients, 1 item needs attention\n" in edited
    since = replace(waiting, since=NOW - timedelta(seconds=2))
    assert "2026-11-26T22:45:00Z (replaced 2 s ago)" in status_text(
        "production", empty, [since], width=200
    )


def test_what_needs_a_person_comes_first() -> None:
    marks = [
        line[0] for line in status_text("production", observed()).split("\n\n")[1].splitlines()[1:]
    ]
    assert marks == sorted(marks, key="!~ -".index)
    assert marks[0] == "!"
    assert marks[-1] == "-"


def test_a_claim_says_whether_its_secret_was_written() -> None:
    def written(state: Observed) -> list[bool | None]:
        return [
            claim["written"]
            for claim in json.loads(status_json("production", state))["stale_claims"]
        ]

    path = "keys/quickbooks-sales.primary"
    assert written(observed()) == [True]
    assert written(replace(observed(), claims={path: frozenset({"other"})})) == [False]
    assert written(replace(observed(), claims={})) == [None]


def test_the_contract() -> None:
    document = json.loads(status_json("production", observed()))
    assert document.keys() >= {"format_version", "kind", "environment", "clients", "unmanaged"}
    client = document["clients"][2]
    assert client.keys() >= {"name", "status", "revision", "scopes", "keys", "webhooks"}
    version = {"id", "version", "state", "sha256", "issued_at", "expires_at", "grace_until"}
    assert client["keys"][0]["versions"][0].keys() >= version
    assert client["webhooks"][0].keys() >= {
        "name",
        "url",
        "verified_at",
        "last_delivery",
        "secrets",
    }
    assert client["webhooks"][0]["secrets"][0].keys() >= version


def test_foreign_strings_cannot_act() -> None:
    state = Observed(
        NOW, {"x": record("x", spec={"scopes": [HOSTILE]})}, {}, 256, unmanaged=(HOSTILE,)
    )
    assert "\x1b" not in status_text(HOSTILE, state)
    assert status_json(HOSTILE, state).isascii()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "now"),
        (1, "in 1 s"),
        (59, "in 59 s"),
        (3 * 86400 - 1, "in 3 d"),
        (90 * 86400 - 40, "in 90 d"),
        (36 * 3600 - 1, "in 1 d"),
        (-89, "1 min ago"),
        (-91, "2 min ago"),
        (-7200, "2 h ago"),
    ],
)
def test_a_distance_is_rounded_to_the_nearest(seconds: int, told: str) -> None:
    """A key of ninety days is said to expire in 90 d also a second after it was issued."""
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert time_distance(now + timedelta(seconds=seconds), now) == told


@pytest.mark.parametrize(
    ("left", "said"), [(timedelta(days=7), True), (timedelta(days=7, seconds=1), False)]
)
def test_what_expires_within_a_week_is_told(left: timedelta, said: bool) -> None:
    series = Series((replace(version(1, VersionState.ACTIVE, days=1), expires_at=NOW + left),), 1)
    records = {"a": record("a", series={(KEY, "primary"): series})}
    state = replace(observed(), records=records, secrets={"keys/a.primary": SecretInfo(1)})
    assert ("expires soon" in status_text("production", state)) is said


def test_a_version_that_retires_without_an_end_on_record_is_shown_without_one() -> None:
    """A record that somebody edited may lack it."""
    old = replace(version(1, VersionState.RETIRING, days=1), grace_until=None)
    series = Series((old, version(2, VersionState.ACTIVE, days=90)), 2)
    records = {"a": record("a", series={(KEY, "primary"): series})}
    state = replace(observed(), records=records, secrets={"keys/a.primary": SecretInfo(2)})
    text = status_text("production", state)
    assert "v2 active, v1 retiring" in text
    assert "is valid until" not in text
