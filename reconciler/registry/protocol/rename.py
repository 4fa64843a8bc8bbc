"""A rename: the record moves to the bucket of its new name; keys, secrets and their paths stay.

1. The old record says where it is going. 2. The new record is written. 3. The old record is
   removed. A run that dies in between leaves the old record with ``moving_to``; doing it again
   finishes it. A run that is overtaken by another rename of the same client may leave a copy under
   its own new name: ``planning.actions.renames`` tells it from the record that is in force, and it
   is removed as if it had been renamed to that one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from reconciler.domain.live import transitions
from reconciler.domain.live.record import ClientRecord, VersionState
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.plan.plan import Action
from reconciler.domain.values.canonical import Json
from reconciler.domain.values.names import bucket_of
from reconciler.registry.protocol.bucket import Bucket
from reconciler.registry.protocol.work import Run, with_event
from reconciler.registry.steps import Steps

# Each pass means that somebody revoked something of the moving client in that moment.
_MAX_PASSES = 5
COPIED = "moved"
# The op of a new record that nobody touched since a rename wrote it.
_UNTOUCHED = re.compile(rf"\.{COPIED}\d+\Z")


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
        lost = yield from source.commit(
            "unmove", {old: lambda record, at: keep_name(record, action, run, at)}
        )
        _refuse(lost)
        return source.records[old].revision
    lost = yield from source.commit(
        "move", {old: lambda record, at: leave_name(record, new, action, run, at)}
    )
    _refuse(lost)
    for attempt in range(_MAX_PASSES):
        moving = source.records[old]
        yield from target.load()
        lost = yield from target.commit(
            f"{COPIED}{attempt}",
            {new: lambda record, at, moving=moving: arrive(record, moving, new, at)},  # type: ignore[misc]
        )
        _refuse(lost)
        if source.name == target.name:
            yield from source.load()
        # else somebody changed it meanwhile: that is taken over first
        if source.records.get(old) == moving:
            lost = yield from source.commit(f"unlink{attempt}", {old: lambda record, at: None})
            if not lost:
                return target.records[new].revision
            yield from source.load()
        present = source.records.get(old)
        if present is None or present.moving_to != new:
            raise RenameLost(
                f"another run renamed {old}, or took its renaming back, in the same moment"
            )
    raise RenameLost(f"{old} kept changing while it was renamed")


def leave_name(
    record: ClientRecord | None,
    new: str,
    action: Action,
    run: Run,
    at: datetime,
) -> ClientRecord:
    """The old record says where it is going; its history gains the rename here, so that both
    records tell the same."""
    if record is None:
        raise TransitionError("it is not registered any more")
    if record.moving_to == new:
        return record
    return with_event(replace(record, moving_to=new), run, at, action, describe_move(action))


def describe_move(action: Action) -> dict[str, Json]:
    """What the evidence keeps of a rename; nothing of one that was taken back."""
    old, new = (action.before or {})["name"], (action.after or {})["name"]
    return {} if old == new else {"from": old}


def keep_name(
    record: ClientRecord | None,
    action: Action,
    run: Run,
    at: datetime,
) -> ClientRecord:
    if record is None:
        raise TransitionError("it is not registered any more")
    return with_event(replace(record, moving_to=None), run, at, action)


def arrive(
    record: ClientRecord | None,
    moving: ClientRecord,
    new: str,
    at: datetime,
) -> ClientRecord:
    """The new record: the old one under its new name. What somebody else did to a new record that
    an earlier pass wrote stays; then only what was revoked since is taken over."""
    if record is None:
        return replace(moving, name=new, moving_to=None)
    if record.storage_name != moving.storage_name:
        raise TransitionError(f"the name {new} is taken")
    if record.moving_to == moving.name:  # left by a rename that was cut short and is now taken back
        return take_over_revocations(_copy(moving, record), record, at)
    # else ``moving`` is a copy that was overtaken
    if _UNTOUCHED.search(record.op) and moving.seq > record.seq:
        return _copy(moving, record)
    return take_over_revocations(record, moving, at)


def _copy(moving: ClientRecord, record: ClientRecord) -> ClientRecord:
    """``moving`` in place of ``record``; equal to it when nothing changed since it was copied."""
    return replace(
        moving,
        name=record.name,
        moving_to=None,
        revision=record.revision,
        op=record.op,
    )


def take_over_revocations(record: ClientRecord, other: ClientRecord, at: datetime) -> ClientRecord:
    """``record`` with every version revoked that is revoked in ``other``."""
    for kind, name, series in other.all_series():
        kept = record.series_of(kind, name)
        for version in series.in_state(VersionState.REVOKED):
            known = kept.version(version.number)
            if known is not None and known.state is not VersionState.REVOKED:
                kept = replace(
                    transitions.revoke_version(kept, version.number, at), hold=series.hold
                )
        if kept != record.series_of(kind, name):
            record = record.with_series(kind, name, kept)
    return record


def _refuse(lost: dict[str, str]) -> None:
    for name, why in lost.items():
        raise RenameLost(f"{name}: {why}")
