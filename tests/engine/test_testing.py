"""``test`` of webhooks that cannot be tested, and of a test that is stopped midway: each is skipped
with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, cast

import pytest

from reconciler.domain.declared.desired import DeliverySettings, Desired
from reconciler.engine import testing
from reconciler.engine.engine import Engine
from reconciler.engine.look.observe import observe
from reconciler.planning.actions.reasons import RevocationRequest
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

BUCKETS = 16


@pytest.fixture
def runner() -> Runner:
    return Runner(World())


def declared(*names: str, state: str = "active") -> Desired:
    return desired(*(client(name, webhooks=[webhook()], state=state) for name in names))


def proven(
    runner: Runner,
    wanted: Desired,
    names: tuple[str, ...],
    *,
    stopping: Callable[[], bool] = lambda: False,
    told: Callable[[testing.Tested], None] = lambda one: None,
) -> list[testing.Tested]:
    world = runner.world
    one_at_a_time = DeliverySettings(concurrency=1, per_host=1)
    engine = Engine(
        project=wanted.project,
        environment=replace(wanted.environment, deliveries=one_at_a_time),
        buckets=BUCKETS,
        live=world,
        minter=world,
        sender=world,
        ledger=cast("Any", PurePosixPath()),  # a test writes no report
        reporter=cast("Any", PurePosixPath()),
        stopping=stopping,
    )
    observed = observe(world, wanted.project.name, BUCKETS)
    addresses = [f"client/{name}/webhook/settlements" for name in names]
    return testing.prove_all(engine, wanted, observed, addresses, told)


def reasons(tested: list[testing.Tested]) -> dict[str, str]:
    return {one.client: one.skipped for one in tested}


def test_what_is_tested_has_no_reason(runner: Runner) -> None:
    runner.apply(declared("a", "b"))
    told: list[testing.Tested] = []
    tested = proven(runner, declared("a", "b"), ("b", "a"), told=told.append)
    assert reasons(tested) == {"a": "", "b": ""}
    assert all(one.delivery is not None and one.delivery.accepted for one in tested)
    assert {one.client for one in told} == {"a", "b"}
    assert not any(one.failed for one in tested)


def test_only_what_was_asked_for_is_tested(runner: Runner) -> None:
    runner.apply(declared("a", "b"))
    assert [one.client for one in proven(runner, declared("a", "b"), ("b",))] == ["b"]


def test_a_client_that_is_not_registered(runner: Runner) -> None:
    told: list[testing.Tested] = []
    (one,) = proven(runner, declared("a"), ("a",), told=told.append)
    assert one.skipped == "the client is not registered yet: reconciler apply registers it"
    assert told == [one]
    assert not one.failed


def test_a_client_that_is_retired(runner: Runner) -> None:
    runner.apply(declared("a"))
    retired = declared("a", state="retired")
    runner.apply(retired)
    assert reasons(proven(runner, retired, ("a",))) == {"a": "the client is retired"}


def test_a_webhook_without_an_active_secret(runner: Runner) -> None:
    runner.apply(declared("a"))
    runner.revoke(RevocationRequest("a", None, "compromise"))
    (one,) = proven(runner, declared("a"), ("a",))
    assert one.skipped.startswith("it has no active signing secret")
    assert one.delivery is None


def test_what_was_not_begun_when_it_was_stopped_is_skipped(runner: Runner) -> None:
    """One at a time: what ends before the stop was tested, the rest says that it was not."""
    names = tuple("abcdefgh")
    runner.apply(declared(*names))
    asked = iter([False, False, *[True] * len(names)])
    told: list[testing.Tested] = []
    tested = proven(runner, declared(*names), names, stopping=lambda: next(asked), told=told.append)
    assert [one.client for one in tested] == list(names)
    skipped = {one.client: one.skipped for one in tested if one.delivery is None}
    assert 0 < len(skipped) < len(names)
    assert set(skipped.values()) == {"stopped before it was begun"}
    assert {one.client for one in told} == set(names)
    assert all(one.url for one in tested)
