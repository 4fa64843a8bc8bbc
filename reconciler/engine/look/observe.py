"""One look at an environment: all buckets, the names of all secrets, open runs and the lease."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from reconciler.domain.kinds.credentials import list_kinds
from reconciler.domain.live.observed import Observed, SecretInfo
from reconciler.domain.live.record import USABLE, ClientRecord, Version, VersionState
from reconciler.domain.values.names import bucket_of
from reconciler.engine.look.records import (
    LOOKS,
    Decoded,
    Leaves,
    Registry,
    find_moved,
    leave_none,
    read_lease,
    read_left,
    read_registry,
    read_runs,
)
from reconciler.engine.ports import LiveState
from reconciler.errors import RegistryError
from reconciler.planning.guards.contradictions import Contradiction, find_contradictions, leave_out
from reconciler.planning.quiet.known import NOTHING_KNOWN, Known, list_related
from reconciler.registry.requests import Metadata, ReadMetadata, ReadSubkeys, Request, Subkeys
from reconciler.registry.steps import Expected, expect

# A secret is written after its claim, in seconds. One that was written at another time is looked at
# more closely.
PROMPT = timedelta(minutes=5)


def observe(
    live: LiveState,
    owner: str,
    buckets: int,
    *,
    deep: bool = False,
    sought: Collection[Collection[str]] = (),
    decoded: Decoded | None = None,
    known: Known = NOTHING_KNOWN,
) -> Observed:
    """Everything a plan needs, in one request per bucket and three LISTs; no secret value is read.

    ``deep`` looks at the metadata of every secret where the server lists only names, and at every
    active version's id. ``sought`` holds the names of each client that should be on record: the
    present and a former one. ``decoded``: the buckets that former looks decoded.

    The registry and the secrets are read at two moments. What contradicts the registry is believed
    only when the registry is the same before and after; else everything is looked at again, a few
    times. What could not be confirmed then is left out as ``unsettled``.

    Clients of whom it is ``known`` that nothing is to be said are only named.
    """
    try:
        return _observe(
            live, owner, buckets, deep=deep, sought=sought, decoded=decoded, known=known
        )
    except RegistryError:
        if not known.keeping:
            raise
    # Of several faults the first one in the order of buckets is reported, whatever is known.
    return _observe(
        live, owner, buckets, deep=deep, sought=sought, decoded=decoded, known=NOTHING_KNOWN
    )


def _observe(
    live: LiveState,
    owner: str,
    buckets: int,
    *,
    deep: bool,
    sought: Collection[Collection[str]],
    decoded: Decoded | None,
    known: Known,
) -> Observed:
    looks = 0
    leaves: Leaves = known.expects
    while True:
        registry = read_registry(
            live, owner, buckets, decoded=decoded, lazily=known.keeping, leaves=leaves
        )
        bring_back = partial(read_left, live, registry, owner, buckets)
        try:
            observed = _look(live, registry, buckets, bring_back, deep=deep, known=known)
        except _WrittenMeanwhile:
            leaves = leave_none
            continue
        loud = [names for names in sought if observed.quiet.isdisjoint(names)]
        doubtful = _find_unconfirmed(
            live, registry, buckets, list(find_contradictions(observed, loud))
        )
        looks += 1
        if not doubtful:
            return observed
        if looks == LOOKS:
            return leave_out(observed, doubtful)


def _find_unconfirmed(
    live: LiveState,
    registry: Registry,
    buckets: int,
    found: Sequence[Contradiction],
) -> frozenset[str]:
    """The subjects of those contradictions whose records changed since they were read."""
    if not found:
        return frozenset()
    own = {one.client: bucket_of(one.client, buckets) for one in found if one.client is not None}
    everywhere = any(one.client is None for one in found)
    names = registry.marks if everywhere else sorted({*own.values()})
    changed = find_moved(live, registry, buckets, names)
    return frozenset(
        one.subject
        for one in found
        if (changed if one.client is None else own[one.client] in changed)
    )


class _WrittenMeanwhile(Exception):
    """A record that was left is needed, and is no longer what it was."""


def _look(
    live: LiveState,
    registry: Registry,
    buckets: int,
    bring_back: Callable[[Iterable[str]], bool],
    *,
    deep: bool,
    known: Known,
) -> Observed:
    """``bring_back`` reads records that were left; False: they were written since. Then
    ``_WrittenMeanwhile`` is raised."""
    same = known.find_unchanged(registry.digests)
    unchanged = _find_unrelated(same, registry)
    if not bring_back(same - unchanged):
        raise _WrittenMeanwhile
    # before the LISTs, which then hold whatever was written
    claims = _claims(live, _without(registry.records, unchanged))
    secrets: dict[str, SecretInfo] = {}
    versions_known = True
    folders = [kind.folder for kind in list_kinds()]
    lists = [partial(live.list_secrets, folder, deep=deep) for folder in folders]
    for found, with_versions in live.at_once(lists):
        secrets.update(found)
        versions_known = versions_known and with_versions
    quiet = known.find_quiet(unchanged, secrets, registry.now) if versions_known else frozenset()
    if not bring_back(unchanged - quiet):
        raise _WrittenMeanwhile
    for path in known.list_paths(quiet):
        del secrets[path]
    records = _without(registry.records, quiet)
    secrets.update(_confirm(live, records, secrets))
    known_records = [*records.values(), *(record for _, record in registry.misplaced.values())]
    managed = {
        record.secret_path(kind, name)
        for record in known_records
        for kind, name, _ in record.all_series()
    }
    unmanaged = [
        path
        for path in secrets
        if path not in managed and path.split("/")[1].split(".")[0] not in registry.foreign
    ]
    unmanaged += [name for name in live.list_folders() if name.removesuffix("/") not in folders]
    return Observed(
        now=registry.now,
        records=records,
        digests=registry.digests,
        secrets=secrets,
        buckets=buckets,
        claims=claims,
        strangers=_strangers(live, records, secrets, deep=deep),
        foreign=registry.foreign,
        misplaced={client: bucket for client, (bucket, _) in registry.misplaced.items()},
        unmanaged=tuple(sorted(unmanaged)),
        ending=registry.ending,
        open_runs=read_runs(live),
        lease=read_lease(live),
        deep=versions_known,
        quiet=quiet,
    )


def _find_unrelated(unchanged: frozenset[str], registry: Registry) -> frozenset[str]:
    """The ``unchanged`` clients that no other one has to do with: no record that is not theirs, or
    lies in another bucket, tells of them."""
    if not unchanged:
        return unchanged
    related: set[str] = set()
    for record in _without(registry.records, unchanged).values():
        related |= list_related(record)
    for name, (_, record) in registry.misplaced.items():
        related |= {name, *list_related(record)}
    return unchanged - related


def _without(
    records: Mapping[str, ClientRecord],
    left_out: frozenset[str],
) -> Mapping[str, ClientRecord]:
    if not left_out:
        return records
    return {name: records[name] for name in records if name not in left_out}


def _confirm(
    live: LiveState,
    records: Mapping[str, ClientRecord],
    listed: Mapping[str, SecretInfo],
) -> dict[str, SecretInfo]:
    """A secret that should be there and is missing from the LIST gets a read of its own."""
    missing = [
        path
        for record in records.values()
        for kind, name, series in record.all_series()
        if series.in_state(*USABLE) and (path := record.secret_path(kind, name)) not in listed
    ]
    answers = _answers(live, [ReadMetadata(path) for path in missing], Metadata)
    return {
        path: answer.info
        for path, answer in zip(missing, answers, strict=True)
        if answer.info is not None
    }


def _strangers(
    live: LiveState,
    records: Mapping[str, ClientRecord],
    secrets: Mapping[str, SecretInfo],
    *,
    deep: bool,
) -> frozenset[str]:
    """The paths whose active version is not ours: somebody deleted the path with its history and
    wrote versions up to the same number. The time when it was written raises the suspicion, the id
    that it holds decides."""
    suspects = [
        (path, active)
        for record in records.values()
        for kind, name, series in record.all_series()
        if (active := series.active) is not None
        and (info := secrets.get(path := record.secret_path(kind, name))) is not None
        and (deep or _is_suspicious(info, active))
    ]
    answers = _answers(
        live, [ReadSubkeys(path, active.number) for path, active in suspects], Subkeys
    )
    others = [
        (path, active, answer.ids) for (path, active), answer in zip(suspects, answers, strict=True)
    ]
    # No id at all: written by hand, or gone by now. The metadata tells.
    blank = [(path, active) for path, active, ids in others if not ids]
    looks = _answers(live, [ReadMetadata(path) for path, _ in blank], Metadata)
    there = {
        path for (path, active), look in zip(blank, looks, strict=True) if _holds(look.info, active)
    }
    return frozenset(
        path for path, active, ids in others if active.id not in ids and (ids or path in there)
    )


def _is_suspicious(info: SecretInfo, active: Version) -> bool:
    if info.created is None or info.current != active.number or not _holds(info, active):
        return False
    return abs(info.created - active.issued_at) > PROMPT


def _holds(info: SecretInfo | None, version: Version) -> bool:
    return info is not None and info.holds(version.number) is True


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


def _answers(
    live: LiveState,
    requests: Sequence[Request],
    kind: type[Expected],
) -> list[Expected]:
    return [expect(response, kind) for response in live.answer_all(requests)]
