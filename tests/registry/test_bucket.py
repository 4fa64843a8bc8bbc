"""One commit against everything that can happen to it: races, lost answers, other projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.domain.live.record import ClientRecord, ClientStatus, Event
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import Address, RegistryError, VaultUnreachable
from reconciler.registry.protocol.bucket import (
    KEPT_EVENTS,
    MAX_CONFLICTS,
    MAX_UNCLEAR,
    Bucket,
    Change,
)
from reconciler.registry.requests import Request, Response, Unclear, WriteDocument
from reconciler.registry.steps import Steps
from tests.kit.worlds.declared import PROJECT
from tests.kit.worlds.faults import Faulty, duplicated, noise, request_lost, response_lost
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import drive
from tests.kit.worlds.stored import decode_bucket, encode_bucket

RUN = "20261123t224500z-0123456789ab-0001"
OTHER = "20261123t224400z-0123456789ab-0002"
NAME = "buckets/0"


def record(name: str, **changes: object) -> ClientRecord:
    base = ClientRecord(
        name, PROJECT, name, 3, "20261101t000000z-x.claim", ClientStatus.ACTIVE, False, {}, "d", "b"
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def world_of(*records: ClientRecord, foreign: Mapping[str, object] | None = None) -> World:
    world = World()
    world.answer(WriteDocument(NAME, encode_bucket({one.name: one for one in records}, foreign), 0))
    return world


def now_stored(world: World) -> dict[str, ClientRecord]:
    entry = world.documents[NAME]
    return decode_bucket(entry.versions[entry.current]["doc"], PROJECT)[0]


def bucket() -> Bucket:
    return Bucket("0", PROJECT, RUN, frozenset())


def committed(
    one: Bucket, changes: Mapping[str, Change], between: Callable[[], object] = lambda: None
) -> Steps[dict[str, str]]:
    yield from one.load()
    between()
    return (yield from one.commit("claim", changes))


def suspend(present: ClientRecord | None, at: datetime) -> ClientRecord | None:
    assert present is not None
    return replace(present, status=ClientStatus.SUSPENDED)


def remove(present: ClientRecord | None, at: datetime) -> ClientRecord | None:
    return None


def refuse(present: ClientRecord | None, at: datetime) -> ClientRecord | None:
    raise TransitionError("version 4 is revoked")


def by_another(
    world: World, change: Callable[[dict[str, ClientRecord]], object]
) -> Callable[[], None]:
    """A commit by another run at this moment."""

    def act() -> None:
        records = now_stored(world)
        change(records)
        entry = world.documents[NAME]
        world.answer(WriteDocument(NAME, encode_bucket(records), entry.current))

    return act


def test_a_commit_stamps_what_it_changes_and_nothing_else() -> None:
    world = world_of(record("a"), record("b"))
    one = bucket()
    assert drive(world, committed(one, {"a": suspend})) == {}
    stored = now_stored(world)
    assert stored["a"] == record("a", status=ClientStatus.SUSPENDED, revision=4, op=f"{RUN}.claim")
    assert stored["b"] == record("b")
    assert one.records == stored
    assert one.at == START


@pytest.mark.parametrize("where", ["message", "detail", "name of a field"])
def test_no_secret_gets_into_a_history(where: str) -> None:
    """Whoever said it, in whichever of the records that one commit changes; what was on record
    before is not touched."""
    held = Secret("correct horse battery")
    told = event_of(1, "a")

    def say(present: ClientRecord | None, at: datetime) -> ClientRecord | None:
        assert present is not None
        new = replace(event_of(2, present.name), run=RUN)
        if present.name == "b":
            text = f"the server said: {held.reveal()}"
            new = {
                "message": replace(new, message=text),
                "detail": replace(new, detail={"result": [{"inner": text}]}),
                "name of a field": replace(new, detail={text: 1}),
            }[where]
        return replace(present, seq=2, events=(*present.events, new))

    world = world_of(*(record(name, seq=1, events=(told,)) for name in ("a", "b")))
    assert drive(world, committed(bucket(), {"a": say, "b": say})) == {}
    stored = now_stored(world)
    assert all(next(iter(one.events)) == told for one in stored.values())
    assert tuple(stored["a"].events)[1].message == event_of(2, "a").message
    assert held.reveal() not in str(world.documents[NAME].versions)
    assert "the server said: ***" in str(world.documents[NAME].versions)


def event_of(seq: int, client: str) -> Event:
    address = Address.read(f"client/{client}")
    return Event(seq, START, OTHER, "update-client", address, "Changed", "it was changed", {"x": 1})


def test_a_commit_without_a_change_writes_nothing() -> None:
    world = world_of(record("a"))
    before = world.writes
    assert drive(world, committed(bucket(), {"a": lambda present, at: present})) == {}
    assert drive(world, committed(bucket(), {"z": remove})) == {}
    assert world.writes == before


def test_another_client_of_the_bucket_is_spliced_in() -> None:
    world = world_of(record("a"), record("b"))
    change = by_another(
        world, lambda records: records.update(b=record("b", revision=4, op="x", protect=True))
    )
    assert drive(world, committed(bucket(), {"a": suspend}, change)) == {}
    stored = now_stored(world)
    assert stored["a"].status is ClientStatus.SUSPENDED
    assert stored["b"].protect


def test_the_same_client_changed_by_another_is_lost_and_stays_as_they_left_it() -> None:
    world = world_of(record("a"), record("b"))
    change = by_another(
        world,
        lambda records: records.update(a=record("a", revision=4, op="their.claim", protect=True)),
    )
    assert drive(world, committed(bucket(), {"a": suspend, "b": suspend}, change)) == {
        "a": "changed by their.claim meanwhile"
    }
    stored = now_stored(world)
    assert stored["a"] == record("a", revision=4, op="their.claim", protect=True)
    assert stored["b"].status is ClientStatus.SUSPENDED


def test_a_client_removed_by_another_is_lost() -> None:
    """A rename takes the record away: what was meant for it is not taken for done."""
    world = world_of(record("a", moving_to="c"), record("b"))
    change = by_another(world, lambda records: records.pop("a"))
    assert drive(world, committed(bucket(), {"a": suspend, "b": suspend}, change)) == {
        "a": "removed meanwhile"
    }
    assert set(now_stored(world)) == {"b"}


def test_a_client_made_by_another_is_lost() -> None:
    world = world_of(record("b"))
    change = by_another(
        world, lambda records: records.update(a=record("a", revision=1, op="their.claim"))
    )
    made: Change = lambda present, at: record("a", revision=0, op="")  # noqa: E731
    assert drive(world, committed(bucket(), {"a": made}, change)) == {
        "a": "changed by their.claim meanwhile"
    }
    assert now_stored(world)["a"].op == "their.claim"


def test_the_record_of_another_project_is_never_overwritten() -> None:
    theirs = {"owner": "another-project", "anything": [1, 2]}
    world = world_of(record("b"), foreign={"a": theirs})
    made: Change = lambda present, at: record("a", revision=0, op="")  # noqa: E731
    assert drive(world, committed(bucket(), {"a": made, "b": suspend})) == {
        "a": "registered by another project"
    }
    entry = world.documents[NAME]
    assert decode_bucket(entry.versions[entry.current]["doc"], PROJECT)[1] == {"a": theirs}


def test_what_a_commit_does_not_change_goes_back_as_the_bytes_that_were_read() -> None:
    """Also what somebody laid out anew, and numbers that JSON may write in several ways."""
    world = world_of(record("a"), record("b"), foreign={"c": {"owner": "another-project"}})
    entry = world.documents[NAME]
    text = entry.versions[1]["doc"].replace('"base_digest":"b"', '"base_digest" :  "b"')
    theirs = '{"owner": "another-project", "rate": 1.50e1, "n": 12345678901234567890123}'
    text = text.replace('{"owner":"another-project"}', theirs)
    entry.put({"doc": text}, 1)
    drive(world, committed(bucket(), {"a": suspend}))
    after = entry.versions[entry.current]["doc"]
    assert theirs in after
    assert after.count('"base_digest" :  "b"') == 1, "that of b; a is written anew"
    assert now_stored(world)["b"] == record("b"), "and is no edited record"


def test_a_deleted_bucket_is_never_an_empty_one() -> None:
    world = world_of(record("a"))
    world.documents[NAME].deleted.add(1)
    with pytest.raises(RegistryError, match="deleted by hand"):
        drive(world, bucket().load())


def test_a_state_that_does_not_allow_it_leaves_the_client_alone() -> None:
    world = world_of(record("a"), record("b"))
    assert drive(world, committed(bucket(), {"a": refuse, "b": suspend})) == {
        "a": "version 4 is revoked"
    }
    assert now_stored(world)["a"] == record("a")


@pytest.mark.parametrize("fault", [response_lost, request_lost, duplicated, noise])
@pytest.mark.parametrize("change", [suspend, remove])
def test_an_unclear_answer_is_settled_by_reading(
    fault: Callable[[World, Request], Response], change: Change
) -> None:
    """I11: with a single writer a lost answer never shows as a conflict, and nothing is done
    twice."""
    world = world_of(record("a", moving_to="c"), record("b"))
    live = Faulty(world, 1, fault)
    assert drive(live, committed(bucket(), {"a": change})) == {}
    assert live.hit is not None
    stored = now_stored(world)
    assert ("a" in stored) == (change is suspend)
    if "a" in stored:
        assert stored["a"].revision == 4


def test_a_lost_answer_and_then_another_run_is_not_done_twice() -> None:
    world = world_of(record("a"))

    def lost_and_changed(there: World, request: Request) -> Response:
        there.answer(request)
        by_another(
            there,
            lambda records: records.update(a=replace(records["a"], revision=5, op="their.claim")),
        )()
        return Unclear("cut")

    lost = drive(Faulty(world, 1, lost_and_changed), committed(bucket(), {"a": suspend}))
    assert lost == {"a": "changed by their.claim meanwhile"}
    assert now_stored(world)["a"].revision == 5


class Never(Faulty):
    """Every write meets the fault."""

    def answer(self, request: Request) -> Response:
        if isinstance(request, WriteDocument):
            self.count += 1
            return self.fault(self.world, request)
        return self.world.answer(request)


@pytest.mark.parametrize(("fault", "tries"), [(request_lost, MAX_UNCLEAR), (noise, MAX_CONFLICTS)])
def test_it_gives_up_with_a_sentence(
    fault: Callable[[World, Request], Response], tries: int
) -> None:
    """Each lost race is somebody else's progress, so many of them are borne; of silence, little."""
    live = Never(world_of(record("a")), 0, fault)
    with pytest.raises(VaultUnreachable, match=f"after {tries + 1} tries"):
        drive(live, committed(bucket(), {"a": suspend}))
    assert live.count == tries + 1


