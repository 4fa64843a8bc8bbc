"""A registry that knows less of the log than git does, because it was restored from a backup: its
head is moved forward to what git has."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import REVOCATIONS
from reconciler.domain.live.log import KEY, RUN, LogClaim, LogHead, OpenRepair
from reconciler.domain.live.record import USABLE, ClientRecord
from reconciler.engine.drive import Driver
from reconciler.engine.evidence.drafting import digest_event
from reconciler.engine.evidence.places import LogPlaces, shorten_origin
from reconciler.engine.evidence.reading import gather_log_files
from reconciler.engine.ports import StoredFiles
from reconciler.errors import Address, AuditError
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.statement import REMOVALS, LoggedEvent, Statement, decode_statement
from reconciler.evidence.tree import hash_leaf
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog, verify_log
from reconciler.planning.actions.reasons import Reason, RevocationRequest
from reconciler.registry.protocol.log import advance, read_claim, read_entry

_REQUESTED = (Reason.REVOCATION_REQUESTED, Reason.REVOCATION_HELD)


@dataclass(frozen=True, slots=True)
class GitLog:
    """The log in git, verified: what the registry has to have on record of each entry.
    ``checkpoint`` is its signed note. ``former`` are the logs that it follows, oldest first; none
    of them has a former one itself."""

    statements: tuple[Statement, ...]
    claims: tuple[LogClaim, ...]
    checkpoint: str
    former: tuple[GitLog, ...] = ()

    @property
    def origin(self) -> str:
        return self.statements[0].origin

    def find(self, origin: str) -> GitLog | None:
        """The log ``origin``: this one or a former one."""
        return next((one for one in (self, *self.former) if one.origin == origin), None)

    def follows(self, head: LogHead) -> bool:
        """Whether it is the log of ``head``, or one that came after it."""
        return not head.size or self.find(head.origin) is not None

    def list_lost(self, head: LogHead, shared: int) -> tuple[Statement, ...]:
        """What a registry with the log of ``head`` cannot know, when it shares so many entries with
        that log as git has it."""
        reached = not head.size
        lost: list[Statement] = []
        for log in (*self.former, self):
            if log.origin == head.origin:
                reached = True
                lost += log.statements[shared:]
            elif reached:
                lost += log.statements
        return tuple(lost)

    def list_digests(self) -> dict[str, dict[int, str]]:
        """The digest of each event, by record and number, as far as a record still counts on."""
        found: dict[str, dict[int, str]] = {}
        for statement in self.statements:
            for record, last in statement.bases.items():
                events = found.setdefault(record, {})
                found[record] = {seq: one for seq, one in events.items() if seq <= last}
            for event in statement.events:
                found.setdefault(event.record, {})[event.seq] = event.digest
        return found


@dataclass(frozen=True, slots=True)
class Parting:
    """Where the registry's log and git's part: after ``common`` entries, 0 where they are two logs.

    ``shared``: so many entries the registry's log has in common with what git has of it, as the
    present log or as a former one. ``own`` are the entries of runs that the registry has after that
    and git does not; ``gone`` are the numbers of those entries whose bytes are lost.
    """

    common: int
    shared: int
    own: tuple[LogClaim, ...] = ()
    gone: tuple[int, ...] = ()


def read_git_log(stored: StoredFiles, where: LogPlaces, place: str) -> GitLog | None:
    """None: there is none. Raises ``AuditError`` RC686 for a log that does not hold."""
    if not stored.names(where.folder):
        return None
    # Reports that no entry names keep nobody from a repair.
    files = replace(gather_log_files(stored, where, place), present=())
    verified = verify_log(files)
    if isinstance(verified, Fault):
        raise AuditError(
            "RC686",
            f"the log in git does not hold, so the registry is not moved to it: {verified.message}"
            f" ({verified.code})",
            verified.remedy,
        )
    former = [_read_log(stored, where.archive(one.origin), one) for one in verified.former]
    return replace(_read_log(stored, where, verified), former=tuple(former))


def _read_log(stored: StoredFiles, where: LogPlaces, verified: VerifiedLog) -> GitLog:
    """One log that was verified."""
    statements: list[Statement] = []
    claims: list[LogClaim] = []
    for content in stored.read([where.entry(number + 1) for number in range(verified.size)]):
        assert content is not None  # it was verified
        envelope = decode_envelope(content)
        statement = decode_statement(envelope.payload)
        statements.append(statement)
        claims.append(_describe_claim(statement, content, envelope.signature))
    note = stored.read([where.checkpoint])[0] or b""
    return GitLog(tuple(statements), tuple(claims), note.decode())


def _describe_claim(statement: Statement, content: bytes, signature: bytes) -> LogClaim:
    successor = statement.keys[0] if statement.kind == KEY else None
    return LogClaim(
        number=statement.number,
        kind=statement.kind,
        run=statement.run,
        key=statement.key,
        parts=(),
        files={one.name: one.sha256 for one in statement.subjects},
        closed_at=statement.closed,
        kept=statement.number + 1,
        successor=successor.version if successor else 0,
        verifier=successor.verifier if successor else "",
        signature=signature,
        entry=hashlib.sha256(content).hexdigest(),
        leaf=hash_leaf(content),
    )


def find_parting(driver: Driver, head: LogHead, log: GitLog) -> Parting:
    """Raises ``RegistryError``, ``VaultError``."""
    mine = log.find(head.origin)
    if mine is None:
        return Parting(0, 0)
    shared = min(head.size, len(mine.claims))
    while shared and not _is_same(driver, head, mine.claims[shared - 1]):
        shared -= 1
    if mine is log and shared == len(log.claims):  # the next run commits what git lacks
        return Parting(shared, shared)
    own: list[LogClaim] = []
    gone: list[int] = []
    for number in range(shared + 1, head.size + 1):
        entry = driver.run(read_entry(head, number))
        claim = driver.run(read_claim(head, number))
        if entry is None or claim is None:
            gone.append(number)
        # Heartbeats, and what one key signs of the next, tell of no client and no report.
        elif claim.kind in (RUN, *REMOVALS):
            own.append(claim)
    return Parting(shared if mine is log else 0, shared, tuple(own), tuple(gone))


def refuse_two_logs(head: LogHead, log: GitLog) -> None:
    """Raises ``AuditError`` RC683 for the log of another registry where this one has entries of its
    own."""
    if not log.follows(head):
        raise AuditError(
            "RC683",
            f"the registry's log {head.origin} has {head.size} entries, and git has another log,"
            f" {log.origin}, which does not follow it",
            "check out the branch that holds the registry's log, or correct vault.address,"
            " vault.namespace or vault.mounts; if somebody put another log into git, revert that"
            " commit",
        )


def _is_same(driver: Driver, head: LogHead, claim: LogClaim) -> bool:
    found = driver.run(read_claim(head, claim.number))
    return found is not None and found.entry == claim.entry


def follow_log(log: GitLog) -> LogHead:
    """The head as it has to be after all entries of git, whose bytes the registry does not have."""
    first = log.statements[0]
    moved = LogHead(
        origin=first.origin,
        key=first.keys[0].version,
        verifiers={one.version: one.verifier for one in first.keys},
    )
    for claim in log.claims:
        moved = advance(moved, claim)
    return replace(moved, kept=len(log.claims) + 1, checkpoint=log.checkpoint)


def move_head(head: LogHead, log: GitLog, parting: Parting, pending: Collection[str]) -> LogHead:
    """``head`` moved to the end of the log in git, with what is still to be done there.
    ``pending``: the runs on record that are not closed; those that have an entry in git need
    none."""
    moved = follow_log(log)
    prefix, former = head.prefix, head.former
    if head.size and log.origin != head.origin:  # it came after that of the registry
        prefix, former = name_prefix(log.origin), (*former, end_log(head, log))
    known = (one for one in head.runs.items() if one[1] <= parting.common)
    waiting = (one for one in moved.runs.items() if one[0] in pending)
    runs = dict(known)
    runs.update(waiting)
    return replace(
        moved,
        runs=runs,
        prefix=prefix,
        former=former,
        repair=OpenRepair(moved.size, parting.own, head.prefix),
        version=head.version,
    )


def name_prefix(origin: str) -> str:
    """What begins the names of a log's documents, where the registry had another one before."""
    return f"{shorten_origin(origin)}-"


