"""Threads for deliveries: what one host, or a pause, can take of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from reconciler.engine.lanes import Lanes, Pauses

PATIENCE_SECONDS = 20


class Queue:
    """A pool whose threads are the test: what was submitted runs when it says so."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def submit(self, call: Callable[..., Any], *values: Any) -> Future[Any]:
        self.calls.append(lambda: call(*values))
        return Future()

    def run_next(self) -> None:
        self.calls.pop(0)()


def lanes_of(queue: Queue, **limits: int) -> Lanes:
    pool: Any = queue
    return Lanes(pool, lambda _seconds, then: then(True), **limits)


def test_what_waits_for_its_host_is_in_no_queue_of_a_thread() -> None:
    queue, ran = Queue(), list[str]()
    lanes = lanes_of(queue, threads=3, per_host=2)
    for call in ("a1", "a2", "a3", "a4", "b1", "a5"):
        lanes.begin(call[0], lambda call=call: ran.append(call))  # type: ignore[misc]
    assert len(queue.calls) == 3
    assert [lanes.has_room] == [False]
    queue.run_next()
    assert ran == ["a1"]
    assert len(queue.calls) == 3, "a3 has taken the place of a1"
    while queue.calls:
        queue.run_next()
    assert ran == ["a1", "a2", "b1", "a3", "a4", "a5"]
    assert lanes.has_room
    assert (lanes._running, lanes._waiting) == ({}, {})


def test_a_call_that_fails_leaves_its_place() -> None:
    queue, ran = Queue(), list[str]()
    lanes = lanes_of(queue, threads=1, per_host=1)

    def fail() -> None:
        raise ArithmeticError

    lanes.begin("a", fail)
    lanes.begin("a", lambda: ran.append("next"))
    with pytest.raises(ArithmeticError):
        queue.run_next()
    queue.run_next()
    assert ran == ["next"]
    assert lanes.has_room


def test_a_free_thread_is_told() -> None:
    with ThreadPoolExecutor(1) as pool:
        lanes = Lanes(pool, lambda _seconds, then: then(True), threads=1, per_host=1)
        going = threading.Event()

        def stay() -> None:
            going.wait(PATIENCE_SECONDS)

        lanes.begin("a", stay)
        with lanes.changed:
            assert [lanes.has_room] == [False]
            going.set()
            assert lanes.changed.wait_for(lambda: lanes.has_room, PATIENCE_SECONDS)


class Told:
    """What pauses said, in order."""

    def __init__(self, count: int) -> None:
        self.said: list[tuple[str, bool]] = []
        self._left = threading.Semaphore(0)
        self._count = count

    def hear(self, name: str) -> Callable[[bool], None]:
        def then(goes_on: bool) -> None:
            self.said.append((name, goes_on))
            self._left.release()

        return then

    def wait(self) -> list[tuple[str, bool]]:
        for _ in range(self._count):
            assert self._left.acquire(timeout=PATIENCE_SECONDS)
        return self.said


def test_a_pause_ends() -> None:
    told = Told(2)
    with Pauses(lambda: True) as pauses:
        pauses(1e6, Told(0).hear("later"))
        pauses(0.0, told.hear("a"))
        pauses(0.001, told.hear("b"))
        assert sorted(told.wait()) == [("a", True), ("b", True)]


def test_nobody_pauses_when_the_run_is_to_stop() -> None:
    told, goes_on = Told(2), [True]
    with Pauses(lambda: goes_on[0]) as pauses:
        pauses(2e6, told.hear("b"))
        pauses(1e6, told.hear("a"))
        goes_on[0] = False
        assert told.wait() == [("a", False), ("b", False)]


def test_pauses_that_nobody_waits_for_end_with_the_run() -> None:
    told = Told(0)
    with Pauses(lambda: True) as pauses:
        pauses(1e6, told.hear("a"))
    assert told.said == []
    assert pauses._thread is not None
    assert not pauses._thread.is_alive()
