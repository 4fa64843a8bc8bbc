"""One look at an environment: all buckets, the names of all secrets, open runs and the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.names import bucket_names
from reconciler.domain.observed import Lease, Observed, OpenRun, SecretInfo
from reconciler.domain.record import USABLE, ClientRecord, SeriesKind, VersionState
from reconciler.engine.ports import LiveState
from reconciler.registry.bucket import refuse_deleted
from reconciler.registry.codec import decode_bucket
from reconciler.registry.requests import Document, Metadata, ReadDocument, ReadMetadata, ReadSubkeys, Request, Subkeys
from reconciler.registry.run_codec import decode_lease, decode_run
from reconciler.registry.steps import Expected, expect

FOLDERS = tuple(kind.folder for kind in SeriesKind)


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry alone, without a look at the secrets: enough for ``status`` of another environment."""

    records: Mapping[str, ClientRecord]
    foreign: Mapping[str, str]
    now: datetime


def read_registry(live: LiveState, owner: str, buckets: int) -> Registry:
    """All records. Every bucket is read by name: a LIST may be cut short by a policy and nobody would know."""
    records: dict[str, ClientRecord] = {}
    foreign: dict[str, str] = {}
    names = bucket_names(buckets)
    documents = _documents(live, [f"buckets/{name}" for name in names])
    for name, document in zip(names, documents, strict=True):
        refuse_deleted(name, document)
        own, others = decode_bucket(document.text, owner)
        records.update(own)
        foreign.update({name: str(raw.get("owner")) for name, raw in others.items()})
    return Registry(dict(sorted(records.items())), foreign, max(document.at for document in documents))


def observe(live: LiveState, owner: str, buckets: int, *, deep: bool = False) -> Observed:
    """Everything a plan needs, in one request per bucket and two LISTs; no secret value is read.

    ``deep`` looks at the metadata of every secret where the server lists only names.
    """
    registry = read_registry(live, owner, buckets)
    secrets: dict[str, SecretInfo] = {}
    versions_known = True
    for folder in FOLDERS:
        found, known = live.list_secrets(folder, deep=deep)
        secrets.update(found)
        versions_known = versions_known and known
    secrets.update(_confirmed(live, registry.records, secrets))
    managed = {
        record.secret_path(kind, name) for record in registry.records.values() for kind, name, _ in record.all_series()
    }
    unmanaged = [
        path for path in secrets if path not in managed and path.split("/")[1].split(".")[0] not in registry.foreign
    ]
    return Observed(
        now=registry.now,
        records=registry.records,
        secrets=secrets,
        buckets=buckets,
        claims=_claims(live, registry.records),
        foreign=registry.foreign,
        unmanaged=tuple(sorted(unmanaged)),
        open_runs=read_runs(live),
        lease=read_lease(live),
        deep=versions_known,
    )


def read_runs(live: LiveState) -> tuple[OpenRun, ...]:
    """The runs on record, oldest first: open ones, and closed ones that were not pruned yet."""
    documents = _documents(live, [f"runs/{name}" for name in live.list_documents("runs")])
    runs = [decode_run(document.text) for document in documents if document.text is not None]
    return tuple(sorted(runs, key=lambda run: (run.started_at, run.run_id)))


def read_lease(live: LiveState) -> Lease | None:
    """The lease, None when nobody holds it now by the server's time."""
    document = _documents(live, ["lease"])[0]
    if document.text is None:
        return None
    lease = decode_lease(document.text)
    return lease if lease.until > document.at else None


def _confirmed(
    live: LiveState, records: Mapping[str, ClientRecord], listed: Mapping[str, SecretInfo]
) -> dict[str, SecretInfo]:
    """A secret that should be there and is missing from the LIST gets a read of its own."""
    missing = [
        path
        for record in records.values()
        for kind, name, series in record.all_series()
        if series.in_state(*USABLE) and (path := record.secret_path(kind, name)) not in listed
    ]
    answers = _answers(live, [ReadMetadata(path) for path in missing], Metadata)
    return {path: answer.info for path, answer in zip(missing, answers, strict=True) if answer.info is not None}


def _claims(live: LiveState, records: Mapping[str, ClientRecord]) -> dict[str, frozenset[str]]:
    """The key ids found at the paths of pending versions: whose claims were written."""
    pending = [
        (record.secret_path(kind, name), version.number)
        for record in records.values()
        for kind, name, series in record.all_series()
        for version in series.in_state(VersionState.PENDING)
    ]
    answers = _answers(live, [ReadSubkeys(path, number) for path, number in pending], Subkeys)
    return {path: answer.ids for (path, _), answer in zip(pending, answers, strict=True)}


def _documents(live: LiveState, names: Sequence[str]) -> list[Document]:
    return _answers(live, [ReadDocument(name) for name in names], Document)


def _answers(live: LiveState, requests: Sequence[Request], kind: type[Expected]) -> list[Expected]:
    return [expect(response, kind) for response in live.answer_all(requests)]
