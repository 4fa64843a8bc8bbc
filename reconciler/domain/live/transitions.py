"""The life of a version, as functions from one series to the next. No other code changes a state.

pending -> active -> retiring -> revoked; pending and active may be revoked at once; revoked is
terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.domain.live.record import USABLE, Hold, Series, Version, VersionState

# Revoked versions kept in the record for reference; the ledger has them all.
KEPT_REVOKED = 10


class TransitionError(ValueError):
    """The version is not in a state that allows this: somebody else changed it."""


def claim(series: Series, version: Version) -> Series:
    """Add a pending version.

    Raises ``TransitionError`` when one is pending or the number was used.
    """
    if (
        series.pending is not None
        or version.number <= series.last
        or version.state is not VersionState.PENDING
    ):
        raise TransitionError(f"version {version.number} cannot be claimed")
    return replace(series, versions=(*series.versions, version), last=version.number)


def activate(
    series: Series,
    number: int,
    now: datetime,
    grace: timedelta,
) -> Series:
    """Make a pending version current; the present one starts its grace."""

    def step(version: Version) -> Version:
        if version.number == number:
            return replace(version, state=VersionState.ACTIVE)
        if version.state is VersionState.ACTIVE:
            return _retiring(version, now, grace)
        return version

    _require(series, number, VersionState.PENDING)
    return _map(series, step)


def abandon(series: Series, number: int) -> Series:
    """Forget a claim that was never written: its number was not used."""
    _require(series, number, VersionState.PENDING)
    others = tuple(version for version in series.versions if version.number != number)
    return replace(
        series, versions=others, last=max((version.number for version in others), default=0)
    )


def retire(
    series: Series,
    number: int,
    now: datetime,
    grace: timedelta,
) -> Series:
    """Start the grace of the active version without a successor."""
    _require(series, number, VersionState.ACTIVE)
    return _map(series, lambda one: _retiring(one, now, grace) if one.number == number else one)


def revoke_version(series: Series, number: int, now: datetime) -> Series:
    """End a version for ever. A version that is revoked already stays as it is."""
    _require(series, number, *USABLE, VersionState.REVOKED)

    def step(version: Version) -> Version:
        if version.number != number or version.state is VersionState.REVOKED:
            return version
        return replace(version, state=VersionState.REVOKED, revoked_at=now)

    return _map(series, step)


def mark_destroyed(series: Series, number: int, now: datetime) -> Series:
    """Record that the secret of a revoked version was seen to be gone; drop the oldest such
    versions."""
    _require(series, number, VersionState.REVOKED)
    marked = _map(
        series, lambda one: replace(one, destroyed_at=now) if one.number == number else one
    )
    gone = [version.number for version in marked.versions if version.destroyed_at is not None]
    dropped = set(gone[:-KEPT_REVOKED])
    return replace(
        marked, versions=tuple(one for one in marked.versions if one.number not in dropped)
    )


def hold(
    series: Series,
    reason: str,
    incident: str | None,
    now: datetime,
    declared: int = 0,
) -> Series:
    """Nothing more is issued until the declaration names the last version. When that is what it
    says already (``declared``: its ``reissueAfter``), the next number, or the hold would end at
    once."""
    number = max(series.last, 1)
    number += number == declared
    return replace(series, hold=Hold(number, reason, incident, now))


def grace_end(version: Version, now: datetime, grace: timedelta) -> datetime:
    """A grace never lengthens a life: ``min(expires_at, now + grace)``."""
    return min(version.expires_at, now + grace)


def _retiring(version: Version, now: datetime, grace: timedelta) -> Version:
    return replace(version, state=VersionState.RETIRING, grace_until=grace_end(version, now, grace))


def _map(series: Series, step: Callable[[Version], Version]) -> Series:
    return replace(series, versions=tuple(step(version) for version in series.versions))


def _require(series: Series, number: int, *states: VersionState) -> None:
    version = series.version(number)
    if version is None or version.state not in states:
        found = "does not exist" if version is None else f"is {version.state.value}"
        raise TransitionError(f"version {number} {found}")
