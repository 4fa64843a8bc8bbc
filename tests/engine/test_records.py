"""The registry alone, as it is looked at: strict for a plan, tolerant where one document must not
stop the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.live.observed import OpenRun
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.values.names import bucket_names, bucket_of
from reconciler.engine.look.records import (
    LOOKS,
    find_moved,
    read_lease,
    read_registry,
    read_runs,
    read_sought,
    readable_runs,
    survey,
)
from reconciler.engine.runs.history import fold_run
from reconciler.errors import RegistryError
from reconciler.planning.actions.renames import merge_revocations
from reconciler.registry.codec.bucket_codec import StoredRecord
from reconciler.registry.codec.record_codec import StoredEvents
from reconciler.registry.protocol.documents import open_run, release_lease, take_lease
from reconciler.registry.requests import ReadDocument, Request, Response
from tests.kit.worlds.declared import PROJECT, client, desired
from tests.kit.worlds.memory import BUCKETS, START, Entry, World
from tests.kit.worlds.runner import Runner, drive

A, B = client("a"), client("b")
HOME = f"buckets/{bucket_of('a', BUCKETS)}"


def settled() -> World:
    runner = Runner(World())
    runner.settle(desired(A, B))
    return runner.world


def put(world: World, name: str, text: str) -> None:
    entry = world.documents.setdefault(name, Entry())
    entry.put({"doc": text}, entry.current)
    entry.stamp = f"by hand, {entry.current}"


def run(number: int, hours: int = 0) -> OpenRun:
    began = START + timedelta(hours=hours)
    return OpenRun(Runner.run_id(number), "apply", "Ada", began, None, "sha256:0")


@dataclass
class Changing:
    """A world in which something happens after every look at all buckets."""

    world: World
    happens: Callable[[int], object]
    looks: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        answers = self.world.answer_all(requests)
        self.looks.append(len(requests))
        self.happens(len(self.looks))
        return answers


def test_all_records_are_read_with_what_was_read_of_each_bucket() -> None:
    world = settled()
    registry = read_registry(world, PROJECT, BUCKETS)
    assert list(registry.records) == ["a", "b"]
    assert set(registry.marks) == set(bucket_names(BUCKETS))
    assert registry.now == world.at
    assert registry.knows(["x", "b"])
    assert not registry.knows(["x"])


def test_a_bucket_that_was_deleted_is_no_empty_one() -> None:
    world = settled()
    world.documents[HOME].deleted.add(world.documents[HOME].current)
    with pytest.raises(RegistryError, match="deleted by hand") as caught:
        read_registry(world, PROJECT, BUCKETS)
    assert caught.value.code == "RC444"


def test_a_record_in_a_bucket_of_another_name_is_no_record_and_is_named() -> None:
    world = settled()
    record = world.documents[HOME].versions[world.documents[HOME].current]["doc"]
    wrong = next(one for one in bucket_names(BUCKETS) if f"buckets/{one}" not in world.documents)
    put(world, f"buckets/{wrong}", record)
    put(world, HOME, '{"clients":{},"format":1}')
    registry = read_registry(world, PROJECT, BUCKETS)
    assert list(registry.records) == ["b"]
    assert {name: bucket for name, (bucket, _) in registry.misplaced.items()} == {"a": wrong}
    assert registry.knows(["a"]), "it is known that there is one"


def test_records_of_another_project_are_named_with_their_owner() -> None:
    world = settled()
    registry = read_registry(world, "another-project", BUCKETS)
    assert registry.records == {}
    assert registry.foreign == {"a": PROJECT, "b": PROJECT}


def test_a_record_that_is_read_lazily_is_judged_when_it_is_asked_for() -> None:
    world = settled()
    text = world.documents[HOME].versions[world.documents[HOME].current]["doc"]
    put(world, HOME, text.replace('"state":"active"', '"state":"asleep"'))
    registry = read_registry(world, PROJECT, BUCKETS, lazily=True)
    assert list(registry.records) == ["a", "b"]
    assert registry.records["b"].name == "b"
    with pytest.raises(RegistryError, match=f"{HOME} of the registry cannot be read") as caught:
        registry.records["a"]
    assert caught.value.code == "RC443"
    with pytest.raises(RegistryError, match=HOME):
        read_registry(world, PROJECT, BUCKETS)


def test_a_look_decodes_what_was_written_since_the_look_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner = Runner(settled())
    names: list[str] = []

    def decode(one: StoredRecord) -> ClientRecord:
        names.append(one.name)
        return whole(one)

    whole = StoredRecord.decode
    monkeypatch.setattr(StoredRecord, "decode", decode)
    first = runner.look()
    assert sorted(names) == ["a", "b"]
    second = runner.look()
    assert sorted(names) == ["a", "b"]
    assert all(second.records[name] is first.records[name] for name in "ab"), "and held once"
    names.clear()
    world = runner.world
    put(world, HOME, world.documents[HOME].versions[world.documents[HOME].current]["doc"])
    assert runner.look().records == first.records
    assert names == ["a"]


def test_a_bucket_that_was_removed_and_written_anew_is_decoded_anew() -> None:
    """KV counts from 1 again: the same version is another write."""
    runner = Runner(settled())
    before = runner.look().records["a"]
    entry = runner.world.documents[HOME]
    text = entry.versions[entry.current]["doc"]
    version = entry.current
    del runner.world.documents[HOME]
    for _ in range(version):
        put(runner.world, HOME, text.replace('"status":"active"', '"status":"suspended"'))
    assert runner.world.documents[HOME].current == version
    after = runner.look().records["a"]
    assert (before.status, after.status) == (ClientStatus.ACTIVE, ClientStatus.SUSPENDED)


@pytest.mark.parametrize("seq", ['"one"', "1.5", "null", "[]"])
def test_a_history_that_somebody_edited_into_none_is_refused_where_it_is_read(seq: str) -> None:
    """Not only when somebody asks for an event of it."""
    world = settled()
    text = world.documents[HOME].versions[world.documents[HOME].current]["doc"]
    assert '"seq":1' in text
    put(world, HOME, text.replace('"seq":1}', f'"seq":{seq}}}'))
    with pytest.raises(RegistryError, match=HOME) as caught:
        read_registry(world, PROJECT, BUCKETS)
    assert caught.value.code == "RC443"


def test_an_error_that_somebody_keeps_keeps_no_thread() -> None:
    """Else the thread is waited for wherever the error is collected."""
    world = settled()
    put(world, HOME, "no JSON")
    before = threading.active_count()
    with pytest.raises(RegistryError) as caught:
        read_registry(world, PROJECT, BUCKETS)
    assert caught.value.code == "RC443"
    assert threading.active_count() == before


def test_a_digest_changes_with_whatever_is_stored_of_a_client_and_with_nothing_else() -> None:
    world = settled()
    registry = read_registry(world, PROJECT, BUCKETS, lazily=True)
    before = dict(registry.digests)
    assert registry.records == read_registry(world, PROJECT, BUCKETS).records
    assert dict(registry.digests) == before, "decoded or not"
    text = world.documents[HOME].versions[world.documents[HOME].current]["doc"]
    for at in (at for at, one in enumerate(text) if one in "123456789"):
        if text[:at].endswith('"format":'):
            continue
        other = "8" if text[at] == "9" else "9"
        put(world, HOME, text[:at] + other + text[at + 1 :])
        after = dict(read_registry(world, PROJECT, BUCKETS, lazily=True).digests)
        assert after.pop("a") != before["a"], text[at - 30 : at + 1]
        assert after == {"b": before["b"]}


def test_a_plan_in_which_nobody_is_renamed_decodes_no_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither does a look, nor what tells whether a run is finished."""
    runner = Runner(settled())

    def read(history: StoredEvents) -> None:
        raise AssertionError(f"the history of {history.name} was decoded")

    monkeypatch.setattr(StoredEvents, "read", read)
    observed = runner.look()
    plan = runner.plan(desired(A, client("b", scopes=("x:read",)), client("c")), observed=observed)
    assert plan.changes
    fold_run(run(99), observed.records)
    merge_revocations(observed.records)


