"""The audit report of a run, and of earlier runs that never reported themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from reconciler.domain.observed import Lease, OpenRun
from reconciler.domain.plan import Action, ActionKind, Outcome, OutcomeStatus, Risk
from reconciler.domain.record import ClientRecord
from reconciler.domain.run import RunResult
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine
from reconciler.engine.records import read_registry, survey
from reconciler.errors import AuditError, RegistryError
from reconciler.registry.documents import close_run

# An emergency revocation takes no lease: this long it is taken to be still at work.
UNLEASED_RUN = timedelta(minutes=2)


def left_over(runs: Iterable[OpenRun], lease: Lease | None, now: datetime, own: str = "") -> tuple[OpenRun, ...]:
    """The runs that ended without a report in the ledger."""
    return tuple(
        run
        for run in runs
        if not run.closed
        and run.run_id != own
        and not (lease is not None and lease.holder == run.run_id)
        and not (run.command == "revoke" and now - run.started_at < UNLEASED_RUN)
    )


def recovered(run: OpenRun, engine: Engine, records: Mapping[str, ClientRecord], by: str) -> RunResult:
    """The result of a run that was cut short, folded from the events that it left in the records."""
    events = sorted(
        ((event, record.name) for record in records.values() for event in record.events if event.run == run.run_id),
        key=lambda pair: (pair[0].at, pair[1], pair[0].seq),
    )
    outcomes = tuple(
        Outcome(
            Action(ActionKind(event.kind), event.address, event.reason, event.message, Risk.LOW, client),
            OutcomeStatus.FAILED if event.detail.get("accepted") is False else OutcomeStatus.DONE,
            "on record", event.detail,
        )
        for event, client in events
    )  # fmt: skip
    return RunResult(
        run_id=run.run_id,
        environment=engine.environment.name,
        project=engine.project.name,
        command=run.command,
        actor=run.actor,
        git_commit=run.git_commit,
        plan_digest=run.plan_digest,
        started_at=run.started_at,
        finished_at=max((event.at for event, _ in events), default=run.started_at),
        outcomes=outcomes,
        interrupted=True,
        recovered_by=by,
    )


def report(
    engine: Engine, driver: Driver, result: RunResult, earlier: Iterable[OpenRun], *, commit: bool, push: bool
) -> tuple[RunResult, AuditError | None]:
    """Write the reports of ``result`` and of ``earlier`` runs, commit them, and mark the runs as reported.

    Nothing is lost when that fails: the files stay, the runs stay open and the next run reports them. What is
    committed stays as it is: a run that was killed after its own commit is only marked.
    """
    try:
        records = read_registry(engine.live, engine.project.name, engine.buckets).records
    except RegistryError as error:  # of a client that this run has no part in, or it would not have come so far
        engine.say(f"{error.message}: reports of earlier runs wait until it can be read")
        records, earlier = survey(engine.live, engine.project.name, engine.buckets).records, ()
    directory = PurePosixPath(engine.project.audit_path) / engine.environment.name
    earlier = tuple(earlier)
    untold = [run for run in earlier if not engine.ledger.holds(directory / f"{run.run_id}.json")]
    reported = [recovered(run, engine, records, result.run_id) for run in untold]
    if result.outcomes:
        reported.append(result)
        result = replace(result, audit_path=str(directory / f"{result.run_id}.json"))
    try:
        for one in reported:
            engine.ledger.write(engine.reporter(one, records))
        if not commit:
            return result, None
        if reported:
            result = replace(result, audit_commit=engine.ledger.commit(directory, _message(engine, reported)))
        if push:
            engine.ledger.push()
    except AuditError as error:
        return result, error
    finally:
        for note in engine.ledger.notes:
            engine.say(note)
    for run_id in (*(run.run_id for run in earlier), *([result.run_id] if result.outcomes else [])):
        driver.run(close_run(run_id))
    return result, None


def _message(engine: Engine, reported: list[RunResult]) -> str:
    """Fixed words and validated ids: nothing that somebody wrote gets into a commit message."""
    last = reported[-1]
    counts = last.summary()
    title = f"audit({engine.environment.name}): run {last.run_id}, {counts['done']} done, {counts['failed']} failed"
    others = [f"Also reports run {one.run_id}, which was cut short." for one in reported[:-1]]
    return "\n\n".join([title, *others])


def prune(engine: Engine, runs: Iterable[OpenRun], now: datetime) -> None:
    """Remove closed runs that no plan file can refer to any more."""
    for run in runs:
        if run.closed and now - run.started_at > 2 * engine.project.plan_expires:
            engine.live.delete_document(f"runs/{run.run_id}")
