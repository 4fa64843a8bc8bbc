"""Two or three runs at the same time, one request at a time, in an order that is chosen.

``every_order`` goes through all orders of two runs' requests, but takes only one of those that
differ in nothing but the order of requests that do not touch each other (sleep sets: P. Godefroid,
"Partial-Order Methods for the Verification of Concurrent Systems", 1996). Each order starts from
scratch: a generator cannot be copied.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.registry.requests import (
    DestroyVersions,
    MakeTransitKey,
    PutSecret,
    ReadDocument,
    ReadLogKeys,
    ReadMetadata,
    ReadSubkeys,
    RemoveTransitKey,
    Request,
    ResetMetadata,
    Response,
    SignLog,
    WriteDocument,
)
from tests.kit.worlds.runner import Ports

# A run that waits this long for its turn will never get it.
STUCK_SECONDS = 60.0
REGISTRY = "buckets/"


@dataclass(frozen=True)
class Touch:
    """What a request touches, a folder with a slash at its end: two that only read, or touch
    different things, may change places."""

    what: str
    writes: bool

    def covers(self, other: Touch) -> bool:
        return other.what == self.what or (
            self.what.endswith("/") and other.what.startswith(self.what)
        )

    def meets(self, other: Touch) -> bool:
        return (self.covers(other) or other.covers(self)) and (self.writes or other.writes)


def touch(request: Request) -> Touch:
    match request:
        case ReadDocument(name):
            return Touch(name, writes=False)
        case WriteDocument(name):
            return Touch(name, writes=True)
        case ReadSubkeys(path) | ReadMetadata(path):
            return Touch(path, writes=False)
        case PutSecret(path) | DestroyVersions(path) | ResetMetadata(path):
            return Touch(path, writes=True)
        case SignLog() | ReadLogKeys():
            return Touch("the log's key", writes=False)
        case MakeTransitKey(name) | RemoveTransitKey(name):
            return Touch(name, writes=True)
    raise TypeError(request)


class Gate:
    """What one run talks to: every request waits for its turn. Implements the ports that a run
    needs.

    A look at many documents at once counts as one request, but those of ``apart`` are read one by
    one: what they hold then is of different moments."""

    def __init__(self, world: Ports, apart: Sequence[str] = ()) -> None:
        self._world, self._apart = world, apart
        self.wanted: Touch | None = None
        self.asked, self.allowed = threading.Semaphore(0), threading.Semaphore(0)
        self.run_id: str | None = None

    def answer(self, request: Request) -> Response:
        self._wait(touch(request))
        return self._world.answer(request)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        first = [
            one for one in requests if isinstance(one, ReadDocument) and one.name in self._apart
        ]
        answers = {one: self.answer(one) for one in first}
        if len(requests) > len(first):
            self._wait(Touch(REGISTRY, writes=False))
        rest = iter(self._world.answer_all([one for one in requests if one not in answers]))
        return [answers[one] if one in answers else next(rest) for one in requests]

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        return [call() for call in calls]

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        self._wait(Touch(f"{folder}/", writes=False))
        return self._world.list_secrets(folder, deep=deep)

    def list_documents(self, folder: str) -> tuple[str, ...]:
        self._wait(Touch(f"{folder}/", writes=False))
        return self._world.list_documents(folder)

    def read_secret(self, path: str, version: int) -> Secret | None:
        self._wait(Touch(path, writes=False))
        return self._world.read_secret(path, version)

    def sign(self, key: str, content: bytes) -> bytes:
        self._wait(Touch(key, writes=False))
        return self._world.sign(key, content)

    def __getattr__(self, name: str) -> Any:
        """What touches nothing that another run writes needs no turn."""
        return getattr(self._world, name)

    def _wait(self, wanted: Touch) -> None:
        self.wanted = wanted
        self.asked.release()
        if not self.allowed.acquire(timeout=STUCK_SECONDS):
            raise TimeoutError("no turn")


Work = Callable[[Gate], Any]


class Runs:
    """Runs that are under way. ``waiting``: what each of them wants to do next."""

    def __init__(self, world: Ports, works: Sequence[Work], apart: Sequence[str] = ()) -> None:
        self._gates = [Gate(world, apart) for _ in works]
        self._failures: list[BaseException] = []
        self.results: list[Any] = [None] * len(works)
        self._threads = [
            threading.Thread(target=self._run, args=(index, work), daemon=True)
            for index, work in enumerate(works)
        ]
        self.waiting: dict[int, Touch] = {}
        for index, thread in enumerate(self._threads):
            thread.start()
            self._settle(index)

    def step(self, index: int) -> None:
        """Let one run make its request, and wait until it wants the next one or has ended."""
        del self.waiting[index]
        self._gates[index].allowed.release()
        self._settle(index)

    def finish(self) -> None:
        """In any order."""
        while self.waiting:
            self.step(min(self.waiting))

    def _settle(self, index: int) -> None:
        gate = self._gates[index]
        if not gate.asked.acquire(timeout=STUCK_SECONDS):
            raise TimeoutError("a run neither asks nor ends")
        if gate.wanted is not None:
            self.waiting[index] = gate.wanted
            gate.wanted = None
        else:
            self._threads[index].join()
        if self._failures:
            raise self._failures[0]

    def _run(self, index: int, work: Work) -> None:
        gate = self._gates[index]
        try:
            self.results[index] = work(gate)
        except BaseException as error:  # noqa: BLE001 - told to the test by its own thread
            self._failures.append(error)
        gate.asked.release()


@dataclass
class Node:
    """A moment at which the order was chosen. ``asleep``: runs whose next request was tried before,
    and which nothing that happened since touches."""

    waiting: dict[int, Touch]
    asleep: dict[int, Touch]
    chosen: int
    tried: dict[int, Touch] = field(default_factory=dict)

    def after(self) -> dict[int, Touch]:
        now = self.waiting[self.chosen]
        known = {**self.asleep, **self.tried}
        return {
            index: touched
            for index, touched in known.items()
            if index != self.chosen and not touched.meets(now)
        }

    def next(self) -> bool:
        """Choose another run; False when all were tried."""
        self.tried[self.chosen] = self.waiting[self.chosen]
        left = [
            index for index in self.waiting if index not in self.tried and index not in self.asleep
        ]
        if left:
            self.chosen = left[0]
        return bool(left)


def every_order(start: Callable[[], Runs]) -> Iterator[Runs]:
    """Each different order, carried out to its end.

    ``start`` begins anew, always in the same way.
    """
    path: list[Node] = []
    while True:
        runs = start()
        depth, asleep, new = 0, dict[int, Touch](), True
        while runs.waiting and new:
            if depth == len(path):
                awake = [index for index in runs.waiting if index not in asleep]
                new = bool(awake)  # if not, this order was seen
                if not new:
                    break
                path.append(Node(dict(runs.waiting), asleep, awake[0]))
            node = path[depth]
            assert node.waiting.keys() == runs.waiting.keys(), (
                "the runs are not the same when they are run again"
            )
            asleep, depth = node.after(), depth + 1
            runs.step(node.chosen)
        if new:
            yield runs
        runs.finish()
        while path and not path[-1].next():
            path.pop()
        if not path:
            return


def some_orders(start: Callable[[], Runs], seed: str, count: int) -> Iterator[Runs]:
    """``count`` orders by chance, always the same ones for a seed."""
    random = Random(seed)
    for _ in range(count):
        runs = start()
        while runs.waiting:
            runs.step(random.choice(sorted(runs.waiting)))
        yield runs
