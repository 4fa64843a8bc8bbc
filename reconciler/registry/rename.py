"""A rename: the record moves to the bucket of its new name; keys, secrets and their paths stay.

1. The old record says where it is going. 2. The new record is written. 3. The old record is removed.
A run that dies in between leaves the old record with ``moving_to``; doing it again finishes it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.domain import transitions
from reconciler.domain.names import bucket_of
from reconciler.domain.plan import Action
from reconciler.domain.record import ClientRecord, VersionState
from reconciler.domain.transitions import TransitionError
from reconciler.registry.bucket import Bucket
from reconciler.registry.steps import Steps
from reconciler.registry.work import Run, with_event, with_series

# Each pass means that somebody revoked something of the moving client in that moment.
MAX_PASSES = 5


class RenameLost(Exception):
    """Somebody else changed or took one of the two names; the text says what happened."""


def move_client(action: Action, buckets: int, run: Run) -> Steps[int]:
    """Move ``action.before["name"]`` to ``action.after["name"]``; the revision of the new record.

    Raises ``RenameLost``.
    """
    old, new = str((action.before or {})["name"]), str((action.after or {})["name"])
    source = Bucket(bucket_of(old, buckets), run.owner, run.run_id, run.open_runs)
    target = Bucket(bucket_of(new, buckets), run.owner, run.run_id, run.open_runs)
    yield from source.load()
    if old == new:  # a rename that was begun and then taken back
        lost = yield from source.commit("unmove", {old: lambda record, at: stayed(record, action, run, at)})
        _refuse(lost)
        return source.records[old].revision
    lost = yield from source.commit("move", {old: lambda record, at: leaving(record, new)})
    _refuse(lost)
    for attempt in range(MAX_PASSES):
        moving = source.records[old]
        yield from target.load()
        lost = yield from target.commit(
            f"moved{attempt}", {new: lambda record, at, moving=moving: arrived(record, moving, action, run, at)}  # type: ignore[misc]
        )  # fmt: skip
        _refuse(lost)
        if source.name == target.name:
            yield from source.load()
        lost = yield from source.commit(f"unlink{attempt}", {old: lambda record, at: None})
        if not lost:
            return target.records[new].revision
        yield from source.load()
        if old not in source.records:
            return target.records[new].revision
    raise RenameLost(f"{old} kept changing while it was renamed")


def leaving(record: ClientRecord | None, new: str) -> ClientRecord:
    if record is None:
        raise TransitionError("it is not registered any more")
    return replace(record, moving_to=new)


def stayed(record: ClientRecord | None, action: Action, run: Run, at: datetime) -> ClientRecord:
    if record is None:
        raise TransitionError("it is not registered any more")
    return with_event(replace(record, moving_to=None), run, at, action)


def arrived(record: ClientRecord | None, moving: ClientRecord, action: Action, run: Run, at: datetime) -> ClientRecord:
    """The new record. When an earlier pass wrote it already, only what was revoked since is taken over."""
    if record is None:
        moved = replace(moving, name=action.client, moving_to=None)
        return with_event(moved, run, at, action, {"from": moving.name})
    if record.storage_name != moving.storage_name:
        raise TransitionError(f"the name {record.name} is taken")
    for kind, name, series in moving.all_series():
        kept = record.series(kind, name)
        for version in series.in_state(VersionState.REVOKED):
            known = kept.version(version.number)
            if known is not None and known.state is not VersionState.REVOKED:
                kept = replace(transitions.revoke(kept, version.number, at), hold=series.hold)
        if kept != record.series(kind, name):
            record = with_series(record, kind, name, kept)
    return record


def _refuse(lost: dict[str, str]) -> None:
    for name, why in lost.items():
        raise RenameLost(f"{name}: {why}")
