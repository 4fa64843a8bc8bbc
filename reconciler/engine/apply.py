"""One run: lease, second look, carry out, report."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import Checkout
from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.live.observed import Observed, OpenRun
from reconciler.domain.plan.plan import Outcome, Plan, Stage
from reconciler.domain.plan.run import RunResult
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.book import is_log_due, refuse_parted_log
from reconciler.engine.executor import execute
from reconciler.engine.lanes import Lanes, Pauses
from reconciler.engine.lease import hold_lease
from reconciler.engine.planfile import saved as saved_plan
from reconciler.engine.planfile.continued import take_rest
from reconciler.engine.runs.history import sort_outcomes
from reconciler.engine.runs.reporting import (
    Reported,
    find_left_over,
    push_rest,
    report_run,
    say_left_open,
)
from reconciler.errors import (
    BlockedError,
    LeaseHeldError,
    Level,
    ReconcilerError,
    StalePlanError,
    TokenInvalid,
    VaultUnavailable,
    VaultUnreachable,
)
from reconciler.planning.actions.inputs import Inputs, Question, pair_up
from reconciler.planning.guards.checkout import next_applied
from reconciler.planning.planner import make_plan, plan_again
from reconciler.registry.protocol.applied import record_applied
from reconciler.registry.protocol.documents import open_run
from reconciler.registry.protocol.work import Run

# Each time that a plan has to be made again another run came to its end.
PLANS = 20
# Of a run without a plan.
_NO_DIGEST = "0" * 12
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is made. ``planfile``: the plan comes from a file and may be used once."""

    command: str = "apply"
    planfile: bool = False
    wait: bool = True
    commit: bool = True
    push: bool = False


