"""One bucket: the unit of commit. A commit that loses the race re-reads, checks that its own
clients are untouched, splices and tries again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from msgspec import Raw

from reconciler.domain.live.record import ClientRecord, Event
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.secrecy import holds_secret, mask_json, mask_secrets
from reconciler.errors import RegistryError, VaultUnreachable
from reconciler.registry.codec.bucket_codec import StoredRecords, read_bucket, write_clients
from reconciler.registry.codec.record_codec import encode_record
from reconciler.registry.codec.stored import encode_json
from reconciler.registry.requests import (
    Conflict,
    ReadDocument,
    StoredDocument,
    Unclear,
    WriteDocument,
    Written,
)
from reconciler.registry.steps import Steps, expect

# A change of one client: the record as it is (None: not registered) and the server's time in, the
# record as it shall be (None: removed) out. May raise TransitionError: then the client is left
# alone.
Change = Callable[[ClientRecord | None, datetime], ClientRecord | None]

# Each lost race means that somebody else made progress, so many may follow each other; each unclear
# answer means trouble on the way, and after a few it is time to say so.
MAX_CONFLICTS = 100
MAX_UNCLEAR = 5
# Events that are in the ledger already and stay in the record for a quick look.
KEPT_EVENTS = 5
# Length of the start time that a run id begins with: 20261123t224500z.
STAMP = 16


class Bucket:
    """What is known of one stored bucket. ``at`` is the server's time of the latest answer."""

    def __init__(
        self,
        name: str,
        owner: str,
        run: str,
        open_runs: frozenset[str],
    ) -> None:
        self.name = name
        self.records = StoredRecords({})
        self.at: datetime
        self._owner = owner
        self._run = run
        self._kept_runs = open_runs | {run}
        self._foreign: Mapping[str, str] = {}
        self._raw: Mapping[str, Raw] = {}
        self._version = 0

    def load(self) -> Steps[None]:
        """Read the bucket. Raises ``RegistryError`` when it cannot be decoded."""
        document = expect((yield ReadDocument(f"buckets/{self.name}")), StoredDocument)
        refuse_deleted(f"buckets/{self.name}", document)
        stored = read_bucket(document.text, self._owner, f"buckets/{self.name}")
        self.records = StoredRecords({**stored.records})
        self._foreign, self._raw = stored.foreign, stored.raw
        self._version = document.version
        self.at = document.at

    def commit(self, stage: str, changes: Mapping[str, Change]) -> Steps[dict[str, str]]:
        """Apply ``changes`` in one check-and-set write.

        ``stage`` is unique within a run and a client. Returns the clients that were not changed,
        because somebody else changed them meanwhile or their state does not allow it, with a
        sentence each. Raises ``VaultUnreachable`` after several unclear answers.
        """
        op = f"{self._run}.{stage}"
        expected = {name: _revision(self.records.get(name)) for name in changes}
        removed: set[str] = set()
        conflicts = unclear = 0
        while True:
            lost, changed = self._splice(op, changes, expected, removed)
            if not changed:
                return lost
            raw = {name: one for name, one in self._raw.items() if name not in changed}
            raw |= {name: encode_record(one) for name, one in changed.items() if one is not None}
            response = yield WriteDocument(
                f"buckets/{self.name}", write_clients(raw), self._version
            )
            if isinstance(response, Written):
                self.records, self._raw = self.records.change(changed), raw
                self._version, self.at = response.version, response.at
                return lost
            if isinstance(response, Unclear):
                unclear += 1
            else:
                expect(response, Conflict)
                conflicts += 1
            if unclear > MAX_UNCLEAR or conflicts > MAX_CONFLICTS:
                raise VaultUnreachable(
                    "RC401",
                    f"bucket {self.name} could not be committed after {unclear + conflicts} tries",
                    "see that Vault is healthy (reconciler doctor), then run the same command"
                    " again",
                )
            yield from self.load()

    def _splice(
        self,
        op: str,
        changes: Mapping[str, Change],
        expected: Mapping[str, int],
        removed: set[str],
    ) -> tuple[dict[str, str], dict[str, ClientRecord | None]]:
        """The clients that cannot be changed, and those records that shall be otherwise (None: not
        there).

        Notes in ``removed`` what that ends.
        """
        lost: dict[str, str] = {}
        result: dict[str, ClientRecord | None] = {}
        for name, change in changes.items():
            present = self.records.get(name)
            if name in self._foreign:
                lost[name] = "registered by another project"
                continue
            if present is not None and present.op == op:
                continue  # our own commit, whose answer was lost
            if _revision(present) != expected[name]:
                if present is None and name in removed:
                    continue  # our own removal, whose answer was lost
                lost[name] = (
                    f"changed by {present.op} meanwhile" if present else "removed meanwhile"
                )
                continue
            try:
                changed = change(present, self.at)
            except TransitionError as error:
                lost[name] = str(error)
                continue
            if changed is None:
                removed.add(name)
                if present is not None:
                    result[name] = None
            elif changed != present:
                result[name] = self._stamp(changed, _revision(present), op)
        return lost, self._mask_events(result)

    def _mask_events(
        self,
        changed: dict[str, ClientRecord | None],
    ) -> dict[str, ClientRecord | None]:
        """Nothing that looks like a secret gets into a history, whoever said it. One look at all
        that is new takes a third of a look at each event, and nearly always finds nothing."""
        new = {
            name: [event for event in record.events if self._is_new(event, name)]
            for name, record in changed.items()
            if record is not None
        }
        words = [
            f"{event.message}\n{encode_json(event.detail).decode()}"
            for events in new.values()
            for event in events
        ]
        if not holds_secret("\n".join(words)):
            return changed
        return {
            name: record if record is None else self._mask(record, new[name])
            for name, record in changed.items()
        }

    def _is_new(self, event: Event, client: str) -> bool:
        present = self.records.get(client)
        return event.run == self._run and (present is None or event.seq > present.seq)

    def _mask(self, record: ClientRecord, new: Sequence[Event]) -> ClientRecord:
        masked = {
            event.seq: replace(
                event,
                message=mask_secrets(event.message),
                detail=mask_json(event.detail),
            )
            for event in new
        }
        events = tuple(masked.get(event.seq, event) for event in record.events)
        return replace(record, events=events)

    def _stamp(self, record: ClientRecord, revision: int, op: str) -> ClientRecord:
        ledgered = [event for event in record.events if self._is_ledgered(event.run)]
        dropped = {event.seq for event in ledgered[:-KEPT_EVENTS]}
        kept = {event.seq for event in ledgered}
        events = tuple(
            drop_attempts(event) if event.seq in kept else event for event in record.events
        )
        events = tuple(event for event in events if event.seq not in dropped)
        return replace(record, revision=max(revision, record.revision) + 1, op=op, events=events)

    def _is_ledgered(self, run: str) -> bool:
        """A run that is not open was reported, unless it began after we looked: ids begin with
        their start time."""
        return run not in self._kept_runs and run[:STAMP] < self._run[:STAMP]


def drop_attempts(event: Event) -> Event:
    """Without the attempts of a proof: they are in the ledger, and too many for a record."""
    if "attempts" not in event.detail:
        return event
    return replace(
        event, detail={name: value for name, value in event.detail.items() if name != "attempts"}
    )


def refuse_deleted(name: str, document: StoredDocument) -> None:
    """A document that was written and cannot be read was deleted by hand. It must never pass for an
    empty one: every client of a bucket would be registered and issued anew, and a log begun again.
    Raises ``RegistryError`` RC444."""
    if document.text is None and document.version:
        raise RegistryError(
            "RC444",
            f"{name} of the registry was deleted by hand: version {document.version} cannot"
            " be read",
            "bring it back with 'kv undelete', or with 'kv rollback' to a version before"
            f" {document.version}",
        )


def _revision(record: ClientRecord | None) -> int:
    return 0 if record is None else record.revision
