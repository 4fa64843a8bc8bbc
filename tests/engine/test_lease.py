"""One run holds the lease: it waits, renews, notices a loss, and gives it back."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.live.observed import Lease
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.lease import hold_lease
from reconciler.engine.look.records import read_lease
from reconciler.errors import LeaseHeldError, VaultUnreachable
from reconciler.registry.protocol.documents import take_lease
from reconciler.registry.requests import Request, Response, WriteDocument
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import drive, inline_lanes

SOON, LONG = timedelta(seconds=0.3), timedelta(seconds=30)
SECONDS = 30.0  # the longest that a test waits for another thread


@dataclass
class Shared:
    """A world for several threads. ``writes`` counts those of the lease; ``down``: nobody answers
    and ``missed`` is set."""

    world: World = field(default_factory=World)
    down: bool = False
    writes: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    missed: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def answer(self, request: Request) -> Response:
        with self.lock:
            if self.down:
                self.missed.set()
                raise VaultUnreachable("RC401", "no answer")
            answer = self.world.answer(request)
        if isinstance(request, WriteDocument):
            self.writes.release()
        return answer

    def driver(self) -> Driver:
        live: Any = self
        return Driver(live, live, live, ServerClock(self.world.at), inline_lanes())

    def holder(self) -> str | None:
        lease = read_lease(self)
        return lease.holder if lease else None

    def taken_by(self, holder: str, ttl: timedelta) -> Lease:
        with self.lock:
            return drive(self.world, take_lease(holder, ttl))


@dataclass
class Heard:
    """What a run was told."""

    said: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    lost_something: threading.Event = field(default_factory=threading.Event)

    def lost(self, sentence: str) -> None:
        self.losses.append(sentence)
        self.lost_something.set()


def held(shared: Shared, heard: Heard, ttl: timedelta = LONG, *, wait: bool = False) -> Any:
    return hold_lease(
        shared.driver(), "run-1", ttl, wait=wait, lost=heard.lost, say=heard.said.append
    )


def test_it_is_held_inside_and_given_back_however_the_run_ends() -> None:
    shared, heard = Shared(), Heard()
    with held(shared, heard):
        assert shared.holder() == "run-1"
    assert shared.holder() is None
    with pytest.raises(ZeroDivisionError), held(shared, heard):
        raise ZeroDivisionError
    assert shared.holder() is None
    assert shared.taken_by("run-2", LONG).holder == "run-2"
    assert (heard.said, heard.losses) == ([], [])


def test_it_is_renewed_as_long_as_the_run_takes() -> None:
    shared, heard = Shared(), Heard()
    with held(shared, heard, timedelta(seconds=1.5)):
        first = read_lease(shared)
        for _ in range(3):
            with shared.lock:
                shared.world.at += timedelta(seconds=1)
            while shared.writes.acquire(blocking=False):
                """Renewals of before."""
            assert shared.writes.acquire(timeout=SECONDS), "nobody renewed it"
        last = read_lease(shared)
    assert first is not None
    assert last is not None
    assert last.until >= first.until + timedelta(seconds=3)
    assert heard.losses == []


def test_a_lease_of_another_run_is_told_with_its_end_and_left_alone() -> None:
    shared, heard = Shared(), Heard()
    theirs = shared.taken_by("run-2", LONG)
    with (
        pytest.raises(LeaseHeldError, match="run run-2 holds the lease until") as caught,
        held(shared, heard),
    ):
        pytest.fail("two runs are inside")
    assert caught.value.code == "RC398"
    assert read_lease(shared) == theirs


def test_it_waits_for_another_run_and_says_so_once() -> None:
    """The other one ends by the server's clock, not by ours."""
    shared, heard = Shared(), Heard()
    shared.taken_by("run-2", LONG)

    def passes(sentence: str) -> None:
        heard.said.append(sentence)
        with shared.lock:
            shared.world.at += LONG + timedelta(seconds=1)

    with hold_lease(shared.driver(), "run-1", LONG, wait=True, lost=heard.lost, say=passes):
        assert shared.holder() == "run-1"
    (sentence,) = heard.said
    assert "run-2" in sentence


def test_it_waits_no_longer_than_two_lives_of_a_lease() -> None:
    shared, heard = Shared(), Heard()
    shared.taken_by("run-2", LONG)
    with pytest.raises(LeaseHeldError), held(shared, heard, timedelta(seconds=0.05), wait=True):
        pytest.fail("two runs are inside")
    assert shared.holder() == "run-2"


def test_a_lease_that_somebody_else_took_over_is_told_and_not_taken_back() -> None:
    shared, heard = Shared(), Heard()
    with held(shared, heard, SOON):
        with shared.lock:
            shared.world.at += LONG  # ours has ended: this machine slept
            shared.taken_by("run-2", LONG)
        assert heard.lost_something.wait(SECONDS)
    assert heard.losses == ["run run-2 took the lease over"]
    assert shared.holder() == "run-2", "what is theirs is not given back by us"


def test_a_server_that_is_away_is_told_and_renewed_when_it_is_back() -> None:
    shared, heard = Shared(), Heard()
    with held(shared, heard, SOON):
        shared.down = True
        assert shared.missed.wait(SECONDS)
        assert heard.lost_something.wait(SECONDS)
        with shared.lock:
            shared.down = False
            while shared.writes.acquire(blocking=False):
                """Renewals of before."""
        assert shared.writes.acquire(timeout=SECONDS), "nobody renewed it"
    assert all("could not be renewed: no answer" in one for one in heard.losses)
    assert shared.holder() is None
