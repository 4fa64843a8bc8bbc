"""Carries out a plan: renames first, then every bucket on its own, several at a time."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.record import Delivery
from reconciler.domain.plan.plan import Action, Outcome, OutcomeStatus, Plan, Problem, Stage
from reconciler.domain.values.names import bucket_of
from reconciler.engine.drive import Driver, Ended
from reconciler.errors import ReconcilerError
from reconciler.planning.actions.reasons import Reason
from reconciler.registry.protocol.rename import RenameLost, describe_move, move_client
from reconciler.registry.protocol.run_bucket import run_bucket
from reconciler.registry.protocol.work import INTERRUPTED, ClientWork, Run
from reconciler.registry.steps import Steps

BUCKET_WORKERS = 16
# Buckets that wait for deliveries hold their records. Far more than a registry of 256 has.
MOST_WAITING = 1024


def execute(
    plan: Plan,
    desired: Mapping[str, DesiredClient],
    driver: Driver,
    run: Run,
    buckets: int,
) -> tuple[Outcome, ...]:
    """Every changing action of ``plan`` with what became of it, in plan order.

    One bad client does not stop the others. After ``run.stopping()`` turns true nothing new is
    begun.
    """
    outcomes: dict[int, Outcome] = {}
    numbers: dict[int, int] = {}
    by_client: dict[str, list[Action]] = {}
    for index, action in enumerate(plan.changes):
        numbers[id(action)] = index
        by_client.setdefault(action.client, []).append(action)
    works: dict[str, list[ClientWork]] = {}
    for client, actions in sorted(by_client.items()):
        work = ClientWork(client, tuple(actions), desired.get(client), plan.revisions[client])
        renamed, rest = _rename(work, driver, run, buckets)
        outcomes.update({numbers[id(outcome.action)]: outcome for outcome in renamed})
        if rest.actions:
            works.setdefault(bucket_of(client, buckets), []).append(rest)
    todo = deque(run_bucket(name, own, run) for name, own in sorted(works.items()))
    with ThreadPoolExecutor(
        min(BUCKET_WORKERS, len(works)) or 1, thread_name_prefix="bucket"
    ) as pool:
        for outcome in _Buckets(driver, pool, todo).carry_out():
            outcomes[numbers[id(outcome.action)]] = outcome
    return tuple(outcomes[index] for index in sorted(outcomes))


class _Buckets:
    """Buckets on their way through ``pool``. One that waits for deliveries holds no thread: another
    one is begun in its place, so long as there is a thread that could deliver for it."""

    def __init__(self, driver: Driver, pool: Executor, todo: deque[Steps[list[Outcome]]]) -> None:
        self._driver = driver
        self._pool = pool
        self._todo = todo
        self._changed = driver.lanes.changed
        self._working = self._waiting = 0
        self._outcomes: list[Outcome] = []
        self._failure: BaseException | None = None

    def carry_out(self) -> list[Outcome]:
        """What became of all, in no order. After an exception that is no failure of a request
        nothing more is begun."""
        with self._changed:
            self._begin_more()
            while self._working or self._waiting:
                self._changed.wait()
                self._begin_more()
        if self._failure is not None:
            raise self._failure
        return self._outcomes

    def _begin_more(self) -> None:
        while self._todo and self._working < BUCKET_WORKERS and self._may_wait():
            self._working += 1
            self._pool.submit(self._advance, self._todo.popleft(), ())

    def _may_wait(self) -> bool:
        """Whether one more bucket with deliveries would not only lie there."""
        return self._waiting < BUCKET_WORKERS or (
            self._waiting < MOST_WAITING and self._driver.lanes.has_room
        )

    def _advance(self, steps: Steps[list[Outcome]], begun: Sequence[Future[Delivery]]) -> None:
        try:
            came = self._driver.advance(steps, begun)
        except BaseException as error:  # noqa: BLE001 - raised by carry_out
            with self._changed:
                self._failure = self._failure or error
                self._todo.clear()  # what is under way goes on to its end
                self._working -= 1
                self._changed.notify_all()
            return
        with self._changed:
            self._working -= 1
            if isinstance(came, Ended):
                self._outcomes += came.result
            else:
                self._waiting += 1
            self._changed.notify_all()
        if not isinstance(came, Ended):
            _when_all_ended(came, partial(self._resume, steps, came))

    def _resume(self, steps: Steps[list[Outcome]], begun: Sequence[Future[Delivery]]) -> None:
        with self._changed:
            self._waiting -= 1
            self._working += 1
        self._pool.submit(self._advance, steps, begun)


def _when_all_ended(futures: Sequence[Future[Delivery]], call: Callable[[], None]) -> None:
    """Have the last of ``futures``, of which there is one at least, call ``call``.

    A future keeps whom it told, and ``call`` may know the futures: once it was called it is let go,
    or all that was delivered would stay until the end of the run.
    """
    left = itertools.count(len(futures) - 1, -1)
    calls = [call]

    def count(_ended: Future[Delivery]) -> None:
        if not next(left):
            calls.pop()()

    for future in futures:
        future.add_done_callback(count)


def _rename(
    work: ClientWork,
    driver: Driver,
    run: Run,
    buckets: int,
) -> tuple[list[Outcome], ClientWork]:
    """Carry out the renames of one client; their outcomes, and what is left of its work."""
    outcomes: list[Outcome] = []
    for action in [action for action in work.actions if is_rename(action)]:
        work = replace(work, actions=tuple(one for one in work.actions if one is not action))
        if run.stopping():
            outcome = Outcome(action, OutcomeStatus.SKIPPED, INTERRUPTED, reached=Stage.NOT_BEGUN)
        else:
            outcome = Outcome(action, OutcomeStatus.DONE, "done", describe_move(action))
            try:
                work = replace(work, revision=driver.run(move_client(action, buckets, run)))
            except RenameLost as error:
                outcome = Outcome(action, OutcomeStatus.SKIPPED, f"not renamed: {error}")
            except ReconcilerError as error:
                problem = Problem(error.code, error.message)
                outcome = Outcome(action, OutcomeStatus.FAILED, str(problem), problem=problem)
        outcomes.append(outcome)
        if outcome.status is not OutcomeStatus.DONE:
            outcomes += [replace(outcome, action=left) for left in work.actions]
            work = replace(work, actions=())
            break
    for outcome in outcomes:
        run.report(outcome)
    return outcomes, work


def is_rename(action: Action) -> bool:
    return action.kind is ActionKind.UPDATE_CLIENT and action.reason == Reason.RENAMED
