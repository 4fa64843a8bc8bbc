"""The audit report of a run, and of earlier runs whose reports are not in the ledger yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import Lease, OpenRun
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import OutcomeStatus
from reconciler.domain.plan.run import RunResult
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.look.records import read_lease, read_registry, readable_runs, survey
from reconciler.engine.runs.earlier import EarlierReport, Files, choose_earlier_report, digest_files
from reconciler.engine.runs.entering import Entries, Registered
from reconciler.engine.runs.history import find_unrecorded, fold_run, list_events, settle_outcomes
from reconciler.errors import AuditError, ReconcilerError, RegistryError, Stopped
from reconciler.planning.actions.renames import merge_revocations
from reconciler.planning.guards.unfinished import at_work
from reconciler.registry.protocol.documents import close_run, finish_run
from reconciler.registry.protocol.log import read_head

# A result, and what kept its report from being committed or pushed.
Reported = tuple[RunResult, AuditError | None]


@dataclass(frozen=True, slots=True)
class After:
    """The registry as a run left it:

    ``records`` None when it could not be read. ``runs``: all on record. ``whole``: no document of
    it was unreadable. ``entries``: so many the evidence log had before.
    """

    records: Mapping[str, ClientRecord] | None = None
    runs: tuple[OpenRun, ...] = ()
    earlier: tuple[OpenRun, ...] = ()
    whole: bool = True
    entries: int = 0

    @property
    def registered(self) -> Registered | None:
        """As the evidence log is told of it."""
        records = self.records
        return None if records is None else Registered(records, self.runs, self.whole, self.entries)


def find_left_over(
    runs: Iterable[OpenRun],
    lease: Lease | None,
    now: datetime,
    own: str = "",
) -> tuple[OpenRun, ...]:
    """The runs that ended without a report in the ledger."""
    waiting = (run for run in runs if not run.closed)
    others = (run for run in waiting if run.run_id != own)
    return tuple(run for run in others if not at_work(run, lease, now))


def recover_result(
    run: OpenRun,
    engine: Engine,
    records: Mapping[str, ClientRecord],
    by: str,
) -> RunResult:
    """The result of a run that did not report itself, folded from what it left on record."""
    times = [event.at for event in list_events(run.run_id, records)]
    last = max(times, default=run.started_at)
    return RunResult(
        run_id=run.run_id,
        environment=engine.environment.name,
        project=engine.project.name,
        command=run.command,
        actor=run.actor,
        git_commit=run.git_commit,
        plan_digest=run.plan_digest,
        started_at=run.started_at,
        finished_at=run.finished_at or last,
        outcomes=fold_run(run, records),
        interrupted=run.interrupted or run.finished_at is None,
        recovered_by=by,
        omitted=run.omitted,
        dirty=run.dirty,
        rollback_from=run.rollback_from,
        actor_salt=run.actor_salt,
    )


def report_run(
    engine: Engine,
    driver: Driver,
    result: RunResult,
    *,
    commit: bool,
    push: bool,
) -> Reported:
    """Write the reports of ``result`` and of earlier runs and their entries in the evidence log,
    commit them, push, and mark the runs as reported.

    Nothing is lost when that fails: the files stay, the runs stay open, and the next run commits
    and pushes the reports, also in another checkout: one that could not push may be a workspace of
    CI that is gone by then. Without ``commit`` only the report of ``result`` is written.
    """
    after, result, files = _finish(engine, driver, result)
    failed = any(one.status is OutcomeStatus.FAILED for one in result.outcomes)
    if failed and after.records is None:
        engine.say(
            f"run {result.run_id} is left open: the next run sees which of its failed actions were"
            " done after all"
        )
        return result, None
    directory = ledger_directory(engine)
    problem: AuditError | None = None
    reported: list[str] = []
    try:
        if result.outcomes:
            engine.ledger.write(files)
            result = replace(result, audit_path=str(directory / f"{result.run_id}.json"))
        if not commit:
            return result, None
        entries = Entries(engine, driver, after.registered)
        earlier, problem = _earlier(engine, after, result.run_id, entries)
        rewritten = tuple(run_id for run_id, one in earlier.items() if one.differed)
        result = replace(result, recovered=tuple(earlier), rewritten=rewritten)
        reported = [*earlier, *([result.run_id] if result.outcomes else [])]
        filed = entries.close(result, files)
        whole: dict[PurePosixPath, str] = {}
        for one in earlier.values():
            whole |= one.files
        whole |= {**files, **filed.files}
        changed = bool(whole or filed.removed)
        if not changed and not reported:
            return result, problem
        if changed:
            engine.ledger.write(filed.files)
            engine.ledger.remove(filed.removed)
            message = _message(engine, result)
            commit_id = engine.ledger.commit(directory, message, whole, filed.removed)
            result = replace(result, audit_commit=commit_id)
            _tell(engine)
    except AuditError as error:
        return replace(result, recovered=(), rewritten=()), error
    unpushed = push_rest(engine, anyway=result.audit_commit is not None) if push else None
    if unpushed is None and not (engine.logged and after.records is None):
        _close(engine, driver, reported, after.runs)
    return result, unpushed or problem


def push_rest(engine: Engine, *, anyway: bool = False) -> AuditError | None:
    """Push the branch when its upstream lacks audit commits, or ``anyway``."""
    try:
        if anyway or engine.ledger.count_unpushed(ledger_directory(engine)):
            engine.ledger.push()
            _tell(engine)
    except AuditError as error:
        return error
    return None


@contextmanager
def say_left_open(run_id: str) -> Iterator[None]:
    """Of a run that a person stops at once, say what becomes of it. Raises ``Stopped`` RC024."""
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(
            "RC024",
            f"stopped: run {run_id} is left open",
            "run apply: what this run did is on record, and the next apply settles what it began"
            " and reports it",
        ) from None


def _tell(engine: Engine) -> None:
    for note in engine.ledger.notes:
        engine.say(note)


def _finish(engine: Engine, driver: Driver, result: RunResult) -> tuple[After, RunResult, Files]:
    """Look at the registry after a run, and put on record there that it finished; the result as the
    registry knows it, and its report.

    Vault may be out of reach. Raises ``VaultError`` for a run that did nothing.
    """
    files: Files = {}
    try:
        after = _look(engine, driver, result.run_id)
        if result.outcomes:
            result = replace(
                result,
                outcomes=settle_outcomes(result.run_id, result.outcomes, after.records or {}),
            )
            rest = find_unrecorded(result.run_id, result.outcomes, after.records or {})
            files = engine.reporter.files(result, after.records)
            interrupted, known = result.interrupted, digest_files(files)
            driver.run(
                finish_run(
                    result.run_id, result.finished_at, rest, interrupted=interrupted, reports=known
                )
            )
    except ReconcilerError as error:
        if not result.outcomes:
            raise
        engine.say(
            f"the registry cannot be read after the run ({error.message}): the report tells no"
            " client's state"
        )
        return After(), result, files or engine.reporter.files(result, None)
    return after, result, files


def _look(engine: Engine, driver: Driver, own: str) -> After:
    head = driver.run(read_head()) if engine.logged else None
    entries = head.size if head else 0
    try:
        registry = read_registry(
            engine.live, engine.project.name, engine.buckets, decoded=engine.decoded
        )
        runs, _ = readable_runs(engine.live)
        return After(
            merge_revocations(registry.records),
            runs,
            find_left_over(runs, read_lease(engine.live), registry.now, own),
            entries=entries,
        )
    # of a client that this run has no part in, or it would not have come so far
    except RegistryError as error:
        engine.say(f"{error.message}: reports of earlier runs wait until it can be read")
        known = survey(engine.live, engine.project.name, engine.buckets)
        return After(merge_revocations(known.records), known.runs, whole=False, entries=entries)


def _earlier(
    engine: Engine,
    after: After,
    by: str,
    entries: Entries,
) -> tuple[dict[str, EarlierReport], AuditError | None]:
    """The reports of earlier runs, written and in the evidence log, by run id. Those that have an
    entry are what it says; the others are rendered.

    One that cannot be reported does not keep the others from it.
    """
    found: dict[str, EarlierReport] = {}
    problem: AuditError | None = None
    records = after.records or {}
    for run in after.earlier:
        try:
            one = entries.find(run.run_id)
            if one is None:
                earlier = recover_result(run, engine, records, by)
                anew = engine.reporter.files(earlier, records)
                one = choose_earlier_report(run, anew, engine.ledger, engine.reporter)
                entries.enter(earlier, one.files)
            engine.ledger.write(one.files)
            found[run.run_id] = one
        except AuditError as error:
            problem = problem or error
    return found, problem


def _message(engine: Engine, result: RunResult) -> str:
    """Fixed words and validated ids: nothing that somebody wrote gets into a commit message."""
    counts = result.summary()
    where = f"audit({engine.environment.name})"
    if not result.outcomes:
        count = len(result.recovered)
        title = f"{where}: {count} earlier" if count else f"{where}: evidence log"
        return "\n\n".join([title, *_others(result)])
    title = f"{where}: run {result.run_id}, {counts['done']} done, {counts['failed']} failed"
    return "\n\n".join([title, *_others(result)])


def _others(result: RunResult) -> list[str]:
    anew = ", made anew: what was there is not what the history says"
    return [
        f"Holds the report of run {run_id}{anew if run_id in result.rewritten else ''}."
        for run_id in result.recovered
    ]


def _close(
    engine: Engine,
    driver: Driver,
    reported: Iterable[str],
    runs: Iterable[OpenRun],
) -> None:
    """Mark runs as reported, and forget all such runs whose plan file nobody can use again
    anyway."""
    try:
        for run_id in reported:
            driver.run(close_run(run_id))
        closed = frozenset(reported)
        for run in runs:
            old = driver.clock.now() - run.started_at > 2 * engine.project.plan_expires
            if (run.closed or run.run_id in closed) and (old or not run.planfile):
                engine.live.delete_document(f"runs/{run.run_id}")
    except ReconcilerError as error:
        engine.say(
            f"the registry was not told that the report is committed ({error.message}): the next"
            " run does that"
        )
