"""What KV v2's metadata says about a secret, as ``SecretInfo``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.values.canonical import JsonObject, parse_iso

# Of most secrets there are none, and there are many secrets.
_NONE: frozenset[int] = frozenset()
_NO_ENDS: Mapping[int, datetime] = {}


def secret_info(metadata: JsonObject, now: datetime) -> SecretInfo | None:
    """One entry of ``metadata/<path>`` or ``detailed-metadata``; None when it has not the form of
    one.

    A version between the oldest and the current one that is not listed is ``absent`` like a
    destroyed one.
    """
    current, versions = metadata.get("current_version"), metadata.get("versions") or {}
    if not isinstance(current, int) or not isinstance(versions, dict):
        return None
    destroyed, deleted, ends = set[int](), set[int](), dict[int, datetime]()
    created: datetime | None = None
    kept = {int(number): version for number, version in versions.items() if number.isdecimal()}
    for number, version in kept.items():
        deletion = version.get("deletion_time")
        if version.get("destroyed"):
            destroyed.add(number)
        elif deletion and _is_past(deletion, now):
            deleted.add(number)
        elif deletion and (at := instant(deletion)) is not None:
            ends[number] = at
        if number == current:
            created = instant(version.get("created_time"))
    oldest = metadata.get("oldest_version") or 0
    if len(kept) < current:
        destroyed |= set(range(max(oldest, 1), current + 1)).difference(kept)
    return SecretInfo(
        current=current,
        absent=frozenset(destroyed) if destroyed else _NONE,
        deleted=frozenset(deleted) if deleted else _NONE,
        edited=_is_edited(metadata),
        oldest=oldest,
        deletes=deletes_after(metadata),
        ends=ends or _NO_ENDS,
        created=created,
    )


def read_listed_infos(
    folder: str,
    names: list[Any],
    details: Any,
    now: datetime,
) -> dict[str, SecretInfo] | None:
    """What ``detailed-metadata`` lists below ``folder``, by path; None when it lists nothing, or no
    details.

    A name without details (a folder, or a later server's new form) is known by name only.
    ``details`` is emptied: of very many there is never everything twice.
    """
    if not isinstance(details, dict) or not names:
        return None
    return {
        f"{folder}/{name}": secret_info(details.pop(name, None) or {}, now) or SecretInfo()
        for name in names
        if isinstance(name, str)
    }


def deletes_after(settings: JsonObject) -> str:
    """The ``delete_version_after`` of a path or a mount; empty when nothing is deleted (negative:
    whatever else says so)."""
    after = str(settings.get("delete_version_after") or "")
    return "" if after in ("", "0", "0s") or after.startswith("-") else after


def instant(text: Any) -> datetime | None:
    """A time as the server writes it; None for anything else."""
    try:
        return parse_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _is_edited(metadata: JsonObject) -> bool:
    """Bootstrap sets limits on the mount only, so anything on a path was set by hand."""
    kept_for = metadata.get("delete_version_after") or "0s"
    return bool(metadata.get("max_versions") or metadata.get("custom_metadata") or kept_for != "0s")


def _is_past(deletion_time: Any, now: datetime) -> bool:
    """``deletion_time`` is an instant in the past (deleted) or in the future
    (delete_version_after)."""
    try:
        return parse_iso(str(deletion_time)) <= now
    except ValueError:
        return True