# A plan that was made of another observation and agreed to anew, and what it was made of.
Anew = Callable[[Observed], tuple[Inputs, Plan]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a second look found: ``left`` is what is left of the plan that was agreed to, ``fresh``
    the one that ``inputs`` give."""

    left: Plan
    fresh: Plan
    inputs: Inputs


class Moved(StalePlanError):
    """Live state is not any more what the plan was made from. ``observed`` is what it is now."""

    def __init__(self, observed: Observed) -> None:
        super().__init__(
            "RC395",
            "live state changed between the plan and its confirmation",
            "look at the new plan and apply it",
        )
        self.observed = observed


def run_plan(
    engine: Engine,
    inputs: Inputs,
    plan: Plan,
    options: Options,
    anew: Anew | None = None,
) -> Reported:
    """Carry out ``plan``, which was made of ``inputs`` or for the same, and agreed to.

    Under the lease everything is looked at again. ``anew`` makes another plan when live state
    changed meanwhile, mostly by the run that held the lease before; None: a person agreed to this
    plan and to no other one.

    Raises ``BlockedError`` (a guard), ``StalePlanError`` (something it touches changed),
    ``LeaseHeldError``, ``VaultError``; then nothing was changed. With nothing to do and nothing
    left to report, nothing is written at all.
    """
    plans = 0
    while True:
        try:
            return _carry_out(engine, inputs, plan, options)
        except Moved as moved:
            plans += 1
            if anew is None or plans == PLANS:
                raise
            engine.say("live state changed while this run waited: planning again")
            inputs, plan = anew(moved.observed)


def _carry_out(
    engine: Engine,
    inputs: Inputs,
    plan: Plan,
    options: Options,
) -> Reported:
    question, observed = inputs.question, inputs.observed
    made = inputs, plan
    if options.planfile:
        # spares taking the lease for a plan that is stale
        looked = _second_look(engine, question, plan, observed, options)
        made = looked.inputs, looked.fresh
    refuse_blocked(plan)
    if plan.changes and options.commit:
        engine.ledger.refuse_unready(ledger_directory(engine), push=options.push)
    run_id = new_run_id(observed.now, plan.digest)
    with open_driver(engine, observed.now) as driver:
        if not plan.changes:
            _put_checkout_on_record(engine, driver, run_id, question, plan, observed)
            result = make_result(engine, run_id, plan, observed.now, (), options)
            if options.commit and (
                find_left_over(observed.open_runs, observed.lease, observed.now)
                or is_log_due(engine, driver)
            ):
                return report_run(engine, driver, result, commit=options.commit, push=options.push)
            return result, push_rest(engine) if options.commit and options.push else None
        stop = Stop(engine)
        with hold_lease(
            driver,
            run_id,
            engine.environment.lease_ttl,
            wait=options.wait,
            lost=stop.because,
            say=engine.say,
        ):
            # Our own lease tells nothing of others.
            observed = replace(engine.look(question.desired, deep=question.deep), lease=None)
            looked = _second_look(engine, question, plan, observed, options, made)
            plan = looked.left
            salt = new_salt()
            put_on_record(engine, driver, run_id, plan, observed.now, options, salt)
            with say_left_open(run_id):
                if question.applying:
                    put_commit_on_record(driver, run_id, looked.inputs.checkout, observed)
                outcomes = carry_out(
                    engine, driver, plan, question.desired.clients, observed, run_id, stop
                )
                driver.clock.catch_up(observed.now)
                result = make_result(
                    engine, run_id, plan, observed.now, outcomes, options, driver.clock.now()
                )
                result = replace(result, actor_salt=salt)
                return report_run(engine, driver, result, commit=options.commit, push=options.push)


def refuse_unfit_log(engine: Engine) -> None:
    """A log that cannot go on stops a run before it plans. Raises as ``refuse_parted_log`` does."""
    if engine.logged:
        with open_driver(engine, _LONG_AGO) as driver:  # nothing is judged by the time
            refuse_parted_log(engine, driver)


class Stop:
    """Whether to stop between actions: a person asked for it, the lease was lost, or Vault serves
    us no longer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lost = threading.Event()

    def because(self, sentence: str) -> None:
        # of many threads that meet the same trouble the first one tells
        if not self._lost.is_set():
            self._lost.set()
            self._engine.say(f"stopping: {sentence}")

    def note_trouble(self, error: ReconcilerError) -> None:
        """Stop where everything that is left would fail likewise: after all retries, or without a
        valid token."""
        if isinstance(error, VaultUnreachable | VaultUnavailable | TokenInvalid):
            self.because(error.message)

    def is_asked(self) -> bool:
        return self._lost.is_set() or self._engine.stopping()


def refuse_blocked(plan: Plan) -> None:
    """Raises ``BlockedError`` with the first guard's sentence, and all findings of the plan."""
    blocks = [finding for finding in plan.findings if finding.level is Level.ERROR]
    if blocks:
        more = (
            f" (and {len(blocks) - 1} more finding{'s' * (len(blocks) > 2)})"
            if len(blocks) > 1
            else ""
        )
        message = f"the plan is blocked: {blocks[0].message}{more}"
        raise BlockedError(blocks[0].code, message, blocks[0].remedy, plan.findings)


def _second_look(
    engine: Engine,
    question: Question,
    plan: Plan,
    observed: Observed,
    options: Options,
    made: tuple[Inputs, Plan] | None = None,
) -> Looked:
    """Under the lease: is it still the plan that was agreed to? Guards look at it as of now. With
    what is left of it goes what no commit held when it was made, or holds now. ``made``: a plan,
    and what it was made of; where that is as it was, it is not planned once more."""
    pairs = pair_up(question.desired, observed)
    # As of the time of the plan: only what was observed can answer the question differently.
    then = replace(question, at=plan.created_at)
    inputs = engine.inputs(then, observed, pairs, guarded_at=observed.now)
    fresh = make_plan(inputs) if made is None else plan_again(made[1], made[0], inputs)
    if options.planfile:
        saved_plan.refuse_expired(plan, observed.now, engine.project.plan_expires)
        plan = take_rest(plan, fresh, observed, pairs)
    elif fresh.digest != plan.digest:
        raise Moved(observed)
    refuse_blocked(fresh)
    left = replace(plan, dirty=tuple(sorted({*plan.dirty, *fresh.dirty})))
    return Looked(left, fresh, inputs)


def put_commit_on_record(
    driver: Driver,
    run_id: str,
    checkout: Checkout,
    observed: Observed,
) -> None:
    """Before anything of it is done: from here on an older commit is a step back. Raises
    ``StalePlanError`` RC395 when another run put another commit on record meanwhile."""
    now = next_applied(checkout, run_id, observed)
    if now is not None and not driver.run(record_applied(now, observed.applied)):
        # It did nothing, and stays on record: an entry of the log may have named it as open.
        raise StalePlanError(
            "RC395",
            "another run applied another commit meanwhile",
            "look at the new plan and apply it",
        )


def _put_checkout_on_record(
    engine: Engine,
    driver: Driver,
    run_id: str,
    question: Question,
    plan: Plan,
    observed: Observed,
) -> None:
    """Without anything to do only this, once each: what changed of the clients that no commit
    holds; a step back that was allowed, because whoever rewrote the history would be asked for
    ever; and the commit, in a registry with clients where none is on record."""
    known = observed.applied
    if not question.applying or (known is None and not observed.records):
        return
    now = next_applied(engine.checkout(question.desired, known), run_id, observed)
    if now is None:
        return
    if known is None:
        driver.run(record_applied(now, None))
        return
    if plan.rollback_from is None:
        now = replace(now, commit=known.commit)
    # Names of clients that are not on record any more go with the next change.
    there = known.uncommitted.intersection({*observed.records, *now.uncommitted})
    if (now.commit, now.uncommitted) != (known.commit, there):
        driver.run(record_applied(now, known))


def put_on_record(
    engine: Engine,
    driver: Driver,
    run_id: str,
    plan: Plan,
    now: datetime,
    options: Options,
    salt: str,
) -> None:
    run = OpenRun(
        run_id,
        options.command,
        engine.ledger.actor(),
        now,
        plan.git_commit,
        plan.digest,
        options.planfile,
        dirty=plan.dirty,
        rollback_from=plan.rollback_from,
        actor_salt=salt,
    )
    engine.live.run_id = run_id
    if not driver.run(open_run(run)):
        raise LeaseHeldError(
            "RC398", f"another run already has the id {run_id}", "run the same command again"
        )


def carry_out(
    engine: Engine,
    driver: Driver,
    plan: Plan,
    desired: Mapping[str, DesiredClient],
    observed: Observed,
    run_id: str,
    stop: Stop,
) -> tuple[Outcome, ...]:
    total = len(plan.changes)
    unreported = observed.unreadable_runs | {
        run.run_id for run in observed.open_runs if not run.closed
    }
    run = Run(
        run_id,
        engine.project.name,
        unreported,
        observed.secrets.get,
        stop.is_asked,
        lambda outcome: engine.progress(outcome, total),
    )
    return execute(plan, desired, replace(driver, troubled=stop.note_trouble), run, engine.buckets)


@contextmanager
def open_driver(engine: Engine, now: datetime) -> Iterator[Driver]:
    limits = engine.environment.deliveries
    with (
        ThreadPoolExecutor(limits.concurrency, thread_name_prefix="delivery") as pool,
        Pauses(lambda: not engine.stopping()) as pauses,
    ):
        lanes = Lanes(pool, pauses, threads=limits.concurrency, per_host=limits.per_host)
        yield engine.driver(now, lanes)


def new_run_id(now: datetime, digest: str = _NO_DIGEST) -> str:
    """``20261123T224500Z-<12 digits of the plan digest>-<4 random digits>``; a run without a plan
    has zeros."""
    return (
        f"{now:%Y%m%dT%H%M%SZ}-{digest.removeprefix('sha256:')[:12]}-{secrets.token_hex(2)}".lower()
    )


def make_planless_result(
    engine: Engine,
    run_id: str,
    command: str,
    now: datetime,
    salt: str = "",
) -> RunResult:
    """The result of a run that changes no client and has no plan: what it does is to the log
    alone."""
    return RunResult(
        run_id=run_id,
        environment=engine.environment.name,
        project=engine.project.name,
        command=command,
        actor=engine.ledger.actor(),
        git_commit=engine.ledger.head(),
        plan_digest="",
        started_at=now,
        finished_at=now,
        outcomes=(),
        actor_salt=salt,
    )


def new_salt() -> str:
    """32 random hex digits: with them the log commits to a person whose name it does not hold."""
    return secrets.token_hex(16)


def make_result(
    engine: Engine,
    run_id: str,
    plan: Plan,
    started: datetime,
    outcomes: tuple[Outcome, ...],
    options: Options,
    finished: datetime | None = None,
) -> RunResult:
    return RunResult(
        run_id=run_id,
        environment=engine.environment.name,
        project=engine.project.name,
        command=options.command,
        actor=engine.ledger.actor(),
        git_commit=plan.git_commit,
        plan_digest=plan.digest,
        started_at=started,
        finished_at=finished or started,
        outcomes=sort_outcomes(outcomes),
        interrupted=any(outcome.stage is Stage.NOT_BEGUN for outcome in outcomes),
        dirty=plan.dirty,
        rollback_from=plan.rollback_from,
    )
