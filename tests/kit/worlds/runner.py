"""Plans and applies against a world without the engine around it: no lease, no report, one
thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, Generic, Protocol, TypeVar
from unittest.mock import patch

from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientStatus
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Plan
from reconciler.engine import executor
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.lanes import Lanes
from reconciler.engine.look.observe import observe
from reconciler.engine.look.records import Decoded
from reconciler.engine.ports import LiveState
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.planner import make_plan
from reconciler.registry.protocol.work import Run
from reconciler.registry.requests import Minted
from reconciler.registry.steps import Steps
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.judge import Site
from tests.kit.worlds.memory import BUCKETS, START, World

Result = TypeVar("Result")


class Ports(LiveState, Site, Protocol):
    """A world: every port that a run needs, and an administrator's eyes.

    ``writes`` counts what was stored.
    """

    owner: str

    @property
    def writes(self) -> int: ...

    def pass_time(self, time: timedelta) -> None: ...

    def mint(self, kind: CredentialKind) -> Minted: ...

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure: ...

    def put_by_hand(self, path: str) -> None: ...

    def destroy_by_hand(self, path: str) -> None: ...

    def forget_by_hand(self, path: str) -> None: ...

    def edit_by_hand(self, old: str, new: str) -> None: ...


AnyWorld = TypeVar("AnyWorld", bound=Ports)


class Inline(Executor):
    """Runs what it is given at once, so that requests have one order, always the same."""

    def __init__(self, *sizes: int, **options: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *values: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*values, **named))  # what it raises, the submitter gets at once
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **options: Any) -> Any:
        return iter([fn(*values) for values in zip(*iterables, strict=True)])


def inline_lanes() -> Lanes:
    """Deliveries one after the other, without a pause between attempts."""
    return Lanes(Inline(), lambda _seconds, then: then(True))


def drive(live: Any, steps: Steps[Result]) -> Result:
    """Run one generator against a world, or against what stands in front of it."""
    return Driver(live, live, live, ServerClock(live.now()), inline_lanes()).run(steps)


class InlineBuckets:
    """The executor handles bucket after bucket in the thread that calls it, also while several runs
    are inside."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._patch = patch.object(executor, "ThreadPoolExecutor", Inline)

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._patch.start()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._patch.stop()


inline_buckets = InlineBuckets()


class Shared(Decoded):
    """What was decoded: records never change, so a copy of a runner has the same ones."""

    def __deepcopy__(self, memo: object) -> Shared:
        return Shared(self)


@dataclass
class Passes(Generic[AnyWorld]):
    """Plans and applies against a world as the engine does, one run after the other."""

    world: AnyWorld
    runs: int = 0
    decoded: Decoded = field(default_factory=Shared)  # as an engine keeps it

    def look(self, live: Any = None) -> Observed:
        return observe(live or self.world, self.world.owner, BUCKETS, decoded=self.decoded)

    def plan(self, desired: Desired, **options: Any) -> Plan:
        observed = options.pop("observed", None) or self.look()
        return make_plan(inputs(desired, observed, observed.now, **options))

    def apply(self, desired: Desired, live: Any = None, **options: Any) -> tuple[Outcome, ...]:
        """``live``: what answers instead of the world (a fault injector).

        Raises whatever it raises.
        """
        observed = self.look()
        plan = self.plan(desired, observed=observed, **options)
        assert not plan.blocked, plan.findings
        return self.carry_out(plan, desired, observed, live)

    def revoke(self, request: RevocationRequest, live: Any = None) -> tuple[Outcome, ...]:
        observed = self.look()
        plan = revocation_plan(
            observed, "production", self.world.owner, request, observed.now, None
        )
        return self.carry_out(plan, None, observed, live)

    def rotate(self, desired: Desired, name: str, live: Any = None) -> tuple[Outcome, ...]:
        return self.apply(
            desired, live, rotations={name: RotationRequest(name, None, "a person asked")}
        )

    def carry_out(
        self, plan: Plan, desired: Desired | None, observed: Observed, live: Any = None
    ) -> tuple[Outcome, ...]:
        live = live or self.world
        driver = Driver(live, live, live, ServerClock(self.world.at), inline_lanes())
        with inline_buckets:
            return executor.execute(
                plan, desired.clients if desired else {}, driver, self.new_run(observed), BUCKETS
            )

    def new_run(self, observed: Observed) -> Run:
        self.runs += 1
        # No run is in the ledger yet: records keep all their events.
        earlier = frozenset(self.run_id(number) for number in range(1, self.runs))
        return Run(self.run_id(self.runs), self.world.owner, earlier, observed.secrets.get)

    @staticmethod
    @cache
    def run_id(number: int) -> str:
        return f"{START + timedelta(seconds=number):%Y%m%dt%H%M%Sz}-0123456789ab-{number:04x}"

    def settle(self, desired: Desired) -> None:
        """Apply until everything is done, and check that the next plan is empty."""
        outcomes = self.apply(desired)
        assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        self.expect_quiet(desired)

    def expect_quiet(self, desired: Desired) -> None:
        """I7: nothing is left to do, and doing it writes nothing."""
        plan = self.plan(desired)
        assert not plan.changes, [
            (action.kind, action.address, action.reason) for action in plan.changes
        ]
        before = self.world.writes
        self.apply(desired)
        assert self.world.writes == before

    def active(self, name: str) -> bool:
        return self.world.records()[name].status is ClientStatus.ACTIVE


@dataclass
class Runner(Passes[World]):
    """Against dictionaries."""
