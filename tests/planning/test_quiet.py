"""What the law of quiet clients does not reach by chance: one case for each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.domain.declared.desired import Budget, Desired, GuardrailPolicy
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.plan.plan import Plan
from reconciler.domain.values.names import bucket_of
from reconciler.engine.look.observe import observe
from reconciler.errors import RegistryError
from reconciler.planning.quiet.known import (
    NOTHING_KNOWN,
    Known,
    declared_digest,
    describe_secret,
)
from reconciler.registry.requests import ReadDocument, Request, Response
from tests.kit.worlds.declared import client, desired, lifecycle
from tests.kit.worlds.kept import Keeper
from tests.kit.worlds.memory import BUCKETS, World
from tests.kit.worlds.runner import Runner


@dataclass
class Counting:
    """A world that notes which documents are read."""

    world: World
    read: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        self.read += [one.name for one in requests if isinstance(one, ReadDocument)]
        return self.world.answer_all(requests)


MANY = [client(f"c{number}") for number in range(12)]


def settled(*clients: Any, policy: GuardrailPolicy | None = None) -> tuple[Keeper, World, Desired]:
    """A world in which these clients are as declared, and a keeper that knows so."""
    runner, declared = Runner(World()), desired(*clients, policy=policy)
    runner.settle(declared)
    keeper = Keeper()
    keeper.compare(runner.world, declared)
    return keeper, runner.world, declared


def codes(plan: Plan) -> list[str]:
    return [finding.code for finding in plan.findings]


def test_all_are_skipped_when_nothing_happened() -> None:
    keeper, world, declared = settled(*MANY)
    plan = keeper.compare(world, declared)
    assert (plan.unchanged, keeper.skipped) == (12, {0: 1, 12: 1})


def test_they_count_where_a_budget_is_a_share_of_all() -> None:
    policy = GuardrailPolicy(removals=Budget(30, 10), changes=Budget(30, 10))
    keeper, world, declared = settled(*MANY, policy=policy)
    few = desired(*MANY[3:], policy=policy)
    assert "RC320" not in codes(keeper.compare(world, few))
    more = desired(*MANY[4:], policy=policy)
    assert "RC320" in codes(keeper.compare(world, more))
    assert {count for count, times in keeper.skipped.items() if times} >= {8, 9}
    changed = [client(f"c{number}", scopes=()) for number in range(4)]
    assert "RC321" in codes(keeper.compare(world, desired(*changed, *MANY[4:], policy=policy)))
    assert keeper.compare(world, declared).unchanged == 12


def test_that_all_of_the_others_are_removed_is_not_that_all_are() -> None:
    keeper, world, _ = settled(client("one"), client("two"))
    assert "RC322" in codes(keeper.compare(world, desired()))
    keeper, world, _ = settled(client("one"), client("two"), client("three"))
    assert "RC322" not in codes(keeper.compare(world, desired(client("three"))))
    assert keeper.skipped[1]


def test_who_was_retired_is_not_counted() -> None:
    policy = GuardrailPolicy(removals=Budget(30, 10))
    retired = [client(f"r{number}", state="retired") for number in range(5)]
    runner = Runner(World())
    runner.settle(desired(*MANY, *[client(one.name) for one in retired]))
    declared = desired(*MANY, *retired, policy=GuardrailPolicy(Budget(100, 1)))
    runner.settle(declared)
    keeper = Keeper()
    keeper.compare(runner.world, declared)
    keeper.compare(runner.world, declared)
    assert keeper.skipped[12]
    few = desired(*MANY[4:], *retired, policy=policy)
    assert "RC320" in codes(keeper.compare(runner.world, few))


UNUSUAL: dict[str, SecretInfo | None] = {
    "nothing": None,
    "a name alone": SecretInfo(),
    "edited": SecretInfo(1, edited=True),
    "deletes": SecretInfo(1, deletes="10h"),
    "ends": SecretInfo(1, ends={1: datetime(2027, 1, 1, tzinfo=UTC)}),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_of_an_unusual_secret_there_may_be_more_to_say(name: str) -> None:
    assert describe_secret("keys/a.b", UNUSUAL[name]) is None


def test_whatever_else_is_known_of_a_secret_makes_another_one() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    usual = SecretInfo(3, frozenset({1}), frozenset({2}), oldest=1, created=now)
    others = [
        replace(usual, current=4),
        replace(usual, absent=frozenset()),
        replace(usual, deleted=frozenset()),
        replace(usual, oldest=0),
        replace(usual, created=now + timedelta(seconds=1)),
        replace(usual, created=None),
    ]
    described = [describe_secret("keys/a.b", one) for one in (usual, *others)]
    assert len(set(described)) == 7
    assert None not in described
    assert describe_secret("keys/a.c", usual) not in described


def test_a_former_name_is_still_known() -> None:
    """Of a client that was renamed once: else another that says the same former name is taken for
    one that only changed its name."""
    runner = Runner(World())
    runner.settle(desired(client("old"), client("zz"), client("gone")))
    renamed = client("new", renamed_from="old")
    runner.settle(desired(renamed, client("zz"), client("gone")))
    keeper = Keeper()
    kept = desired(replace(renamed, renamed_from=None), client("zz"), client("gone"))
    keeper.compare(runner.world, kept)
    keeper.compare(runner.world, kept)
    claims = client("claims", renamed_from="old")
    plan = keeper.compare(
        runner.world, desired(replace(renamed, renamed_from=None), client("zz"), claims)
    )
    assert keeper.skipped[2]
    assert "RC311" not in codes(plan)


def test_a_secret_that_somebody_touched_is_looked_at() -> None:
    keeper, world, declared = settled(*MANY)
    path = next(iter(world.secrets))
    world.destroy_by_hand(path)
    plan = keeper.compare(world, declared)
    assert "RC353" in codes(plan)
    assert keeper.skipped[11]


def test_what_falls_due_is_no_longer_skipped() -> None:
    short = client("short", {"primary": lifecycle("10d", "3d", "1d")})
    keeper, world, declared = settled(short, *MANY)
    seen = []
    for _ in range(10):
        world.pass_time(timedelta(days=1))
        seen.append(bool(keeper.compare(world, declared).changes))
    assert seen.index(True) in range(5, 8)
    assert keeper.skipped[13]
    assert keeper.skipped[12]


def test_of_several_faults_the_same_one_is_reported() -> None:
    """Records are decoded bucket by bucket, or when they are asked for."""
    keeper, world, _ = settled(*MANY)
    for number in range(12):
        world.edit_by_hand(f'"name":"c{number}"', f'"name":{number}')
    known = Known(keeper.verdicts, {})
    told = []
    for one in (known, NOTHING_KNOWN):
        with pytest.raises(RegistryError) as caught:
            observe(world, world.owner, BUCKETS, known=one)
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert len({bucket_of(one.name, BUCKETS) for one in MANY}) > 2


def test_a_record_of_another_client_that_tells_of_it_makes_it_heard() -> None:
    """Somebody wrote into a record that its secrets are under another client's name."""
    keeper, world, declared = settled(*MANY)
    world.edit_by_hand('"storage_name":"c3"', '"storage_name":"c4"')
    assert "RC305" in codes(keeper.compare(world, declared))
    assert keeper.skipped[10]


