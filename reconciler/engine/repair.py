"""A registry that was restored from a backup, moved forward to what the log in git knows; and a log
that cannot go on, followed by a new one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogHead, OpenRepair
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.run import RunResult
from reconciler.engine.apply import (
    Stop,
    make_planless_result,
    new_run_id,
    new_salt,
    open_driver,
)
from reconciler.engine.drive import Driver
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.engine.evidence.anew import begin_anew, digest_former, explain_end
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
    refuse_two_logs,
)
from reconciler.engine.lease import hold_lease
from reconciler.engine.look.records import read_registry, readable_runs
from reconciler.engine.runs.reporting import report_run
from reconciler.errors import AuditError
from reconciler.evidence.statement import LoggedEvent, decode_statement
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.registry.codec.log_codec import name_folder
from reconciler.registry.protocol.log_repair import (
    adopt_entries,
    finish_repair,
    put_head,
    read_again,
    replace_claims,
)


@dataclass(frozen=True, slots=True)
class Damage:
    """What a registry lacks. ``known`` and ``logged``: how many entries it and git have, of which
    ``common`` are the same. ``revocations`` were made and are forgotten; ``issues`` are versions
    that were issued and are forgotten. ``resets``: the records that count their events anew, with
    the last number that the registry knows. ``gone``: entries of the registry alone whose bytes are
    lost. ``ended``: why the log cannot go on, as a sentence; None where it can. ``unfinished``: a
    repair was begun and did not finish."""

    known: int
    logged: int
    common: int
    revocations: tuple[RevocationRequest, ...] = ()
    issues: tuple[LoggedEvent, ...] = ()
    resets: tuple[tuple[str, int], ...] = ()
    gone: tuple[int, ...] = ()
    ended: str | None = None
    unfinished: bool = False

    @property
    def present(self) -> bool:
        apart = self.common != self.logged or self.common != self.known
        return apart or bool(self.resets) or self.ended is not None or self.unfinished


@dataclass(frozen=True, slots=True)
class Repaired:
    """``problem``: why the repair is not committed or pushed. ``former``: the folders of the logs
    that a new one follows, where one was begun; ``verifier``: the key of that one."""

    damage: Damage
    result: RunResult | None = None
    problem: AuditError | None = None
    former: tuple[str, ...] = ()
    verifier: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    head: LogHead
    log: GitLog | None
    parting: Parting
    damage: Damage


def assess_damage(engine: Engine, *, new_log: bool = False) -> Damage:
    """What the registry lacks of the log in HEAD. Changes nothing. ``new_log``: a log that cannot
    go on is to be followed by a new one.

    Raises ``AuditError`` RC680 (the signing key is lost), RC681, RC683, RC686, RC648 (a new log is
    not needed), ``RegistryError``, ``VaultError``.
    """
    with open_driver(engine, engine.live.now()) as driver:
        found = _assess(engine, driver)
    _refuse_unlike(engine, found, new_log=new_log)
    return found.damage


def repair_log(engine: Engine, *, push: bool, new_log: bool = False) -> Repaired:
    """Move the head forward to the log in HEAD, or begin a new log, say so in an entry, write again
    what the registry alone had, and commit. The revocations that were forgotten are made before:
    they wait for nothing.

    Raises as ``assess_damage`` does, and ``LeaseHeldError``.
    """
    now = engine.live.now()
    run_id = new_run_id(now)
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
        _refuse_unlike(engine, found, new_log=new_log)
        if not found.damage.present:
            return Repaired(found.damage)
        result = make_planless_result(engine, run_id, "audit repair", now, new_salt())
        head = _repair(engine, driver, found, result)
        reported, problem = report_run(engine, driver, result, commit=True, push=push)
        begun = new_log or (found.damage.unfinished and head.former)
        if not begun:
            return Repaired(found.damage, reported, problem)
        where = LogPlaces(ledger_directory(engine))
        folders = tuple(str(where.archive(one.origin).folder) for one in head.former)
        return Repaired(found.damage, reported, problem, folders, head.verifiers[head.key])


def _assess(engine: Engine, driver: Driver) -> _Found:
    head = read_live_head(engine.live, engine.environment.name)
    place = f"{engine.project.name}/{engine.environment.name}"
    log = read_git_log(engine.ledger.find_files(), LogPlaces(ledger_directory(engine)), place)
    records = read_registry(engine.live, engine.project.name, engine.buckets).records
    if log is None or log.origin in {former.origin for former in head.former}:
        ended = explain_end(driver, head, None)
        damage = Damage(0, 0, 0, ended=ended, unfinished=head.repair is not None)
        return _Found(head, log, Parting(0, 0), damage)
    refuse_two_logs(head, log)
    parting = find_parting(driver, head, log)
    lost = log.list_lost(head, parting.shared)
    # Entries that git lacks and the registry has are no damage: the next run commits them.
    ahead = parting.common == len(log.claims)
    unfinished = head.repair is not None
    damage = Damage(
        known=parting.common if ahead else head.size,
        logged=len(log.claims),
        common=parting.common,
        revocations=tuple(find_lost_revocations(lost, records)),
        issues=tuple(list_lost_issues(lost, records)),
        resets=_find_resets(head, log, parting, records),
        gone=parting.gone,
        ended=explain_end(driver, head, log),
        unfinished=unfinished,
    )
    return _Found(head, log, parting, damage)


def _find_resets(
    head: LogHead,
    log: GitLog,
    parting: Parting,
    records: Mapping[str, ClientRecord],
) -> tuple[tuple[str, int], ...]:
    """None where the registry is ahead: git does not have the newest events yet."""
    if head.size > parting.common == len(log.claims):
        return ()
    return tuple(sorted(find_resets(log, records.values()).items()))


def _refuse_unlike(engine: Engine, found: _Found, *, new_log: bool) -> None:
    """A new log is begun where somebody asks for it and it is needed; a repair that did not finish
    goes on as it was begun, unless its key was lost meanwhile. Raises ``AuditError`` RC680, RC683,
    RC648."""
    ended = found.damage.ended
    if (ended is not None) == new_log or (ended is None and found.damage.unfinished):
        return
    if ended is None:
        raise AuditError(
            "RC648",
            "the evidence log can go on, so no new one is begun: its signing key is in the transit"
            " engine",
            f"run `reconciler audit repair -e {engine.environment.name}` without --new-log",
        )
    raise AuditError(
        "RC680",
        f"the evidence log cannot go on: {ended}",
        "restore the key `ledger` in the transit engine from a backup of Vault; if it is lost, add"
        " --new-log: this log is kept as it is, and another one begins",
    )


def _repair(engine: Engine, driver: Driver, found: _Found, result: RunResult) -> LogHead:
    """The head once everything is done that is left of a repair, begun here or before."""
    runs, _ = readable_runs(engine.live)
    pending = [run.run_id for run in runs if not run.closed]
    goes_on = found.head.repair is not None and found.damage.ended is None
    head = _go_on(driver, found) if goes_on else _begin(driver, found, pending)
    repair = head.repair
    assert repair is not None  # it was begun
    book = Book(engine, driver, head)
    stored, where = engine.ledger.find_files(), LogPlaces(ledger_directory(engine))
    known = Circumstances(
        records=read_registry(engine.live, engine.project.name, engine.buckets).records,
        pending=[*pending, *(claim.run for claim in repair.again)],
        folder=str(book.folder),
        now=driver.clock.now,
        kept=head.kept,
        before={} if head.size else digest_former(head, stored, where, pending),
    )
    if head.size == repair.size:
        # a new log says of records that the registry forgot that it did
        bases = dict(found.damage.resets)
        if not head.size:
            bases = dict.fromkeys((name for name, last in bases.items() if not last), 0)
        report = engine.reporter.files(result, known.records)
        book.note_repair(result, report, bases, known)
    for claim in repair.again:
        again = driver.run(read_again(repair, claim))
        if again is not None:
            book.enter_again(decode_statement(again[0]), again[1], known)
    head = driver.run(finish_repair())
    for claim in repair.again:
        folder = name_folder(repair.prefix, claim.number)
        for part in claim.parts:
            engine.live.delete_document(f"{folder}/{part}")
    return head


def _begin(driver: Driver, found: _Found, pending: Collection[str]) -> LogHead:
    """Have the head say what is to be done."""
    head, log, parting = found.head, found.log, found.parting
    if found.damage.ended is not None:
        return driver.run(put_head(begin_anew(driver, head, log, parting, pending)))
    if log is None or parting.common == len(log.claims):
        return driver.run(put_head(replace(head, repair=OpenRepair(head.size))))
    moved = move_head(head, log, parting, pending)
    return driver.run(adopt_entries(moved, log.claims[parting.common :]))


def _go_on(driver: Driver, found: _Found) -> LogHead:
    """The head of a repair that was begun. The claims of what it adopted may not be on record."""
    head, log = found.head, found.log
    untouched = head.repair is not None and head.repair.size == head.size
    if untouched and log is not None and log.origin == head.origin:
        driver.run(replace_claims(head, log.claims[found.parting.common :]))
    return head
