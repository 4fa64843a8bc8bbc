"""The lease and the run documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.live.observed import Lease, OpenRun
from reconciler.errors import VaultUnreachable
from reconciler.registry.codec.run_codec import decode_lease, decode_run, encode_lease
from reconciler.registry.protocol.documents import (
    MAX_TRIES,
    close_run,
    open_run,
    put_document,
    release_lease,
    take_lease,
)
from reconciler.registry.requests import Request, Response, Unclear, WriteDocument
from tests.kit.worlds.faults import Faulty, duplicated, request_lost, response_lost
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import drive

TTL = timedelta(seconds=30)
RUN = OpenRun("20261123t224500z-0123456789ab-0001", "apply", "Ada", START, None, "sha256:0")
FAULTS = [response_lost, request_lost, duplicated]


def stored_lease(world: World) -> Lease:
    entry = world.documents["lease"]
    return decode_lease(entry.versions[entry.current]["doc"])


def stored_run(world: World) -> OpenRun:
    entry = world.documents[f"runs/{RUN.run_id}"]
    return decode_run(entry.versions[entry.current]["doc"])


def test_one_holder_at_a_time_by_the_server_s_time() -> None:
    world = World()
    assert drive(world, take_lease("a", TTL)) == Lease("a", START + TTL)
    world.at += TTL - timedelta(seconds=1)
    assert drive(world, take_lease("b", TTL)).holder == "a"
    world.at += timedelta(seconds=1)
    assert drive(world, take_lease("b", TTL)) == Lease("b", world.at + TTL)
    assert drive(world, take_lease("a", TTL)).holder == "b"


def test_the_holder_renews_and_gives_back() -> None:
    world = World()
    drive(world, take_lease("a", TTL))
    world.at += timedelta(seconds=10)
    assert drive(world, take_lease("a", TTL)).until == world.at + TTL
    drive(world, release_lease("b"))
    assert stored_lease(world).holder == "a"
    assert stored_lease(world).until > world.at
    drive(world, release_lease("a"))
    assert drive(world, take_lease("b", TTL)).holder == "b"
    drive(World(), release_lease("a"))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unclear_lease_is_settled(fault: Callable[[World, Request], Response]) -> None:
    world = World()
    assert drive(Faulty(world, 1, fault), take_lease("a", TTL)).holder == "a"
    assert stored_lease(world).holder == "a"


def test_of_two_that_take_it_at_once_one_has_it() -> None:
    world = World()

    def first(there: World, request: Request) -> Response:
        drive(there, take_lease("b", TTL))
        return there.answer(request)

    assert drive(Faulty(world, 1, first), take_lease("a", TTL)).holder == "b"
    assert stored_lease(world).holder == "b"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_is_put_on_record_once(fault: Callable[[World, Request], Response]) -> None:
    world = World()
    assert drive(Faulty(world, 0, fault), open_run(RUN))
    assert stored_run(world) == RUN
    assert not drive(world, open_run(replace(RUN, actor="Eve")))
    assert stored_run(world) == RUN


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_is_closed(fault: Callable[[World, Request], Response]) -> None:
    world = World()
    drive(world, open_run(RUN))
    drive(Faulty(world, 1, fault), close_run(RUN.run_id))
    assert stored_run(world).closed
    writes = world.writes
    drive(world, close_run(RUN.run_id))
    drive(world, close_run("unknown"))
    assert world.writes == writes


def test_a_document_that_somebody_else_wrote_is_not_ours() -> None:
    world = World()
    drive(world, put_document("lease", encode_lease(Lease("b", START)), 0))
    assert not drive(world, put_document("lease", encode_lease(Lease("a", START)), 0))


def test_trying_ends() -> None:
    class Deaf(Faulty):
        def answer(self, request: Request) -> Response:
            if isinstance(request, WriteDocument):
                self.count += 1
                return Unclear("no answer")
            return self.world.answer(request)

    live = Deaf(World(), 0, request_lost)
    with pytest.raises(VaultUnreachable):
        drive(live, put_document("lease", "{}", 0))
    assert live.count == MAX_TRIES
