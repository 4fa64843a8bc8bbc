"""Whether a saved plan may still be applied, without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.observed import OpenRun
from reconciler.domain.plan import Plan
from reconciler.engine.saved import CLOCKS_DIFFER, refuse_expired, refuse_stale, refuse_used
from reconciler.errors import StalePlanError
from tests.kit.declared import client, desired
from tests.kit.memory import START, World
from tests.kit.runner import Runner

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def planned(*scopes: str) -> Plan:
    runner = Runner(World())
    runner.settle(desired(client("a"), client("b")))
    return runner.plan(desired(client("a", scopes=scopes), client("b")))


SAVED = planned("x:read")
assert set(SAVED.revisions) == {"a"}


@pytest.mark.parametrize(
    ("at", "holds", "code"),
    [
        (START + DAY - SECOND, 2 * DAY, ""),
        (START + DAY, 2 * DAY, "RC392"),
        (START + DAY - SECOND, DAY, ""),
        (START + DAY / 2, DAY / 2, "RC392"),
        (START - CLOCKS_DIFFER, DAY, ""),
        (START - CLOCKS_DIFFER - SECOND, DAY, "RC390"),
    ],
)
def test_a_plan_expires_by_its_own_word_and_by_the_project_s(at: object, holds: timedelta, code: str) -> None:
    try:
        refuse_expired(SAVED, at, holds)  # type: ignore[arg-type]
        found = ""
    except StalePlanError as error:
        found = error.code
    assert found == code


@pytest.mark.parametrize(("planfile", "digest", "used"), [(True, SAVED.digest, True), (False, SAVED.digest, False),
                                                          (True, "sha256:0", False)])  # fmt: skip
def test_a_plan_is_applied_once(planfile: bool, digest: str, used: bool) -> None:
    """Also when that run was closed long ago: it is on record."""
    run = OpenRun("20261123t224500z-0123456789ab-0001", "apply", "Ada", START, None, digest, planfile, closed=True)
    observed = replace(Runner(World()).look(), open_runs=(run,))
    try:
        refuse_used(SAVED, observed)
        found = False
    except StalePlanError:
        found = True
    assert found == used


def test_a_plan_is_stale_when_anything_of_its_clients_is_otherwise() -> None:
    refuse_stale(SAVED, SAVED)
    refuse_stale(SAVED, replace(SAVED, git_commit="1" * 40))
    for fresh in (
        replace(SAVED, revisions={"a": 99}),
        replace(SAVED, desired_digests={"a": "sha256:0"}),
        replace(SAVED, actions=SAVED.actions[1:]),
        replace(SAVED, revisions={**SAVED.revisions, "b": 1}),
    ):
        with pytest.raises(StalePlanError):
            refuse_stale(SAVED, fresh)