def event(seq: int, run: str) -> Event:
    return Event(
        seq,
        START - timedelta(days=1),
        run,
        "issue-key",
        Address.read("client/a/key/k"),
        "NotIssued",
        "m",
    )


def test_events_stay_until_they_are_in_the_ledger() -> None:
    """Of reported runs the last few stay; of open runs, of our own and of later ones, all."""
    reported = [event(seq, "20261101t000000z-0123456789ab-0009") for seq in range(1, 11)]
    still_open = [event(seq, OTHER) for seq in range(11, 19)]
    later = [event(19, "20261123t224501z-0123456789ab-0003"), event(20, RUN)]
    world = world_of(record("a", events=(*reported, *still_open, *later), seq=20))
    one = Bucket("0", PROJECT, RUN, frozenset({OTHER}))
    drive(world, committed(one, {"a": suspend}))
    kept = [one.seq for one in now_stored(world)["a"].events]
    assert kept == list(range(11 - KEPT_EVENTS, 21))


def test_a_run_of_the_same_second_is_not_taken_for_reported() -> None:
    twins = tuple(event(seq, f"{RUN[:16]}-ffffffffffff-0009") for seq in range(1, 11))
    world = world_of(record("a", events=twins, seq=10))
    drive(world, committed(bucket(), {"a": suspend}))
    assert len(now_stored(world)["a"].events) == 10
