"""What contradicts the registry is believed only when the registry stood still meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.domain.live.observed import Lease, Observed, OpenRun, SecretInfo
from reconciler.domain.plan.plan import Plan
from reconciler.domain.values.names import bucket_of
from reconciler.engine.look.observe import observe
from reconciler.engine.look.records import LOOKS
from reconciler.errors import Level, RegistryError
from reconciler.registry.protocol.documents import open_run, take_lease
from reconciler.registry.requests import (
    ReadDocument,
    Request,
    Response,
    StoredDocument,
    WriteDocument,
)
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.memory import BUCKETS, World
from tests.kit.worlds.runner import Passes, Runner, drive
from tests.kit.worlds.scenarios import LONG

A, B = client("a"), client("b")
PATH = "keys/a.primary"
HOME = f"buckets/{bucket_of('a', BUCKETS)}"


@dataclass
class Disturbed:
    """A world in which something happens right before the secrets are listed."""

    world: World
    happens: Callable[[], object]
    lists: int = 0
    read: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        self.read += [one.name for one in requests if isinstance(one, ReadDocument)]
        return self.world.answer_all(requests)

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        if folder == "keys":
            self.lists += 1
            self.happens()
        return self.world.list_secrets(folder, deep=deep)


def once(happens: Callable[[], object]) -> Callable[[], object]:
    left = [happens]
    return lambda: left.pop()() if left else None


def rewrite(world: World, name: str = HOME) -> None:
    """Somebody writes the bucket as it is: a commit of another client in it."""
    document = world.answer(ReadDocument(name))
    assert isinstance(document, StoredDocument)
    assert document.text is not None
    world.answer(WriteDocument(name, document.text, document.version))


def looked(live: Disturbed) -> tuple[Observed, Plan]:
    observed = observe(live, live.world.owner, BUCKETS)
    return observed, Runner(live.world).plan(desired(A, B), observed=observed)


def codes(plan: Plan) -> set[str]:
    return {finding.code for finding in plan.findings}


@pytest.fixture
def runner() -> Runner:
    runner = Runner(World())
    runner.apply(desired(A, B))
    return runner


def test_what_agrees_with_the_registry_costs_nothing_more(runner: Runner) -> None:
    live = Disturbed(runner.world, lambda: None)
    looked(live)
    assert live.lists == 1
    assert len(live.read) == BUCKETS


def test_a_rotation_between_the_two_is_no_drift(runner: Runner) -> None:
    runner.world.pass_time(LONG)
    _, plan = looked(Disturbed(runner.world, once(lambda: runner.apply(desired(A, B)))))
    assert not plan.changes
    assert not codes(plan)


def test_drift_is_believed_when_its_own_bucket_stood_still(runner: Runner) -> None:
    runner.world.put_by_hand(PATH)
    other = next(f"buckets/{n:x}" for n in range(BUCKETS) if f"buckets/{n:x}" != HOME)
    live = Disturbed(runner.world, lambda: runner.world.answer(WriteDocument(other, "{}", 99)))
    _, plan = looked(live)
    assert codes(plan) == {"RC352"}
    assert live.lists == 1
    assert live.read[BUCKETS:] == [HOME], "only the bucket that it is about is read again"


def test_a_bucket_that_was_made_anew_with_the_same_version_is_another_one(runner: Runner) -> None:
    """Its KV version alone would say that nothing happened."""
    before = runner.world.answer(ReadDocument(HOME))
    assert isinstance(before, StoredDocument)
    assert before.text is not None
    text = before.text

    def make_anew() -> None:
        runner.world.put_by_hand(PATH)
        runner.world.delete_document(HOME)
        for version in range(before.version):
            runner.world.answer(WriteDocument(HOME, text, version))

    live = Disturbed(runner.world, once(make_anew))
    _, plan = looked(live)
    assert live.lists == 2, "it looked again"
    assert codes(plan) == {"RC352"}


def test_a_registry_that_never_stands_still_yields_no_drift_and_says_who_is_at_work(
    runner: Runner,
) -> None:
    own = Passes.run_id(77)
    drive(runner.world, take_lease(own, LONG))
    drive(runner.world, open_run(OpenRun(own, "apply", "ann", runner.world.at, None, "sha256:0")))
    runner.world.put_by_hand(PATH)
    runner.world.put_by_hand("keys/stranger.primary")
    live = Disturbed(runner.world, lambda: rewrite(runner.world))

    observed, plan = looked(live)

    assert live.lists == LOOKS
    assert observed.unsettled == {PATH, "keys/stranger.primary"}
    assert not plan.changes, "nothing is rotated for what may be a race"
    (finding,) = plan.findings
    assert (finding.code, finding.level) == ("RC308", Level.WARNING)
    assert f"run {own} (apply by ann) is at work" in finding.message
    assert "then run the same command again" in finding.remedy


def test_a_client_that_is_missing_is_looked_for_in_all_buckets_again(runner: Runner) -> None:
    live = Disturbed(runner.world, lambda: None)
    observe(live, runner.world.owner, BUCKETS, sought=[("a",), ("new", "b")])
    assert len(live.read) == BUCKETS
    observe(live, runner.world.owner, BUCKETS, sought=[("a",), ("c",)])
    assert len(live.read) == 3 * BUCKETS


def test_a_registry_that_was_spread_meanwhile_is_not_read_as_it_was(runner: Runner) -> None:
    runner.world.put_by_hand(PATH)
    live = Disturbed(
        runner.world, lambda: runner.world.answer(WriteDocument("meta", '{"buckets":256}', 0))
    )
    with pytest.raises(RegistryError) as caught:
        looked(live)
    assert caught.value.code == "RC446"


@pytest.mark.parametrize("path", ["keys/new.primary", "keys/other.primary"])
def test_no_remedy_removes_what_an_open_run_may_have_written(runner: Runner, path: str) -> None:
    runner.world.put_by_hand(path)
    runner.world.forget_by_hand("keys/b.primary")
    runner.world.put_by_hand("keys/b.primary")
    runner.world.put_by_hand("keys/b.primary")
    wanted = desired(A, B, client("new"))
    removing = ("move or delete", "remove it", "destroy it")

    def remedies() -> str:
        return "\n".join(finding.remedy for finding in runner.plan(wanted).findings)

    assert any(word in remedies() for word in removing)
    own = Passes.run_id(77)
    drive(runner.world, open_run(OpenRun(own, "apply", "ann", runner.world.at, None, "sha256:0")))
    assert not any(word in remedies() for word in removing)
    assert f"leave it alone while run {own} is open" in remedies()


def test_a_lease_alone_says_so_too(runner: Runner) -> None:
    runner.world.put_by_hand("keys/new.primary")
    lease = drive(runner.world, take_lease(Passes.run_id(78), LONG))
    assert isinstance(lease, Lease)
    (finding,) = runner.plan(desired(A, B)).findings
    assert finding.remedy.startswith(f"leave it alone while run {lease.holder} is open")
