"""Spreading the registry over another number of buckets, while others may be writing.

1. Every record is copied to the bucket it will live in. 2. The meta document says the new number:
   from here on everybody reads the new buckets. 3. Each old bucket is closed with a marker that no
   reader takes for a bucket; whatever somebody wrote to it after the copy is carried over first. A
   run that dies before 2 changed nothing that counts; doing it again overwrites the copies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from msgspec import Raw

from reconciler.domain.live.record import ClientRecord, ClientStatus, VersionState
from reconciler.domain.values.canonical import dumps
from reconciler.domain.values.names import bucket_names, bucket_of
from reconciler.errors import RegistryError, VaultUnreachable
from reconciler.registry.codec.bucket_codec import read_clients, read_outline, write_clients
from reconciler.registry.codec.record_codec import decode_record, encode_record
from reconciler.registry.codec.stored import MOVED
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.protocol.documents import put_document
from reconciler.registry.requests import Batch, ReadDocument, StoredDocument
from reconciler.registry.steps import Steps, expect

_MAX_TRIES = 20


def rebucket(
    old: int,
    new: int,
    meta: str,
    meta_version: int,
) -> Steps[int]:
    """Move all records from ``old`` to ``new`` buckets; ``meta`` is the text of the new meta
    document.

    Returns the number of clients. Raises ``RegistryError`` when somebody changed the meta document
    meanwhile, ``VaultUnreachable`` when a bucket keeps changing.
    """
    documents = yield from read_buckets(old)
    copied = {
        name: read_clients(document.text, f"buckets/{name}") for name, document in documents.items()
    }
    for name, clients in copied.items():
        refuse_misplaced(name, clients, old)
    spread: dict[str, dict[str, Raw]] = {}
    for clients in copied.values():
        for client, raw in clients.items():
            spread.setdefault(bucket_of(client, new), {})[client] = raw
    for name, document in (yield from read_buckets(new)).items():
        # a marker of an earlier move would be taken for a strange format
        if name in spread or document.version:
            yield from overwrite(name, spread.get(name, {}))
    if not (yield from put_document("meta", meta, meta_version)):
        raise RegistryError(
            "RC445",
            "somebody else changed the registry's meta document meanwhile",
            "look at it with reconciler doctor, then run the same command again",
        )
    for name, document in documents.items():
        yield from close_bucket(name, document, copied[name], new)
    return sum(len(clients) for clients in copied.values())


def close_left(names: Collection[str], new: int) -> Steps[int]:
    """Close those of ``names`` that a move which died after its second step left open. What
    somebody revoked there is revoked in the new bucket too; nothing else counts, because the new
    buckets are in force since.

    Returns how many were closed. Raises ``RegistryError``, ``VaultUnreachable``."""
    closed = 0
    for name in sorted(names):
        document = expect((yield ReadDocument(f"buckets/{name}")), StoredDocument)
        if document.text is None:
            continue
        try:
            copied = read_clients(document.text, f"buckets/{name}")
        except RegistryError as error:
            if error.code == "RC446":  # the marker
                continue
            raise
        for client, raw in copied.items():
            yield from carry_over(client, raw, new, revoked_alone=True)
        yield from close_bucket(name, document, copied, new, revoked_alone=True)
        closed += 1
    return closed


def refuse_misplaced(name: str, clients: Mapping[str, Raw], buckets: int) -> None:
    """A record in the wrong bucket would come to stand beside, or over, the one that counts. Raises
    ``RegistryError`` RC306."""
    for client in clients:
        if (proper := bucket_of(client, buckets)) != name:
            raise RegistryError(
                "RC306",
                f"a record of {client} lies in buckets/{name} and belongs in buckets/{proper}",
                "somebody moved it by hand: bring back the versions of both buckets from before"
                " with 'bao kv rollback' or 'vault kv rollback'; nothing was changed",
            )


def read_buckets(count: int) -> Steps[dict[str, StoredDocument]]:
    names = bucket_names(count)
    answers = expect((yield Batch(tuple(ReadDocument(f"buckets/{name}") for name in names))), tuple)
    documents = {
        name: expect(answer, StoredDocument) for name, answer in zip(names, answers, strict=True)
    }
    for name, document in documents.items():
        refuse_deleted(f"buckets/{name}", document)
    return documents


def overwrite(name: str, clients: Mapping[str, Raw]) -> Steps[None]:
    """Write a bucket that nobody reads yet; what an earlier, unfinished move left there goes."""
    for _ in range(_MAX_TRIES):
        present = expect((yield ReadDocument(f"buckets/{name}")), StoredDocument)
        if (yield from put_document(f"buckets/{name}", write_clients(clients), present.version)):
            return
    raise _restless(name)


def close_bucket(
    name: str,
    document: StoredDocument,
    copied: Mapping[str, Raw],
    new: int,
    *,
    revoked_alone: bool = False,
) -> Steps[None]:
    """Put the marker over an old bucket, carrying over what was written to it since it was
    copied."""
    marker = dumps({"format": f"{MOVED} {new} buckets", "clients": {}})
    for _ in range(_MAX_TRIES):
        if document.version == 0 or (
            yield from put_document(f"buckets/{name}", marker, document.version)
        ):
            return
        document = expect((yield ReadDocument(f"buckets/{name}")), StoredDocument)
        present = read_clients(document.text, f"buckets/{name}")
        for client, raw in present.items():
            if raw != copied.get(client):
                yield from carry_over(client, raw, new, revoked_alone=revoked_alone)
        copied = present
    raise _restless(name)


def carry_over(
    client: str,
    raw: Raw,
    new: int,
    *,
    revoked_alone: bool = False,
) -> Steps[None]:
    """Take one record over into its new bucket, unless a later revision is there already. What
    somebody revoked in either of them stays revoked; with ``revoked_alone`` nothing else is
    taken."""
    name = f"buckets/{bucket_of(client, new)}"
    for _ in range(_MAX_TRIES):
        document = expect((yield ReadDocument(name)), StoredDocument)
        clients = read_clients(document.text, name)
        if revoked_alone and client not in clients:
            return
        kept = (
            merge_later(client, clients[client], raw, name, revoked_alone=revoked_alone)
            if client in clients
            else raw
        )
        if kept == clients.get(client):
            return
        if (
            yield from put_document(
                name, write_clients({**clients, client: kept}), document.version
            )
        ):
            return
    raise _restless(name)


def merge_later(
    client: str,
    there: Raw,
    late: Raw,
    where: str,
    *,
    revoked_alone: bool = False,
) -> Raw:
    """The later revision of two records of one client, ``there`` when they are equal, with what is
    revoked in the other one alone."""
    stands, comes = (read_outline(one, client, where).revision for one in (there, late))
    first, second = (there, late) if revoked_alone or stands >= comes else (late, there)
    try:
        base, other = (decode_record(one, client, where) for one in (first, second))
    except RegistryError:  # another project's, of which we know nothing
        return first
    united = keep_revocations(base, other)
    if united == base:
        return first
    revision = max(base.revision, other.revision) + 1
    return encode_record(replace(united, revision=revision, op=f"{base.op}+{other.op}"))


def keep_revocations(record: ClientRecord, other: ClientRecord) -> ClientRecord:
    """``record`` with the versions that ``other`` has revoked, its holds, and its suspension."""
    for kind, name, ended in other.all_series():
        series = record.series_of(kind, name)
        revoked = {one.number: one for one in ended.in_state(VersionState.REVOKED)}
        versions = tuple(
            revoked.get(one.number, one) if one.state is not VersionState.REVOKED else one
            for one in series.versions
        )
        hold = series.hold or (
            ended.hold if versions != series.versions or not series.versions else None
        )
        if (versions, hold) != (series.versions, series.hold):
            record = record.with_series(kind, name, replace(series, versions=versions, hold=hold))
            if other.status is ClientStatus.SUSPENDED and record.status in (
                ClientStatus.ACTIVE,
                ClientStatus.PENDING,
            ):
                record = replace(record, status=ClientStatus.SUSPENDED)
    return record


def _restless(name: str) -> VaultUnreachable:
    return VaultUnreachable(
        "RC401",
        f"bucket {name} kept changing while the registry was spread anew",
        "run the same command again",
    )
