"""Which record is in force when several have the same secrets: renames that were cut short, or
overtook each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.record import ClientRecord, Series, VersionState
from reconciler.planning.actions.reasons import Reason

Heirs = Mapping[str, ClientRecord]


def find_heirs(records: Mapping[str, ClientRecord]) -> Heirs:
    """The name of each record that is only left to be removed → the record that took over from it.

    A rename that got as far as the new record left the old one, which says where it is going. A
    rename that another one overtook may leave a copy behind, made from an earlier state: of records
    with the same secrets the one with the longest history is in force. What an edited record says
    of a rename is not believed, and it is no copy of ours.
    """
    found: dict[str, ClientRecord] = {}
    for same in _sharing(records.values()):
        for record in same:
            moved = next((other for other in same if other.name == record.moving_to), None)
            if moved is not None and not record.edited:
                found[record.name] = moved
        left = [record for record in same if record.name not in found and not record.edited]
        longest = max(left, key=lambda record: record.seq, default=None)
        for record in left:
            if longest is not None and record.seq < longest.seq:
                found[record.name] = longest
    return found


def find_relatives(
    record: ClientRecord, records: Mapping[str, ClientRecord]
) -> tuple[ClientRecord, ...]:
    """``record`` and every other one that we wrote for the same secrets."""
    if record.edited:
        return (record,)
    return tuple(
        one
        for one in records.values()
        if one.storage_name == record.storage_name and not one.edited
    )


def read_former_names(record: ClientRecord) -> set[str]:
    """The names that a client has and had, as far as its record still tells."""
    told = (
        event.detail.get("from")
        for event in record.events_with(Reason.RENAMED)
        if event.reason == Reason.RENAMED
    )
    return {record.name, record.storage_name, *(str(name) for name in told if name is not None)}


def merge_revocations(records: Mapping[str, ClientRecord]) -> dict[str, ClientRecord]:
    """The records as a gateway is to read them: what is revoked in one of those with the same
    secrets is revoked.

    A rename under way may copy a record in the moment in which it is revoked; the next run takes
    that over.
    """
    found = dict(records)
    for same in _sharing(record for record in records.values() if not record.edited):
        gone = {
            (kind, item, version.number)
            for record in same
            for kind, item, series in record.all_series()
            for version in series.in_state(VersionState.REVOKED)
        }
        for record in same:
            found[record.name] = _without(record, gone)
    return found


def _without(record: ClientRecord, gone: set[tuple[CredentialKind, str, int]]) -> ClientRecord:
    def revoke_gone(kind: CredentialKind, item: str, series: Series) -> Series:
        versions = (
            (
                replace(version, state=VersionState.REVOKED)
                if (kind, item, version.number) in gone
                else version
            )
            for version in series.versions
        )
        return replace(series, versions=tuple(versions))

    every = {
        (kind, item): revoke_gone(kind, item, one) for (kind, item), one in record.series.items()
    }
    return replace(record, series=every)


def _sharing(records: Iterable[ClientRecord]) -> list[list[ClientRecord]]:
    by_storage: dict[str, list[ClientRecord]] = {}
    for record in records:
        by_storage.setdefault(record.storage_name, []).append(record)
    return [same for same in by_storage.values() if len(same) > 1]
