"""Spreading the registry over another number of buckets while others write, and dying at any
request of it."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from reconciler.domain.live.record import USABLE, ClientRecord
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Plan
from reconciler.domain.values.canonical import dumps
from reconciler.domain.values.names import bucket_names, bucket_of
from reconciler.engine import executor
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.look.records import read_registry
from reconciler.errors import RegistryError, VaultUnreachable
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.planning.emergency import revocation_plan
from reconciler.registry.codec.bucket_codec import read_clients, write_clients
from reconciler.registry.codec.record_codec import decode_record, encode_record
from reconciler.registry.protocol.rebucket import carry_over, close_left, rebucket
from reconciler.registry.requests import (
    Conflict,
    ReadDocument,
    Request,
    Response,
    StoredDocument,
    WriteDocument,
    Written,
)
from tests.kit.suite.laws import sampled
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.faults import Crash, Faulty, crash_before, duplicated, response_lost
from tests.kit.worlds.memory import BUCKETS, Entry, World
from tests.kit.worlds.runner import Runner, drive, inline_buckets, inline_lanes
from tests.kit.worlds.stored import store

NEW = 256
NAMES = ("payouts", "other", "third")
OLD_META, NEW_META = (dumps({"format": 1, "buckets": number}) for number in (BUCKETS, NEW))


class Registry(World):
    """Judges no commit: a move writes markers, and takes over several commits at once."""

    def _write_document(self, request: WriteDocument) -> Written | Conflict:
        entry = self.documents.setdefault(request.name, Entry())
        return self._written(entry.put({"doc": request.text}, request.cas))

    def records(self) -> dict[str, ClientRecord]:
        """None by which a destruction could be judged: for a while each is there twice."""
        return {}


@dataclass
class Spread:
    """A registry of three clients in sixteen buckets, and what is done to it."""

    runner: Runner

    @classmethod
    def prepared(cls) -> Spread:
        runner = Runner(Registry())
        runner.apply(desired(*map(client, NAMES)))
        runner.world.answer(WriteDocument("meta", OLD_META, 0))
        return cls(runner)

    @property
    def world(self) -> World:
        return self.runner.world

    def move(self, live: Any = None) -> int:
        return drive(live or self.world, rebucket(BUCKETS, NEW, NEW_META, self.version("meta")))

    def version(self, name: str) -> int:
        return self.world.documents[name].current

    def buckets(self) -> int:
        meta = self.world.answer(ReadDocument("meta"))
        assert isinstance(meta, StoredDocument)
        return NEW if meta.text == NEW_META else BUCKETS

    def records(self) -> dict[str, ClientRecord]:
        """As everybody reads them who looks at ``meta`` first."""
        return dict(read_registry(self.world, self.world.owner, self.buckets()).records)

    def revocation(self) -> Plan:
        observed = self.runner.look()
        request = RevocationRequest("payouts", None, "compromise")
        return revocation_plan(
            observed, "production", self.world.owner, request, observed.now, None
        )

    def carry_out(self, plan: Plan, buckets: int) -> tuple[Outcome, ...]:
        driver = Driver(
            self.world, self.world, self.world, ServerClock(self.world.at), inline_lanes()
        )
        with inline_buckets:
            return executor.execute(
                plan, {}, driver, self.runner.new_run(self.runner_look()), buckets
            )

    def runner_look(self) -> Any:
        return type("Seen", (), {"secrets": {}})()


class Before(Faulty):
    """Something else happens right before one request."""

    def __init__(self, world: World, at: int, happens: Any) -> None:
        super().__init__(world, at, lambda world, request: (happens(), world.answer(request))[1])


@cache
def requests() -> int:
    """How many requests a move takes."""
    live = Faulty(Spread.prepared().world, -1, crash_before)
    Spread(Runner(live.world)).move(live)  # type: ignore[arg-type]
    return live.count


@pytest.mark.parametrize(("knows", "at_least"), [(BUCKETS, 200), (NEW, 1)])
def test_a_revocation_before_any_request_is_not_lost(
    knows: int, at_least: int, *, exhaustive: bool
) -> None:
    """By a run that knows the old number, or the new one as soon as that counts.

    What it did stays done.
    """
    done = 0
    moments = sampled(range(requests()), exhaustive=exhaustive)
    prepared = Spread.prepared()
    for at in moments:
        spread = deepcopy(prepared)
        plan = spread.revocation()
        outcomes: list[Outcome] = []

        def revoke(
            spread: Spread = spread, plan: Plan = plan, outcomes: list[Outcome] = outcomes
        ) -> None:
            if knows in (BUCKETS, spread.buckets()):
                outcomes += spread.carry_out(plan, knows)

        assert spread.move(Before(spread.world, at, revoke)) == len(NAMES)
        records = spread.records()
        assert set(records) == set(NAMES), f"before request {at}"
        if outcomes and all(one.status is OutcomeStatus.DONE for one in outcomes):
            done += 1
            (series,) = records["payouts"].series.values()
            assert not series.in_state(*USABLE), f"the revocation before request {at} is lost"
            assert series.hold is not None
    assert done >= (at_least * len(moments) // requests() or 1)


def test_dying_before_any_request_leaves_a_registry_that_is_whole(*, exhaustive: bool) -> None:
    prepared = Spread.prepared()
    records = prepared.records()
    for at in sampled(range(requests()), exhaustive=exhaustive):
        spread = deepcopy(prepared)
        with pytest.raises(Crash):
            spread.move(Faulty(spread.world, at, crash_before))
        assert spread.records() == records, f"before request {at}"
        if spread.buckets() == BUCKETS:
            assert spread.move() == len(NAMES)
            assert spread.records() == records


def test_a_revocation_after_a_move_that_died_is_not_lost(*, exhaustive: bool) -> None:
    """By a run that knows the old number, in a bucket that the move left open.

    The next one closes it.
    """
    prepared = Spread.prepared()
    left = 0
    for at in sampled(range(requests()), exhaustive=exhaustive):
        spread = deepcopy(prepared)
        plan = spread.revocation()
        with pytest.raises(Crash):
            spread.move(Faulty(spread.world, at, crash_before))
        if spread.buckets() == BUCKETS:
            continue
        done = {one.status for one in spread.carry_out(plan, BUCKETS)} == {OutcomeStatus.DONE}
        left += done
        names = [
            name for name in bucket_names(BUCKETS) if f"buckets/{name}" in spread.world.documents
        ]
        drive(spread.world, close_left(names, NEW))
        assert drive(spread.world, close_left(names, NEW)) == 0
        (series,) = spread.records()["payouts"].series.values()
        assert bool(series.in_state(*USABLE)) is not done
        assert set(spread.records()) == set(NAMES)
        assert {one.status for one in spread.carry_out(plan, BUCKETS)} == {OutcomeStatus.FAILED}
    assert left


@pytest.mark.parametrize("fault", [response_lost, duplicated])
def test_a_lost_answer_changes_nothing(fault: Any, *, exhaustive: bool) -> None:
    prepared = Spread.prepared()
    records = prepared.records()
    for at in sampled(range(requests()), exhaustive=exhaustive):
        spread = deepcopy(prepared)
        with suppress(VaultUnreachable):  # a read that nobody answered
            spread.move(Faulty(spread.world, at, fault))
        assert spread.records() == records, f"at request {at}"


def test_the_old_buckets_are_closed_to_whoever_knows_no_better() -> None:
    spread = Spread.prepared()
    plan = spread.revocation()
    spread.move()
    with pytest.raises(RegistryError, match="moved to 256 buckets"):
        spread.runner.look()
    assert {one.status for one in spread.carry_out(plan, BUCKETS)} == {OutcomeStatus.FAILED}


def test_a_meta_that_changed_meanwhile_stops_the_move() -> None:
    spread = Spread.prepared()
    records = spread.records()

    def happens() -> None:
        spread.world.answer(WriteDocument("meta", OLD_META, 1))

    with pytest.raises(RegistryError) as caught:
        spread.move(Before(spread.world, 1, happens))
    assert caught.value.code == "RC445"
    assert spread.records() == records


NEW_HOME = f"buckets/{bucket_of('payouts', NEW)}"


def stored(world: World, revision: int) -> None:
    version = world.documents[NEW_HOME].current if NEW_HOME in world.documents else 0
    entry = {"owner": "somebody-else", "revision": revision}
    world.answer(WriteDocument(NEW_HOME, write_clients({"payouts": store(entry)}), version))


@pytest.mark.parametrize(
    ("there", "carried", "kept"), [(None, 3, 3), (2, 3, 3), (3, 3, 3), (5, 3, 5)]
)
def test_a_later_revision_is_never_overwritten(there: int | None, carried: int, kept: int) -> None:
    world = World()
    if there is not None:
        stored(world, there)
    drive(world, carry_over("payouts", store({"owner": "somebody-else", "revision": carried}), NEW))
    document = world.answer(ReadDocument(NEW_HOME))
    assert isinstance(document, StoredDocument)
    raw = read_clients(document.text, NEW_HOME)["payouts"]
    assert json.loads(bytes(raw))["revision"] == kept


@pytest.mark.parametrize("rotates", ["the new bucket", "the old bucket"])
@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_revocation_in_either_bucket_outlives_a_change_in_the_other(
    rotates: str, more: int
) -> None:
    """One run revokes, another one changes the same client through the other bucket, to the same
    revision or later."""
    spread = Spread.prepared()
    before = spread.world.answer(ReadDocument(f"buckets/{bucket_of('payouts', BUCKETS)}"))
    assert isinstance(before, StoredDocument)
    untouched = read_clients(before.text, "")["payouts"]
    assert {one.status for one in spread.carry_out(spread.revocation(), BUCKETS)} == {
        OutcomeStatus.DONE
    }
    newest = spread.records()["payouts"]
    revoked = encode_record(newest)
    record = decode_record(untouched, "payouts", "")
    changed = encode_record(
        replace(record, revision=newest.revision + more, op="another.0", protect=True)
    )
    there, late = (changed, revoked) if rotates == "the new bucket" else (revoked, changed)
    world = Registry()
    world.answer(WriteDocument(NEW_HOME, write_clients({"payouts": there}), 0))
    drive(world, carry_over("payouts", late, NEW))
    document = world.answer(ReadDocument(NEW_HOME))
    assert isinstance(document, StoredDocument)
    kept = decode_record(read_clients(document.text, NEW_HOME)["payouts"], "payouts", NEW_HOME)
    (series,) = kept.series.values()
    assert not series.in_state(*USABLE)
    assert series.hold is not None
    assert not kept.edited
    assert kept.revision >= newest.revision + more
    if more:
        assert kept.protect, "nor is the change lost"


@pytest.mark.parametrize("name", ["the new bucket", "the old bucket"])
def test_a_bucket_that_never_stands_still_is_told(name: str) -> None:
    spread = Spread.prepared()
    home = NEW_HOME if name == "the new bucket" else f"buckets/{bucket_of('payouts', BUCKETS)}"

    class Restless(Faulty):
        def answer(self, request: Request) -> Response:
            if isinstance(request, WriteDocument) and request.name == home:
                text = self.world.answer(ReadDocument(home))
                assert isinstance(text, StoredDocument)
                self.world.answer(WriteDocument(home, text.text or write_clients({}), text.version))
            return self.world.answer(request)

    with pytest.raises(VaultUnreachable) as caught:
        spread.move(Restless(spread.world, -1, crash_before))
    assert home.removeprefix("buckets/") in caught.value.message
