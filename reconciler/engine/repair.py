"""A registry that was restored from a backup, moved forward to what the log in git knows."""

from __future__ import annotations

from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogHead
from reconciler.domain.plan.run import RunResult
from reconciler.engine.apply import Stop, new_run_id, open_driver
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.book import Book
from reconciler.engine.evidence.drafting import Circumstances
from reconciler.engine.evidence.live import read_live_head
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.evidence.repairing import (
    GitLog,
    Parting,
    find_lost_revocations,
    find_parting,
    find_resets,
    list_lost_issues,
    move_head,
    read_git_log,
)
from reconciler.engine.lease import hold_lease
from reconciler.engine.look.records import read_registry, readable_runs
from reconciler.engine.runs.reporting import report_run
from reconciler.errors import AuditError
from reconciler.evidence.statement import LoggedEvent
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.registry.protocol.log import read_head
from reconciler.registry.protocol.log_repair import adopt_entries


@dataclass(frozen=True, slots=True)
class Damage:
    """What a registry lacks. ``known`` and ``logged``: how many entries it and git have, of which
    ``common`` are the same. ``revocations`` were made and are forgotten; ``issues`` are versions
    that were issued and are forgotten. ``resets``: the records that count their events anew, with
    the last number that the registry knows. ``gone``: entries of the registry alone whose bytes are
    lost."""

    known: int
    logged: int
    common: int
    revocations: tuple[RevocationRequest, ...] = ()
    issues: tuple[LoggedEvent, ...] = ()
    resets: tuple[tuple[str, int], ...] = ()
    gone: tuple[int, ...] = ()

    @property
    def present(self) -> bool:
        return self.common != self.logged or self.common != self.known or bool(self.resets)


@dataclass(frozen=True, slots=True)
class Repaired:
    """``problem``: why the repair is not committed or pushed."""

    damage: Damage
    result: RunResult | None = None
    problem: AuditError | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    head: LogHead
    log: GitLog
    parting: Parting
    damage: Damage


def assess_damage(engine: Engine) -> Damage:
    """What the registry lacks of the log in HEAD. Changes nothing.

    Raises ``AuditError`` RC681, RC683, RC686, ``RegistryError``, ``VaultError``.
    """
    with open_driver(engine, engine.live.now()) as driver:
        return _assess(engine, driver).damage


def repair_log(engine: Engine, *, push: bool) -> Repaired:
    """Move the head forward to the log in HEAD, say so in an entry, write again what the registry
    alone had, and commit. The revocations that were forgotten are made before: they wait for
    nothing.

    Raises as ``assess_damage`` does, and ``LeaseHeldError``.
    """
    now = engine.live.now()
    run_id = new_run_id(now, "sha256:" + "0" * 12)
    with (
        open_driver(engine, now) as driver,
        hold_lease(
            driver,
            run_id,
            engine.environment.lease_ttl,
            wait=True,
            lost=Stop(engine).because,
            say=engine.say,
        ),
    ):
        found = _assess(engine, driver)
        if not found.damage.present:
            return Repaired(found.damage)
        result = RunResult(
            run_id=run_id,
            environment=engine.environment.name,
            project=engine.project.name,
            command="audit repair",
            actor=engine.ledger.actor(),
            git_commit=engine.ledger.head(),
            plan_digest="",
            started_at=now,
            finished_at=now,
            outcomes=(),
        )
        _repair(engine, driver, found, result)
        reported, problem = report_run(engine, driver, result, commit=True, push=push)
        return Repaired(found.damage, reported, problem)


def _assess(engine: Engine, driver: Driver) -> _Found:
    head = read_live_head(engine.live, engine.environment.name)
    where = LogPlaces(ledger_directory(engine))
    place = f"{engine.project.name}/{engine.environment.name}"
    log = read_git_log(engine.ledger.find_files(), where, place)
    parting = find_parting(driver, head, log)
    records = read_registry(engine.live, engine.project.name, engine.buckets).records
    lost = log.statements[parting.common :]
    damage = Damage(
        known=head.size,
        logged=len(log.claims),
        common=parting.common,
        revocations=tuple(find_lost_revocations(lost, records)),
        issues=tuple(list_lost_issues(lost, records)),
        resets=tuple(sorted(find_resets(log, records.values()).items())),
        gone=parting.gone,
    )
    if head.size == parting.common == len(log.claims):
        return _Found(head, log, parting, damage)
    # Entries that git lacks and the registry has are no damage: the next run commits them.
    if parting.common == len(log.claims) < head.size:
        damage = replace(damage, known=parting.common, resets=())
    return _Found(head, log, parting, damage)


def _repair(engine: Engine, driver: Driver, found: _Found, result: RunResult) -> None:
    runs, _ = readable_runs(engine.live)
    pending = [run.run_id for run in runs if not run.closed]
    head = found.head
    if found.parting.common < len(found.log.claims):
        moved = move_head(head, found.log, found.parting.common, pending)
        spare = max(0, head.size - moved.size) + 1
        claims = found.log.claims[found.parting.common :]
        driver.run(adopt_entries(moved, claims, spare))
        head = driver.run(read_head()) or moved
    book = Book(engine, driver, head)
    records = read_registry(engine.live, engine.project.name, engine.buckets).records
    known = Circumstances(
        records=records,
        pending=pending,
        folder=str(book.folder),
        now=driver.clock.now,
        kept=head.kept,
    )
    book.note_repair(result, dict(found.damage.resets), known)
    for entry in found.parting.own:
        book.enter_again(entry, known)