def test_who_is_not_on_record_is_looked_for_again_as_long_as_the_registry_moves() -> None:
    world = settled()
    still = Changing(world, lambda looks: None)
    assert not read_sought(still, PROJECT, BUCKETS, [["z"]]).knows(["z"])
    assert still.looks == [BUCKETS] * 2, "one look, and whether anything was written since"

    def arrives(looks: int) -> None:
        if looks == 1:
            Runner(world, 50).apply(desired(A, B, client("z")))

    live = Changing(world, arrives)
    assert read_sought(live, PROJECT, BUCKETS, [["z"]]).knows(["z"])


def test_a_registry_that_never_stands_still_is_not_looked_at_for_ever() -> None:
    world = settled()
    home = world.documents[HOME]
    text = home.versions[home.current]["doc"]
    live = Changing(world, lambda looks: put(world, HOME, text))
    registry = read_sought(live, PROJECT, BUCKETS, [["z"]])
    assert set(registry.records) == {"a", "b"}
    assert len(live.looks) <= 2 * LOOKS


def test_what_moved_since_a_look_is_what_was_written_since() -> None:
    world = settled()
    registry = read_registry(world, PROJECT, BUCKETS)
    assert find_moved(world, registry, BUCKETS, registry.marks) == frozenset()
    Runner(world, 50).apply(desired(client("a", scopes=("x:read",)), B))
    assert find_moved(world, registry, BUCKETS, registry.marks) == {bucket_of("a", BUCKETS)}
    later = read_registry(world, PROJECT, BUCKETS)
    entry = world.documents.pop(HOME)
    put(world, HOME, entry.versions[entry.current]["doc"])
    world.documents[HOME].current = entry.current  # made anew, and counted up to the same number
    world.documents[HOME].versions = dict(entry.versions)
    assert find_moved(world, later, BUCKETS, later.marks) == {bucket_of("a", BUCKETS)}


