"""Where the secrets that were listed contradict the records that were read.

That is a finding only when both are of one moment. Whoever looks has to confirm it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import Observed, SecretInfo
from reconciler.domain.live.record import ClientRecord, Series, VersionState
from reconciler.planning.guards.ownership import find_doubts
from reconciler.planning.guards.unfinished import find_busy_runs


@dataclass(frozen=True, slots=True)
class Contradiction:
    """``subject`` is the path of a secret, or a client's name. ``client`` is the one whose record
    must not have changed since it was read; None: none of all the records may have."""

    subject: str
    client: str | None


def find_contradictions(
    observed: Observed, sought: Collection[Collection[str]] = ()
) -> Iterator[Contradiction]:
    """Everything in ``observed`` that another run may have made to look so between two requests, or
    has changed since.

    ``sought`` holds the names of each client that should be on record: one that is not may have
    moved.
    """
    known = (observed.records, observed.foreign, observed.misplaced)
    for names in sought:
        if not any(name in place for name in names for place in known):
            yield from (Contradiction(name, None) for name in names)
    for path in observed.unmanaged:
        yield Contradiction(path, None)
    for doubt in find_doubts(observed):
        yield from (Contradiction(client, None) for client in doubt.clients)
    at_work = find_busy_runs(observed)
    for record in observed.records.values():
        if record.edited:
            yield Contradiction(record.name, _client(record))
        for kind, item, series in record.all_series():
            path = record.secret_path(kind, item)
            stale = series.pending is not None and series.pending.run not in at_work
            if (
                stale
                or series.edited
                or path in observed.strangers
                or not is_as_recorded(series, observed.secrets.get(path))
            ):
                yield Contradiction(path, _client(record))


def _client(record: ClientRecord) -> str | None:
    """A client that is being renamed, or was, may have a record in another bucket, too."""
    renamed = record.moving_to is not None or record.storage_name != record.name
    return None if renamed else record.name


def is_as_recorded(series: Series, info: SecretInfo | None) -> bool:
    """Whether a path holds what is on record of it, as far as is known."""
    active = series.active
    if info is None:
        return active is None
    if info.current is None:
        return True
    if info.edited or find_unrecorded_versions(series, info):
        return False
    if active is not None and not (info.holds(active.number) and info.current <= series.last):
        return False
    return not any(
        info.holds(version.number)
        for version in series.in_state(VersionState.REVOKED)
        if version.destroyed_at is not None
    )


def find_unrecorded_versions(series: Series, info: SecretInfo) -> frozenset[int]:
    """The versions at a path that can be read and that no history tells of."""
    if info.current is None:
        return frozenset()
    # A newer one than all of ours is told as drift while there is an active version to compare it
    # with.
    newest = min(info.current, series.last) if series.active is not None else info.current
    known = {version.number for version in series.versions}
    return frozenset(
        [
            number
            for number in range(max(info.oldest, 1), newest + 1)
            if number not in known and number not in info.absent and number not in info.deleted
        ]
    )


def leave_out(observed: Observed, subjects: Collection[str]) -> Observed:
    """``observed`` where nothing is known of ``subjects``, which nobody could confirm: nothing is
    concluded from them."""
    secrets = dict(observed.secrets)
    for record in observed.records.values():
        for kind, item, _ in record.all_series():
            if (path := record.secret_path(kind, item)) in subjects:
                secrets[path] = SecretInfo()
    return replace(
        observed,
        secrets=secrets,
        strangers=observed.strangers.difference(subjects),
        unmanaged=tuple(path for path in observed.unmanaged if path not in subjects),
        unsettled=frozenset(subjects),
    )
