"""What an entry says of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import HEARTBEAT, KEY, REPAIR, RUN, LogHead
from reconciler.domain.live.record import ClientRecord, Event
from reconciler.domain.plan.run import RunResult
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.evidence.statement import (
    LoggedEvent,
    LoggedFile,
    NewKey,
    Statement,
)
from reconciler.registry.codec.record_codec import encode_event
from reconciler.registry.protocol.bucket import drop_attempts
from reconciler.registry.protocol.log import Draft, digest_texts


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known as an entry is made.

    ``records``: all of the environment, by name. ``pending``: the runs on record that are not
    closed. ``entries``: so many the log had before these were looked for. ``folder`` is the path of
    the log's folder, ``kept`` the first entry whose bytes the registry still has. ``before``:
    reports that were made before the log, with their SHA-256. ``now`` is the server's time.
    """

    records: Mapping[str, ClientRecord]
    pending: Collection[str]
    folder: str
    now: Callable[[], datetime]
    entries: int = 0
    kept: int = 1
    before: Mapping[str, str] = field(default_factory=dict)


def draft_run(result: RunResult, files: Mapping[str, str], known: Circumstances) -> Draft:
    """The entry of a run with its report ``files``, by path."""
    digests = digest_texts(files)

    def describe(head: LogHead) -> Statement:
        subjects = digests if head.size else {**known.before, **digests}
        events = tuple(_list_events(result.run_id, known.records))
        statement = _begin(head, result, known)
        return replace(
            statement,
            subjects=_subjects(subjects),
            kind=RUN,
            open=tuple(run for run in statement.open if run != result.run_id),
            plan=result.plan_digest or None,
            events=events,
        )

    forgotten = _find_forgotten(known)
    return Draft(describe, files, forgotten, known.kept, reported=result.run_id)


def draft_heartbeat(result: RunResult, known: Circumstances) -> Draft:
    """The entry of a quiet week: the log is alive, and nothing was done."""
    forgotten = _find_forgotten(known)
    return Draft(lambda head: _begin(head, result, known), {}, forgotten, known.kept)


def draft_key(result: RunResult, version: int, public: bytes, known: Circumstances) -> Draft:
    """The entry with which the present key hands over to the next one: ``version`` of it, whose 32
    bytes are ``public``."""

    def describe(head: LogHead) -> Statement:
        statement = _begin(head, result, known)
        successor = NewKey(version, VerifierKey(head.origin, NOTE_ED25519, public).text)
        return replace(statement, kind=KEY, keys=(*statement.keys, successor))

    return Draft(describe, {}, _find_forgotten(known), known.kept)


def draft_repair(
    result: RunResult,
    files: Mapping[str, str],
    bases: Mapping[str, int],
    known: Circumstances,
) -> Draft:
    """The entry that says that the registry was restored from a backup, with its report ``files``,
    by path. ``bases``: from which event on the records count anew that the log knows more of."""
    digests = digest_texts(files)

    def describe(head: LogHead) -> Statement:
        begun = _begin(head, result, known)
        subjects = digests if head.size else {**known.before, **digests}
        return replace(
            begun,
            kind=REPAIR,
            subjects=_subjects(subjects),
            bases={**begun.bases, **bases},
        )

    return Draft(describe, files, _find_forgotten(known), known.kept)


def draft_removal(
    result: RunResult,
    kind: str,
    files: Mapping[str, str],
    known: Circumstances,
) -> Draft:
    """The entry that says that report files are gone. ``kind``: ``erased`` or ``archived``;
    ``files`` are their SHA-256 by path, as an entry has them."""

    def describe(head: LogHead) -> Statement:
        return replace(_begin(head, result, known), kind=kind, subjects=_subjects(files))

    return Draft(describe, {}, _find_forgotten(known), known.kept)


