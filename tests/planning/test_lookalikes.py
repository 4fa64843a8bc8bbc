"""A client that got another name without ``renamedFrom`` is recognised, and the line that is
missing is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.live.observed import Observed
from reconciler.errors import Finding, Level
from reconciler.planning.planner import make_plan
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

OTHER_HOOK = webhook(url="https://elsewhere.example.com/")
TEAM = {"team": "x", "contact": "x@example.com"}
OTHERS = (client("b", scopes=["b:read"]), client("c", scopes=["c:read"]))


def observed(*clients: DesiredClient) -> Observed:
    runner = Runner(World())
    runner.settle(desired(*clients, *OTHERS))
    return runner.look()


def told(live: Observed, *clients: DesiredClient) -> list[Finding]:
    plan = make_plan(inputs(desired(*clients, *OTHERS), live, START))
    assert not plan.blocked
    return [finding for finding in plan.findings if finding.code == "RC325"]


HOOKED = client("old", webhooks=[webhook()])
CASES: dict[str, tuple[DesiredClient, DesiredClient, str]] = {
    "nothing else changed": (client("old"), client("new"), "specification"),
    "another scope": (HOOKED, client("new", webhooks=[webhook()], scopes=["x:read"]), "webhooks"),
    "another grace": (HOOKED, client("new", webhooks=[webhook(secret=lifecycle("181d"))]), "webhooks"),
    "other labels": (
        client("old", owner=TEAM), client("new", owner=TEAM, labels={"a": "b"}), "keys, scopes and owner",
    ),
    "protected from now on": (client("old"), client("new", protect=True), "keys, scopes and owner"),
}  # fmt: skip
OTHER: dict[str, tuple[DesiredClient, DesiredClient]] = {
    "another receiver": (HOOKED, client("new", webhooks=[OTHER_HOOK])),
    "no webhook any more": (HOOKED, client("new")),
    "another key": (client("old"), client("new", keys={"main": lifecycle()})),
    "another owner": (client("old", owner=TEAM), client("new", owner={**TEAM, "team": "y"})),
    "renamed": (client("old"), client("new", renamed_from="old")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_likeness_is_told_with_the_line_to_add(name: str) -> None:
    old, new, same = CASES[name]
    (one,) = told(observed(old), new)
    assert (one.level, one.address, one.source) == (Level.WARNING, "client/new", new.source)
    assert (
        f"old would be removed from production with all its keys, and new, which has the same {same},"
        in one.message
    )
    assert "add the line `renamedFrom: old` below `name: new` in clients/new.yaml" in one.remedy
    renamed = replace(new, renamed_from="old")
    assert told(observed(old), renamed) == [], "the line that was said"


@pytest.mark.parametrize("name", OTHER)
def test_another_client_is_no_look_alike(name: str) -> None:
    old, new = OTHER[name]
    assert told(observed(old), new) == []


def test_who_is_ended_on_purpose_is_no_look_alike() -> None:
    assert told(observed(client("old")), client("old", state="retired"), client("new")) == []


def test_what_an_edited_record_says_is_not_compared() -> None:
    live = observed(client("old"))
    edited = replace(live.records["old"], edited=True)
    plan = make_plan(
        inputs(
            desired(client("new"), *OTHERS),
            replace(live, records={**live.records, "old": edited}),
            START,
        )
    )
    assert "RC325" not in {finding.code for finding in plan.findings}


def test_of_several_that_are_alike_each_is_told_once_with_the_nearest_name() -> None:
    live = observed(client("sales-eu"), client("stock-eu"))
    found = told(live, client("sales-europe"), client("stock-europe"), client("z"))
    assert [(one.address, one.remedy.split("`")[1]) for one in found] == [
        ("client/sales-europe", "renamedFrom: sales-eu"),
        ("client/stock-europe", "renamedFrom: stock-eu"),
    ]
