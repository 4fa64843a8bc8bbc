"""An emergency revocation: from the live record alone, past every lease and guard."""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.observed import Observed
from reconciler.domain.plan import Outcome, OutcomeStatus, Plan
from reconciler.domain.run import RunResult
from reconciler.engine.apply import Options, Stop, carry_out, new_run_id, open_driver, put_on_record, result_of
from reconciler.engine.engine import Engine
from reconciler.engine.observe import read_lease, read_registry, read_runs
from reconciler.engine.reporting import left_over, report
from reconciler.errors import AuditError
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.reasons import RevocationRequest

# A revocation that keeps losing races against a running apply tries again this often.
REVOKE_TRIES = 20


def revoke(engine: Engine, request: RevocationRequest, options: Options) -> tuple[RunResult, AuditError | None]:
    """Revoke at once: no lease, no guard, no declaration. Tries again when a running apply was faster.

    Raises ``UsageError`` for an unknown client or key, ``VaultError``.
    """
    observed = _look(engine)
    plan = _plan(engine, request, observed)
    run_id = new_run_id(observed.now, plan.digest)
    stop = Stop(engine)
    with open_driver(engine, observed.now) as driver:
        if not plan.changes:
            return result_of(engine, run_id, plan, observed.now, (), options), None
        put_on_record(engine, driver, run_id, plan, observed.now, options)
        done: list[Outcome] = []
        rest: list[Outcome] = []
        for _ in range(REVOKE_TRIES):
            outcomes = carry_out(engine, driver, plan, {}, observed, run_id, stop)
            done += [outcome for outcome in outcomes if outcome.status is OutcomeStatus.DONE]
            rest = [outcome for outcome in outcomes if outcome.status is not OutcomeStatus.DONE]
            if not rest or all(outcome.status is OutcomeStatus.FAILED for outcome in rest) or stop.asked():
                break
            observed = _look(engine)
            plan = _plan(engine, request, observed)
        result = result_of(engine, run_id, plan, observed.now, (*done, *rest), options, driver.clock.now())
        earlier = left_over(observed.open_runs, observed.lease, observed.now, run_id)
        return report(engine, driver, result, earlier, commit=options.commit, push=options.push)


def _plan(engine: Engine, request: RevocationRequest, observed: Observed) -> Plan:
    return revocation_plan(
        observed, engine.environment.name, engine.project.name, _moved(request, observed), observed.now,
        engine.ledger.head(),
    )  # fmt: skip


def _moved(request: RevocationRequest, observed: Observed) -> RevocationRequest:
    """A client whose rename was cut short is revoked under its new name, where its record is kept up."""
    record = observed.records.get(request.client)
    if record is not None and record.moving_to in observed.records:
        return replace(request, client=str(record.moving_to))
    return request


def _look(engine: Engine) -> Observed:
    """The registry, the runs and the lease: an emergency does not wait for a look at every secret."""
    registry = read_registry(engine.live, engine.project.name, engine.buckets)
    return Observed(
        registry.now, registry.records, {}, engine.buckets, foreign=registry.foreign,
        open_runs=read_runs(engine.live), lease=read_lease(engine.live),
    )  # fmt: skip
