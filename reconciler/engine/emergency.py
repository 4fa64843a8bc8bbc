"""An emergency revocation: from the live record alone, past every lease and guard."""

from __future__ import annotations

import threading
from dataclasses import replace

from reconciler.domain.declared.checkout import Loaded
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Plan
from reconciler.domain.values.names import bucket_of
from reconciler.engine.apply import (
    Options,
    Stop,
    carry_out,
    make_result,
    new_run_id,
    new_salt,
    open_driver,
    put_on_record,
)
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.look.records import LOOKS, survey
from reconciler.engine.runs.reporting import Reported, report_run, say_left_open
from reconciler.errors import AuditError, BlockedError
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.guards.ownership import find_doubts

# A revocation that keeps losing races against a running apply tries again this often.
REVOKE_TRIES = 20
# So long a revocation waits for git, which only the evidence needs.
GIT_SECONDS = 5


def revoke_now(
    engine: Engine,
    request: RevocationRequest,
    observed: Observed,
    options: Options,
    loaded: Loaded,
) -> Reported:
    """Revoke at once: no lease, no guard, no declaration. Tries again when a running apply was
    faster.

    ``observed`` is what ``look_for_client`` saw, ``loaded`` what was read of the project. Raises
    ``UsageError`` for an unknown client or key, ``VaultError``.
    """
    commit, dirty = _ask_git(engine, loaded)
    plan = _plan(engine, request, observed, commit, dirty)
    run_id = new_run_id(observed.now, plan.digest)
    stop = Stop(engine)
    with open_driver(engine, observed.now) as driver:
        if not plan.changes:
            return make_result(engine, run_id, plan, observed.now, (), options), None
        if options.commit:
            _warn_unready(engine, push=options.push)
        salt = new_salt()
        put_on_record(engine, driver, run_id, plan, observed.now, options, salt)
        with say_left_open(run_id):
            done: list[Outcome] = []
            rest: list[Outcome] = []
            for _ in range(REVOKE_TRIES):
                outcomes = carry_out(engine, driver, plan, {}, observed, run_id, stop)
                done += [outcome for outcome in outcomes if outcome.status is OutcomeStatus.DONE]
                rest = [outcome for outcome in outcomes if outcome.status is not OutcomeStatus.DONE]
                if (
                    not rest
                    or all(outcome.status is OutcomeStatus.FAILED for outcome in rest)
                    or stop.is_asked()
                ):
                    break
                observed = look_for_client(engine, request.client)
                plan = _plan(engine, request, observed, commit, dirty)
            result = make_result(
                engine, run_id, plan, observed.now, (*done, *rest), options, driver.clock.now()
            )
            result = replace(result, actor_salt=salt)
            return report_run(engine, driver, result, commit=options.commit, push=options.push)


def _plan(
    engine: Engine,
    request: RevocationRequest,
    observed: Observed,
    commit: str | None,
    dirty: tuple[str, ...],
) -> Plan:
    where = engine.environment.name
    plan = revocation_plan(observed, where, engine.project.name, request, observed.now, commit)
    return replace(plan, dirty=dirty)


def _warn_unready(engine: Engine, *, push: bool) -> None:
    """Git refuses no revocation: its report is committed by a later run."""
    try:
        engine.ledger.refuse_unready(ledger_directory(engine), push=push)
    except AuditError as error:
        engine.say(
            f"the revocation goes on, and its report waits: {error.message} ({error.code});"
            f" {error.remedy}"
        )


def _ask_git(engine: Engine, loaded: Loaded) -> tuple[str | None, tuple[str, ...]]:
    """The commit for the evidence, and what of ``loaded`` it does not hold. Git refuses no
    revocation and holds none up: where it does not answer, or not soon, there is no commit, and
    nothing is known to be committed."""
    answers: list[tuple[str | None, tuple[str, ...]]] = []
    troubles = [f"git did not answer within {GIT_SECONDS} s"]

    def ask() -> None:
        try:
            answers.append((engine.ledger.head(), engine.ledger.differing(loaded)))
        except AuditError as error:
            troubles.insert(0, error.message)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(GIT_SECONDS)
    if answers:
        return answers[0]
    engine.say(
        "the report will name no commit, and whether one holds what was used is not known:"
        f" {troubles[0]}"
    )
    return None, tuple(sorted(loaded))


def look_for_client(engine: Engine, client: str) -> Observed:
    """What is on record for ``client``, and which runs are open. An emergency neither waits for a
    look at every secret nor stops at a document that has no part in it: only the bucket of the
    client has to be readable. (Of a client that is being renamed, every record that can be found is
    revoked.)

    Raises ``RegistryError`` when that one is not, and ``BlockedError`` when the client's record was
    edited by hand and claims the secrets of another client.
    """
    own = f"buckets/{bucket_of(client, engine.buckets)}"
    looks = 0
    while True:  # a client that is just being renamed may be missing from one look
        known = survey(engine.live, engine.project.name, engine.buckets)
        looks += 1
        if own in known.unreadable:
            raise known.unreadable[own]
        if client in known.records or looks == LOOKS:
            break
    unreadable = {
        name.removeprefix("runs/") for name in known.unreadable if name.startswith("runs/")
    }
    observed = Observed(
        known.now,
        known.records,
        {},
        engine.buckets,
        foreign=known.foreign,
        open_runs=known.runs,
        unreadable_runs=frozenset(unreadable),
        misplaced=known.misplaced,
    )
    record = known.records.get(client)
    if record is not None and record.edited:
        _refuse_shared(observed, record)
    return observed


def _refuse_shared(observed: Observed, record: ClientRecord) -> None:
    """An edited record must not cost another client its secrets, whoever asks.

    Raises ``BlockedError`` RC305.
    """
    for doubt in find_doubts(observed):
        if doubt.code == "RC305" and record.name in doubt.clients:
            raise BlockedError(doubt.code, doubt.message, doubt.remedy)