def end_log(head: LogHead, log: GitLog | None) -> LogHead:
    """The log of ``head``, which another one follows: its end as git has it in ``log`` or in one
    that this follows, where git has other entries than the registry, or more."""
    mine = log.find(head.origin) if log is not None else None
    if mine is None or mine.claims[-1].entry == head.last:
        return replace(head, runs={}, former=(), repair=None, version=0)
    return replace(follow_log(mine), runs={}, prefix=head.prefix)


def find_resets(log: GitLog, records: Iterable[ClientRecord]) -> dict[str, int]:
    """The records whose events are other ones in the registry than in the log, or fewer, with the
    number of the last one that is the same: 0 for a client that the registry forgot."""
    newest_last = sorted(records, key=lambda one: one.seq)
    known = {record.storage_name: record for record in newest_last}
    found = {}
    for name, digests in log.list_digests().items():
        record = known.get(name)
        last = _find_last_same(digests, record) if record is not None else 0
        if last < max(digests, default=0):
            found[name] = last
    return found


def _find_last_same(digests: Mapping[int, str], record: ClientRecord) -> int:
    for event in record.events:
        logged = digests.get(event.seq)
        if logged is not None and logged != digest_event(event):
            return event.seq - 1
    return record.seq


def find_lost_revocations(
    statements: Sequence[Statement],
    records: Mapping[str, ClientRecord],
) -> list[RevocationRequest]:
    """What a person revoked and the registry knows as usable again."""
    found: dict[tuple[str, str], RevocationRequest] = {}
    for statement in statements:
        for event in statement.events:
            request = _find_usable(event, statement, records)
            if request is not None:
                found[request.client, str(request.key)] = request
    return list(found.values())


def _find_usable(
    event: LoggedEvent,
    statement: Statement,
    records: Mapping[str, ClientRecord],
) -> RevocationRequest | None:
    if event.kind not in REVOCATIONS or event.reason not in _REQUESTED:
        return None
    item = Address.read(event.address).item
    for record in records.values():
        if record.storage_name != event.record:
            continue
        for kind, name, series in record.all_series():
            version = series.version(event.version or 0)
            if name == item and version is not None and version.state in USABLE:
                reason = f"revoked in entry {statement.number} of the log, before the registry was"
                return RevocationRequest(
                    record.name, name, f"{reason} restored from a backup", kind=kind
                )
    return None


def list_lost_issues(
    statements: Sequence[Statement],
    records: Mapping[str, ClientRecord],
) -> Iterator[LoggedEvent]:
    """The versions that were issued and that the registry forgot: who holds them holds a key that
    nobody knows."""
    for statement in statements:
        for event in statement.events:
            issued = event.kind.startswith(("issue-", "rotate-")) and event.version
            if issued and not _is_on_record(event, records):
                yield event


def _is_on_record(event: LoggedEvent, records: Mapping[str, ClientRecord]) -> bool:
    item = Address.read(event.address).item
    return any(
        series.version(event.version or 0) is not None
        for record in records.values()
        if record.storage_name == event.record
        for _, name, series in record.all_series()
        if name == item
    )
