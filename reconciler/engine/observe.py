"""One look at an environment: all buckets, the names of all secrets, open runs and the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.domain.observed import Observed, SecretInfo
from reconciler.domain.record import USABLE, ClientRecord, SeriesKind, VersionState
from reconciler.engine.ports import LiveState
from reconciler.engine.records import read_lease, read_registry, read_runs
from reconciler.registry.requests import Metadata, ReadMetadata, ReadSubkeys, Request, Subkeys
from reconciler.registry.steps import Expected, expect

FOLDERS = tuple(kind.folder for kind in SeriesKind)


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
    known_records = [*registry.records.values(), *(record for _, record in registry.misplaced.values())]
    managed = {record.secret_path(kind, name) for record in known_records for kind, name, _ in record.all_series()}
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
        misplaced={client: bucket for client, (bucket, _) in registry.misplaced.items()},
        unmanaged=tuple(sorted(unmanaged)),
        open_runs=read_runs(live),
        lease=read_lease(live),
        deep=versions_known,
    )


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


def _answers(live: LiveState, requests: Sequence[Request], kind: type[Expected]) -> list[Expected]:
    return [expect(response, kind) for response in live.answer_all(requests)]
