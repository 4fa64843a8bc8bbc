"""What an entry says of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.domain.live.log import HEARTBEAT, KEY, RUN, LogHead
from reconciler.domain.live.record import ClientRecord, Event
from reconciler.domain.plan.run import RunResult
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import ED25519
from reconciler.evidence.statement import LoggedEvent, NewKey, Statement, Subject
from reconciler.registry.codec.record_codec import encode_event
from reconciler.registry.protocol.bucket import STAMP, drop_attempts
from reconciler.registry.protocol.log import Draft


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known as an entry is made.

    ``records``: all of the environment, by name. ``pending``: the runs on record that are not
    closed. ``closed``: those that are. ``folder`` is the path of the log's folder, ``kept`` the
    first entry whose bytes the registry still has. ``before``: reports that were made before the
    log, with their SHA-256. ``now`` is the server's time.
    """

    records: Mapping[str, ClientRecord]
    pending: Collection[str]
    closed: Collection[str]
    folder: str
    now: Callable[[], datetime]
    kept: int = 1
    before: Mapping[str, str] = field(default_factory=dict)


def draft_run(result: RunResult, files: Mapping[str, bytes], known: Circumstances) -> Draft:
    """The entry of a run with its report ``files``, by path."""

    def describe(head: LogHead) -> Statement:
        events = tuple(_list_events(result.run_id, known.records))
        first = not head.size
        subjects = known.before if first else {}
        return Statement(
            **_frame(head, known),
            subjects=_subjects(subjects | {name: _sha256(text) for name, text in files.items()}),
            kind=RUN,
            run=result.run_id,
            command=result.command,
            actor=commit_to(result.actor, result.actor_salt),
            opened=result.started_at,
            plan=result.plan_digest or None,
            commit=result.git_commit,
            events=events,
            bases=find_bases(known.records, known.pending, result.run_id) if first else {},
            open=_open(head, known, result.run_id),
            keys=(NewKey(head.key, head.verifiers[head.key]),) if first else (),
        )

    return Draft(describe, files, _forgotten(known, result.run_id), known.kept)


def draft_heartbeat(result: RunResult, known: Circumstances) -> Draft:
    """The entry of a quiet week: the log is alive, and nothing was done."""
    return _draft_note(HEARTBEAT, result, known, lambda head: ())


def draft_key(result: RunResult, version: int, public: bytes, known: Circumstances) -> Draft:
    """The entry with which the present key hands over to the next one: ``version`` of it, whose 32
    bytes are ``public``."""

    def successor(head: LogHead) -> tuple[NewKey, ...]:
        return (NewKey(version, VerifierKey(head.origin, ED25519, public).text),)

    return _draft_note(KEY, result, known, successor)


def commit_to(person: str, salt: str) -> str | None:
    """The SHA-256 of a salt and a name: whoever has both can show whose it is, and nobody finds the
    name once the salt is erased. None without a salt: the run is older than the log."""
    return _sha256(f"{salt}\n{person}".encode()) if salt else None


def find_bases(
    records: Mapping[str, ClientRecord], pending: Collection[str], own: str
) -> dict[str, int]:
    """The number of the last event of each client that no entry will hold: those of runs that were
    reported before the log began."""
    open_runs = {*pending, own}
    found = {}
    for record in records.values():
        first = next((one.seq for one in record.events if one.run in open_runs), record.seq + 1)
        if first > 1:
            found[record.storage_name] = first - 1
    return found


def _draft_note(
    kind: str,
    result: RunResult,
    known: Circumstances,
    keys: Callable[[LogHead], tuple[NewKey, ...]],
) -> Draft:
    """An entry without files. in-toto wants a subject: it vouches for the entry before it."""

    def describe(head: LogHead) -> Statement:
        introduced = () if head.size else (NewKey(head.key, head.verifiers[head.key]),)
        before = (
            {f"{known.folder}/{head.size:08}.json": head.last or ""}
            if head.size
            else known.before or {known.folder: _sha256(head.origin.encode())}
        )
        return Statement(
            **_frame(head, known),
            subjects=_subjects(before),
            kind=kind,
            run=result.run_id,
            command=result.command,
            actor=commit_to(result.actor, result.actor_salt),
            opened=result.started_at,
            plan=None,
            commit=result.git_commit,
            bases=find_bases(known.records, known.pending, "") if not head.size else {},
            open=_open(head, known, result.run_id),
            keys=(*introduced, *keys(head)),
        )

    return Draft(describe, {}, _forgotten(known, result.run_id), known.kept)


def _frame(head: LogHead, known: Circumstances) -> dict[str, object]:
    """What the head decides. Time does not go back in a log, whatever node of Vault is asked."""
    now = known.now()
    return {
        "origin": head.origin,
        "number": head.size + 1,
        "previous": head.last,
        "key": head.key,
        "closed": now if head.closed_at is None else max(now, head.closed_at),
    }


def _subjects(files: Mapping[str, str]) -> tuple[Subject, ...]:
    return tuple(Subject(name, files[name]) for name in sorted(files))


def _open(head: LogHead, known: Circumstances, own: str) -> tuple[str, ...]:
    return tuple(sorted({*known.pending} - {own, *head.runs}))


def _forgotten(known: Circumstances, own: str) -> Callable[[LogHead], tuple[str, ...]]:
    """The runs of a head that are closed by now. One that is not on record was closed, unless it
    began after we looked: ids begin with their start time."""

    def find(head: LogHead) -> tuple[str, ...]:
        return tuple(
            run
            for run in head.runs
            if run in known.closed or (run not in known.pending and run[:STAMP] < own[:STAMP])
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
        address=event.address,
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