def test_a_record_that_is_needed_after_all_is_read_again() -> None:
    """Nothing was kept of it but its digest. Only the buckets of such records are read again."""
    keeper, world, declared = settled(*MANY)
    world.destroy_by_hand(next(path for path in world.secrets if path.startswith("keys/c3.")))
    known = Known(
        keeper.verdicts,
        {one.name: declared_digest(one.digest, one.base_digest) for one in declared.outlines()},
    )
    counting = Counting(world)
    observed = observe(counting, world.owner, BUCKETS, known=known)
    assert [*observed.records] == ["c3"]
    buckets = Counter(name for name in counting.read if name.startswith("buckets/"))
    assert [name for name, count in buckets.items() if count > 1] == [
        f"buckets/{bucket_of('c3', BUCKETS)}"
    ]
    assert "RC353" in codes(keeper.compare(world, declared))


def test_a_record_that_was_written_since_it_was_left_is_not_taken_for_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = GuardrailPolicy(changes=Budget(100, 100))
    keeper, world, declared = settled(*MANY, policy=policy)
    path = next(path for path in world.secrets if path.startswith("keys/c3."))
    # nothing that contradicts the record: of such a thing the record would be confirmed
    world.secrets[path].created = world.at + timedelta(hours=1)
    changed = desired(*[client(one.name, scopes=()) for one in MANY], policy=policy)
    written: list[str] = []
    whole = world.list_secrets

    def list_secrets(folder: str, *, deep: bool) -> Any:
        if not written:
            written.append(folder)
            Runner(world).settle(changed)
        return whole(folder, deep=deep)

    monkeypatch.setattr(world, "list_secrets", list_secrets)
    assert keeper.compare(world, declared).changes
    assert written
    assert keeper.skipped == {0: 2}
