"""Carries out a plan: renames first, then every bucket on its own, several at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Outcome, OutcomeStatus, Plan, Problem, Stage
from reconciler.domain.values.names import bucket_of
from reconciler.engine.drive import Driver
from reconciler.errors import ReconcilerError
from reconciler.planning.actions.reasons import Reason
from reconciler.registry.protocol.rename import RenameLost, describe_move, move_client
from reconciler.registry.protocol.run_bucket import run_bucket
from reconciler.registry.protocol.work import INTERRUPTED, ClientWork, Run

BUCKET_WORKERS = 16


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
    with ThreadPoolExecutor(
        min(BUCKET_WORKERS, len(works)) or 1, thread_name_prefix="bucket"
    ) as pool:
        futures = [
            pool.submit(_bucket, name, own, driver, run) for name, own in sorted(works.items())
        ]
        for outcome in _collect(futures):
            outcomes[numbers[id(outcome.action)]] = outcome
    return tuple(outcomes[index] for index in sorted(outcomes))


def _bucket(
    name: str,
    works: Sequence[ClientWork],
    driver: Driver,
    run: Run,
) -> list[Outcome]:
    return driver.run(run_bucket(name, works, run))


def _collect(futures: Sequence[Future[list[Outcome]]]) -> list[Outcome]:
    return [outcome for future in as_completed(futures) for outcome in future.result()]


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
