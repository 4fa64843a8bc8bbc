"""The registry alone: records by bucket, the open runs, the lease. Strict for a plan, which must
not overlook a client; tolerant for an emergency and for ``doctor``, which must not stop at a
document that has no part in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import cast

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import Applied
from reconciler.domain.live.observed import Lease, OpenRun
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.values.names import bucket_names, bucket_of
from reconciler.engine.ports import LiveState
from reconciler.errors import RegistryError
from reconciler.registry.codec.bucket_codec import (
    LeftRecord,
    StoredBucket,
    StoredRecord,
    StoredRecords,
    read_bucket,
)
from reconciler.registry.codec.run_codec import decode_lease, decode_run
from reconciler.registry.codec.stored import refuse_spread
from reconciler.registry.protocol.applied import NAME as APPLIED
from reconciler.registry.protocol.applied import decode_applied
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.protocol.documents import read_standing_lease
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import expect

# A registry that changes each time it is looked at is looked at so often.
LOOKS = 5
# So many buckets are asked for at once, and no more than so much text, once it is known how large
# they are.
PART = 32
_CHARACTERS = 2 << 20
# A document of the registry with its name.
_Named = tuple[str, StoredDocument]


@dataclass(frozen=True, slots=True)
class WrittenMark:
    """Which write of a document was read: its KV version, and when that was written. A version
    alone may be another one: somebody removed the document, and KV counted from 1 again."""

    version: int
    created: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The records of this project. ``digests`` holds, by client, the SHA-256 of all that is stored
    of a record, which is not decoded for it; empty where records were not read lazily. ``foreign``
    names the owners of the other ones. ``misplaced`` holds the records that lie in a bucket of
    another name, by client: the bucket and the record. ``marks``: what was read, by bucket.
    ``ending``: when the server will delete what it holds, by document."""

    records: Mapping[str, ClientRecord]
    digests: Mapping[str, bytes]
    foreign: Mapping[str, str]
    now: datetime
    misplaced: Mapping[str, tuple[str, ClientRecord]] = field(default_factory=dict)
    marks: Mapping[str, WrittenMark] = field(default_factory=dict)
    ending: Mapping[str, datetime] = field(default_factory=dict)

    def knows(self, names: Collection[str]) -> bool:
        """Whether a client is on record under one of these names."""
        return any(
            name in known
            for name in names
            for known in (self.records, self.foreign, self.misplaced)
        )


@dataclass(frozen=True, slots=True)
class DecodedBucket:
    """What one write of a bucket held: the records that belong there, those that do not, and whose
    the others are."""

    mark: WrittenMark
    records: Mapping[str, ClientRecord | StoredRecord | LeftRecord]
    misplaced: Mapping[str, ClientRecord]
    foreign: Mapping[str, str]


# Whether a client's record with this digest is left at this time: it is probably not needed.
Leaves = Callable[[str, bytes, datetime], bool]


def leave_none(_name: str, _digest: bytes, _now: datetime) -> bool:
    """Every record is kept."""
    return False


# The buckets that were decoded last, by name. A look that finds the same write there again takes
# the same records: a run that looks three times decodes once, and holds them once.
Decoded = dict[str, DecodedBucket]


def read_registry(
    live: LiveState,
    owner: str,
    buckets: int,
    *,
    decoded: Decoded | None = None,
    lazily: bool = False,
    leaves: Leaves = leave_none,
) -> Registry:
    """All records. Every bucket is read by name: a LIST may be cut short by a policy and nobody
    would know. ``decoded`` is what former looks decoded, and is brought up to date. ``lazily``: a
    record is decoded when somebody asks for it, and what is wrong with it is raised then. Of one
    that is left only the digest is kept; ``read_left`` brings it back.

    Raises ``RegistryError`` for a bucket that cannot be read; its message names the document.
    RC446: the registry was spread over another number of buckets.
    """
    names = [f"buckets/{name}" for name in bucket_names(buckets)]
    # Closed here: its thread would else be waited for wherever an error that holds it is collected,
    # also where another thread is just being started, which then waits for itself.
    with closing(_read_in_parts(live, names)) as documents:
        return _registry(documents, owner, buckets, decoded=decoded, lazily=lazily, leaves=leaves)


