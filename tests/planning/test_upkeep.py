"""Which clients a run may look after though nobody decided anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.declared.desired import Desired, DesiredClient
from reconciler.planning.actions.inputs import find_settled_clients, pair_up
from tests.kit.worlds.declared import client, desired, lifecycle
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

APPLIED = client("a")


def settled(declared: Desired, runner: Runner) -> frozenset[str]:
    return find_settled_clients(declared, pair_up(declared, runner.look()))


@pytest.mark.parametrize(
    ("now", "names"),
    [
        ((APPLIED,), {"a"}),
        ((client("a", scopes=("x:read",)),), set()),
        ((replace(APPLIED, base_digest="sha256:0"),), set()),
        ((client("a", {"primary": lifecycle("30d", "10d")}),), set()),
        ((client("a", state="retired"),), set()),
        ((client("a", state="suspended"),), set()),
        ((client("new", renamed_from="a"),), set()),
        ((APPLIED, client("new")), {"a"}),
        ((), set()),
    ],
)  # fmt: skip
def test_only_what_was_applied_is_settled(now: tuple[DesiredClient, ...], names: set[str]) -> None:
    runner = Runner(World())
    runner.settle(desired(APPLIED))
    assert settled(desired(*now), runner) == names


def test_a_client_whose_removal_was_applied_is_settled() -> None:
    runner = Runner(World())
    runner.settle(desired(APPLIED, client("b")))
    runner.settle(desired(client("b")))
    assert settled(desired(client("b")), runner) == {"a", "b"}


def test_renewals_are_upkeep_and_a_change_waits_with_all_that_is_due() -> None:
    runner = Runner(World())
    runner.settle(desired(client("a"), client("b")))
    runner.world.pass_time(timedelta(days=80))
    changed = desired(client("a"), client("b", scopes=("x:read",)))
    plan = runner.plan(changed, only=settled(changed, runner))
    assert [(one.kind, one.address, one.reason) for one in plan.changes] == [
        ("rotate-key", "client/a/key/primary", "RenewalDue")
    ]
