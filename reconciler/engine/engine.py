"""What a pass over an environment works with, and how it looks at it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.domain.desired import Desired, Environment, Project
from reconciler.domain.judgement import Judge
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Outcome, Plan
from reconciler.domain.record import ClientRecord
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.observe import observe
from reconciler.engine.ports import Ledger, LiveState, Minter, Reporter, Sender
from reconciler.planning.planner import Inputs, make_plan
from reconciler.planning.reasons import RotationRequest

# Deliveries wait for other people's servers: many of them may be under way at once.
DELIVERIES = 32


def _silent(_text: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The ports and settings of one environment. ``say`` gets sentences about progress (stderr);
    ``progress`` gets each outcome and how many there will be; ``stopping`` turns true on Ctrl-C;
    ``edited_policies`` names our Vault policies that are not what bootstrap writes; ``judge`` evaluates the rules
    of one's own in the policy."""

    project: Project
    environment: Environment
    buckets: int
    live: LiveState
    minter: Minter
    sender: Sender
    ledger: Ledger
    reporter: Reporter
    say: Callable[[str], None] = _silent
    progress: Callable[[Outcome, int], None] = lambda outcome, total: None
    stopping: Callable[[], bool] = lambda: False
    edited_policies: Callable[[], tuple[str, ...]] = lambda: ()
    judge: Judge | None = None

    def look(self, *, deep: bool = False) -> Observed:
        """Observe the environment once."""
        observed = observe(self.live, self.project.name, self.buckets, deep=deep)
        return replace(observed, policies_edited=self.edited_policies())

    def driver(self, now: datetime, pool: ThreadPoolExecutor) -> Driver:
        return Driver(self.live, self.minter, self.sender, ServerClock(now), pool)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be planned: all clients, or some; with rotations that a person asked for; now, or at a time.

    ``required`` holds the records of the environment that the promotion gate asks for.
    """

    desired: Desired
    only: Collection[str] | None = None
    addresses: Collection[str] | None = None
    rotations: Mapping[str, RotationRequest] | None = None
    required: Mapping[str, ClientRecord] | None = None
    at: datetime | None = None
    deep: bool = False


def answer(engine: Engine, question: Question, observed: Observed, *, guarded_at: datetime | None = None) -> Plan:
    """The plan for ``question``, from one observation. Pure but for reading git's HEAD."""
    return make_plan(
        Inputs(
            question.desired, observed, question.at or observed.now, engine.ledger.head(), question.only,
            question.addresses, question.rotations or {}, question.required, guarded_at, engine.judge,
        )
    )  # fmt: skip


def repeated(question: Question, plan: Plan) -> Question:
    """The same question as of the time of ``plan``: only what was observed can answer it differently."""
    return replace(question, at=plan.created_at)