def read_left(
    live: LiveState,
    registry: Registry,
    owner: str,
    buckets: int,
    names: Iterable[str],
) -> bool:
    """Read those of the records of ``names`` that were left. False: one of their buckets was
    written since.

    Raises ``RegistryError`` as ``read_registry`` does.
    """
    if not isinstance(registry.records, StoredRecords):
        return True
    left = registry.records.list_left(names)
    wanted = sorted({bucket_of(name, buckets) for name in left})
    for where, document in read_all_documents(live, [f"buckets/{name}" for name in wanted]):
        mark = WrittenMark(document.version, document.created)
        if mark != registry.marks[where.removeprefix("buckets/")]:
            return False
        found = read_bucket(document.text, owner, where).records
        registry.records.put_back(found[name] for name in left if name in found)
    return True


def _read_in_parts(live: LiveState, names: Sequence[str]) -> Generator[_Named, None, None]:
    """These documents in turn. One part of them is decoded while the next is on its way, and
    nothing is kept of it: the texts of all buckets are never there at once."""
    with ThreadPoolExecutor(1) as pool:
        coming, asked = pool.submit(read_all_documents, live, names[:PART]), PART
        while True:
            documents = coming.result()
            following = names[asked : asked + _count_next(documents)]
            if following:
                coming = pool.submit(read_all_documents, live, following)
                asked += len(following)
            documents.reverse()
            while documents:
                yield documents.pop()
            if not following:
                return