def draft_again(former: Statement, files: Mapping[str, str], known: Circumstances) -> Draft:
    """An entry that git does not have, because the log had two branches, under a new number."""

    def describe(head: LogHead) -> Statement:
        return replace(
            former,
            origin=head.origin,
            number=head.size + 1,
            previous=head.last,
            key=head.key,
            closed=_end(head, former.opened, known),
            bases={},
            open=tuple(sorted({*known.pending} - {*head.runs, former.run})),
            keys=(),
        )

    return Draft(describe, files, _find_forgotten(known), known.kept)


def _begin(head: LogHead, result: RunResult, known: Circumstances) -> Statement:
    """An entry about nothing but the log. in-toto wants a subject: it is the entry before it."""
    first = not head.size
    before = {f"{known.folder}/{head.size:08}.json": head.last or ""}
    nothing = {head.origin: _sha256(head.origin.encode())}
    waiting = {*known.pending} - {*head.runs}
    return Statement(
        subjects=_subjects((known.before or nothing) if first else before),
        origin=head.origin,
        number=head.size + 1,
        previous=head.last,
        key=head.key,
        kind=HEARTBEAT,
        run=result.run_id,
        command=result.command,
        actor=commit_to(result.actor, result.actor_salt),
        opened=result.started_at,
        closed=_end(head, result.started_at, known),
        plan=None,
        commit=result.git_commit,
        bases=find_bases(known.records, waiting, result.run_id) if first else {},
        open=tuple(sorted(waiting)),
        keys=(NewKey(head.key, head.verifiers[head.key]),) if first else (),
    )


def _end(head: LogHead, opened: datetime, known: Circumstances) -> datetime:
    """Time goes back neither in a log nor in an entry, whatever node of Vault is asked."""
    return max(known.now(), opened, head.closed_at or opened)


def commit_to(person: str, salt: str) -> str | None:
    """The SHA-256 of a salt and a name: whoever has both can show whose it is, and nobody finds the
    name once the salt is erased. None without a salt: the run is older than the log."""
    return _sha256(f"{salt}\n{person}".encode()) if salt else None


def find_bases(
    records: Mapping[str, ClientRecord],
    pending: Collection[str],
    own: str,
) -> dict[str, int]:
    """The number of the last event of each client that no entry will hold: those of runs that were
    reported before the log began."""
    open_runs = {*pending, own}
    found = {}
    for record in records.values():
        numbers = (one.seq for one in record.events if one.run in open_runs)
        first = next(numbers, record.seq + 1)
        if first > 1:
            found[record.storage_name] = first - 1
    return found


def _subjects(files: Mapping[str, str]) -> tuple[LoggedFile, ...]:
    return tuple(LoggedFile(name, files[name]) for name in sorted(files))


def _find_forgotten(known: Circumstances) -> Callable[[LogHead], tuple[str, ...]]:
    """The runs of a head that are closed: they had their entry before we looked, and were not open
    any more."""

    def find(head: LogHead) -> tuple[str, ...]:
        return tuple(
            run
            for run, number in head.runs.items()
            if number <= known.entries and run not in known.pending
        )

    return find


def _list_events(run_id: str, records: Mapping[str, ClientRecord]) -> Iterator[LoggedEvent]:
    """In the order of clients. Of a record that is being renamed there are two copies."""
    seen: set[tuple[str, int]] = set()
    for name in sorted(records):
        record = records[name]
        for event in record.events_with(run_id):
            place = record.storage_name, event.seq
            if event.run == run_id and place not in seen:
                seen.add(place)
                yield _log_event(record, event)


def _log_event(record: ClientRecord, event: Event) -> LoggedEvent:
    number = event.detail.get("version")
    return LoggedEvent(
        client=record.name,
        record=record.storage_name,
        seq=event.seq,
        at=event.at,
        kind=event.kind,
        address=str(event.address),
        reason=event.reason,
        version=number if isinstance(number, int) else None,
        digest=digest_event(event),
    )


def digest_event(event: Event) -> str:
    """The SHA-256 of an event as the registry keeps it: without the attempts of a proof, which the
    report has."""
    return _sha256(encode_event(drop_attempts(event)))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