def test_a_registry_that_was_spread_anew_meanwhile_is_refused() -> None:
    world = settled()
    registry = read_registry(world, PROJECT, BUCKETS)
    put(world, "meta", '{"buckets":256,"format":1}')
    with pytest.raises(RegistryError) as caught:
        find_moved(world, registry, BUCKETS, registry.marks)
    assert caught.value.code == "RC446"


def test_runs_are_read_oldest_first_and_one_that_cannot_be_read_stops_a_plan_alone() -> None:
    world = settled()
    for one in (run(2, hours=1), run(1, hours=2), run(3)):
        assert drive(world, open_run(one))
    expected = [Runner.run_id(number) for number in (3, 2, 1)]
    assert [one.run_id for one in read_runs(world)] == expected
    put(world, f"runs/{Runner.run_id(2)}", "{")
    with pytest.raises(RegistryError):
        read_runs(world)
    readable, broken = readable_runs(world)
    assert {one.run_id for one in readable} == {Runner.run_id(3), Runner.run_id(1)}
    assert broken == {Runner.run_id(2)}


def test_a_lease_ends_by_the_servers_time() -> None:
    world = settled()
    assert read_lease(world) is None
    lease = drive(world, take_lease("run-1", timedelta(seconds=30)))
    assert read_lease(world) == lease
    world.at = lease.until
    assert read_lease(world) is None
    drive(world, take_lease("run-1", timedelta(seconds=30)))
    drive(world, release_lease("run-2"))
    assert read_lease(world) is not None, "nobody gives back what another run holds"
    drive(world, release_lease("run-1"))
    assert read_lease(world) is None


def test_a_survey_tells_what_cannot_be_read_and_sees_all_the_rest() -> None:
    world = settled()
    drive(world, open_run(run(1)))
    drive(world, open_run(run(2)))
    put(world, HOME, "{")
    put(world, f"runs/{Runner.run_id(2)}", "{")
    put(world, "lease", "{")
    found = survey(world, PROJECT, BUCKETS)
    assert set(found.records) == {"b"}
    assert [one.run_id for one in found.runs] == [Runner.run_id(1)]
    assert set(found.unreadable) >= {HOME, f"runs/{Runner.run_id(2)}"}
    assert all(isinstance(error, RegistryError) for error in found.unreadable.values())
    assert found.now == world.at


def test_a_look_reads_every_bucket_by_its_name() -> None:
    """A LIST may be cut short by a policy, and nobody would know."""
    world = settled()
    asked: list[str] = []

    class Noting(Changing):
        def answer_all(self, requests: Sequence[Request]) -> list[Response]:
            asked.extend(one.name for one in requests if isinstance(one, ReadDocument))
            return super().answer_all(requests)

    read_registry(Noting(world, lambda looks: None), PROJECT, BUCKETS)
    assert asked == [f"buckets/{name}" for name in bucket_names(BUCKETS)]