def _count_next(documents: Sequence[_Named]) -> int:
    """How many documents are asked for at once after these: fewer where they are large."""
    size = sum(len(document.text or "") for _, document in documents)
    return max(1, min(PART, _CHARACTERS * len(documents) // max(1, size)))


def read_sought(
    live: LiveState,
    owner: str,
    buckets: int,
    sought: Collection[Collection[str]],
) -> Registry:
    """All records. A client of which none of the ``sought`` names is on record is looked for again:
    it may have moved from a bucket that was not read yet to one that was. Raises as
    ``read_registry`` does."""
    registry = read_registry(live, owner, buckets)
    for _ in range(LOOKS - 1):
        if all(map(registry.knows, sought)) or not find_moved(
            live, registry, buckets, registry.marks
        ):
            break
        registry = read_registry(live, owner, buckets)
    return registry


def find_moved(
    live: LiveState,
    registry: Registry,
    buckets: int,
    names: Iterable[str],
) -> frozenset[str]:
    """Those of the buckets ``names`` that were written since ``registry`` was read. They are what
    is read last.

    Raises ``RegistryError`` RC446 when the registry lives in another number of buckets by now.
    """
    refuse_spread(expect(live.answer(ReadDocument("meta")), StoredDocument), buckets)
    now = read_all_documents(live, [f"buckets/{name}" for name in names])
    marks = {
        where.removeprefix("buckets/"): WrittenMark(found.version, found.created)
        for where, found in now
    }
    return frozenset(name for name, mark in marks.items() if mark != registry.marks[name])


def read_all_documents(live: LiveState, names: Sequence[str]) -> list[_Named]:
    """These documents of the registry with their names."""
    answers = live.answer_all([ReadDocument(name) for name in names])
    return [
        (name, expect(answer, StoredDocument)) for name, answer in zip(names, answers, strict=True)
    ]


def _registry(
    documents: Iterable[_Named],
    owner: str,
    buckets: int,
    *,
    decoded: Decoded | None = None,
    lazily: bool = False,
    leaves: Leaves = leave_none,
) -> Registry:
    known = {} if decoded is None or lazily else decoded
    records: dict[str, ClientRecord | StoredRecord | LeftRecord] = {}
    foreign: dict[str, str] = {}
    misplaced: dict[str, tuple[str, ClientRecord]] = {}
    times = []
    marks: dict[str, WrittenMark] = {}
    ending: dict[str, datetime] = {}
    for where, document in documents:
        bucket = where.removeprefix("buckets/")
        mark = marks[bucket] = WrittenMark(document.version, document.created)
        if document.ends is not None:
            ending[where] = document.ends
        refuse_deleted(f"buckets/{bucket}", document)
        found = known.get(bucket)
        if found is None or found.mark != mark:
            stored = read_bucket(document.text, owner, where)
            keep = (
                partial(_leave, now=document.at, leaves=leaves) if lazily else StoredRecord.decode
            )
            found = known[bucket] = _sort_out(stored, bucket, buckets, mark, keep)
        records.update(found.records)
        misplaced.update({name: (bucket, record) for name, record in found.misplaced.items()})
        foreign.update(found.foreign)
        times.append(document.at)
    records = dict(sorted(records.items()))
    undecoded = StoredRecords(records) if lazily else None
    return Registry(
        cast("dict[str, ClientRecord]", records) if undecoded is None else undecoded,
        {} if undecoded is None else undecoded.digests,
        foreign,
        max(times),
        misplaced,
        marks,
        ending,
    )


def _sort_out(
    stored: StoredBucket,
    bucket: str,
    buckets: int,
    mark: WrittenMark,
    keep: Callable[[StoredRecord], ClientRecord | StoredRecord | LeftRecord],
) -> DecodedBucket:
    records: dict[str, ClientRecord | StoredRecord | LeftRecord] = {}
    misplaced: dict[str, ClientRecord] = {}
    for name, one in stored.records.items():
        if bucket_of(name, buckets) == bucket:
            records[name] = keep(one)
        else:
            misplaced[name] = one.decode()
    return DecodedBucket(mark, records, misplaced, stored.foreign)


def _leave(
    record: StoredRecord,
    now: datetime,
    leaves: Leaves,
) -> StoredRecord | LeftRecord:
    digest = record.digest()
    return LeftRecord(record.name, digest) if leaves(record.name, digest, now) else record


def read_runs(live: LiveState) -> tuple[OpenRun, ...]:
    """The runs on record, oldest first: open ones, and closed ones that were not pruned yet.

    Raises ``RegistryError`` for one that cannot be read: nobody knows then whether a plan was
    applied already.
    """
    documents = read_all_documents(live, [f"runs/{name}" for name in live.list_documents("runs")])
    runs = [
        decode_run(document.text, name) for name, document in documents if document.text is not None
    ]
    return tuple(sorted(runs, key=lambda run: (run.started_at, run.run_id)))


def readable_runs(live: LiveState) -> tuple[tuple[OpenRun, ...], frozenset[str]]:
    """The runs on record that can be read, and the ids of those that cannot."""
    runs, unreadable = [], set()
    for name, document in read_all_documents(
        live, [f"runs/{name}" for name in live.list_documents("runs")]
    ):
        try:
            runs += [decode_run(document.text, name)] if document.text is not None else []
        except RegistryError:
            unreadable.add(name.removeprefix("runs/"))
    return tuple(runs), frozenset(unreadable)


def read_lease(live: LiveState) -> Lease | None:
    """The lease, None when nobody holds it now by the server's time.

    One that cannot be read has ended.
    """
    document = expect(live.answer(ReadDocument("lease")), StoredDocument)
    lease = read_standing_lease(document)
    return lease if lease is not None and lease.until > document.at else None


def read_applied_commit(live: LiveState) -> Applied | None:
    """The commit that was applied last, None when none is on record. Raises ``RegistryError``."""
    return decode_applied(expect(live.answer(ReadDocument(APPLIED)), StoredDocument))


@dataclass(frozen=True, slots=True)
class Survey:
    """As much of the registry as can be read.

    ``unreadable`` maps each document that cannot to its error.
    """

    records: Mapping[str, ClientRecord]
    foreign: Mapping[str, str]
    now: datetime
    runs: tuple[OpenRun, ...]
    misplaced: Mapping[str, str]
    unreadable: Mapping[str, RegistryError]


def survey(live: LiveState, owner: str, buckets: int) -> Survey:
    """Look at every document of the registry on its own.

    Raises ``VaultError`` when Vault does not answer.
    """
    records: dict[str, ClientRecord] = {}
    foreign: dict[str, str] = {}
    runs: list[OpenRun] = []
    misplaced: dict[str, str] = {}
    unreadable: dict[str, RegistryError] = {}
    names = [f"buckets/{name}" for name in bucket_names(buckets)]
    names += [f"runs/{name}" for name in live.list_documents("runs")]
    documents = read_all_documents(live, [*names, "lease"])
    for name, document in documents:
        folder = name.partition("/")[0]
        try:
            if folder == "buckets":
                found = _registry([(name, document)], owner, buckets)
                records.update(found.records)
                foreign.update(found.foreign)
                misplaced.update(
                    {client: bucket for client, (bucket, _) in found.misplaced.items()}
                )
            elif document.text is not None:
                decoded = (
                    decode_run(document.text, name)
                    if folder == "runs"
                    else decode_lease(document.text)
                )
                runs += [decoded] if isinstance(decoded, OpenRun) else []
        except RegistryError as error:
            unreadable[name] = error
    runs.sort(key=lambda run: (run.started_at, run.run_id))
    now = max(document.at for _, document in documents)
    return Survey(
        records,
        foreign,
        now,
        tuple(runs),
        misplaced,
        unreadable,
    )
