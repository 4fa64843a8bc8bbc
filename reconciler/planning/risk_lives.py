"""Rules of risk about versions: how long they live, which of them end, and what somebody did to them by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache

from reconciler.domain.canonical import JsonObject, iso
from reconciler.domain.duration import format_duration, parse_duration
from reconciler.domain.plan import ActionKind
from reconciler.domain.record import ClientStatus, SeriesKind, Version, VersionState
from reconciler.planning.reasons import Reason
from reconciler.planning.risk_facts import REVOCATIONS, ROTATIONS, Facts, in_use, items, keys_in_use, mapping, shown
from reconciler.planning.series import place

YEAR = timedelta(days=365)
_BROUGHT = (ActionKind.ISSUE_KEY, ActionKind.ROTATE_KEY, ActionKind.ADOPT_CLAIM)


def _lives(facts: Facts, field: str) -> Iterator[tuple[str, timedelta | None, timedelta]]:
    """``lifetime`` or ``grace`` of each series that the action declares, with its place in words, as it was and as it
    will be; None: it is new, or nobody can read what it was."""
    for where, before, after in _declared(facts):
        old, new = (_duration(str(side.get(field))) for side in (before, after))
        if new is not None and new != old:
            yield where, old, new


def _declared(facts: Facts) -> Iterator[tuple[str, JsonObject, JsonObject]]:
    """What the action declares of each series, with its place in words; empty: nothing."""
    for name, before, after in items(facts, "keys"):
        yield place(SeriesKind.KEY, name), before or {}, after or {}
    for name, before, after in items(facts, "webhooks"):
        old, new = (mapping((side or {}).get("secret")) for side in (before, after))
        yield place(SeriesKind.WEBHOOK, name), old, new


@lru_cache(maxsize=1024)  # clients share a few
def _duration(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None


def much_longer_life(facts: Facts) -> Iterator[str]:
    for where, old, new in _lives(facts, "lifetime"):
        if old is None and new > YEAR:
            yield f"{where} lives {format_duration(new)}, more than a year"
        elif old is not None and new > old and (why := _excess(old, new)):
            yield f"{where} lives {format_duration(old)} → {format_duration(new)}, {why}"


def longer_life(facts: Facts) -> Iterator[str]:
    for where, old, new in _lives(facts, "lifetime"):
        if old is not None and new > old and not _excess(old, new):
            yield f"{where} lives {format_duration(old)} → {format_duration(new)}"


def _excess(old: timedelta, new: timedelta) -> str:
    """Why a longer life is much longer, in words; empty when it is not."""
    if new > 2 * old:
        return "more than twice as long"
    return "more than a year" if new > YEAR else ""


def longer_grace(facts: Facts) -> Iterator[str]:
    for where, old, new in _lives(facts, "grace"):
        if old is not None and new > old:
            yield f"{where}: a replaced version stays valid {format_duration(old)} → {format_duration(new)}"


def shorter_life(facts: Facts) -> Iterator[str]:
    for field, what in (("lifetime", "lives"), ("grace", "stays valid after its replacement")):
        for where, old, new in _lives(facts, field):
            if old is not None and new < old:
                yield f"{where} {what} {format_duration(old)} → {format_duration(new)}"


def new_key(facts: Facts) -> Iterator[str]:
    for name, before, after in items(facts, "keys"):
        if before is None and after is not None:
            yield f"a second credential: key {name}, which lives {after.get('lifetime')}"


def reissue_allowed(facts: Facts) -> Iterator[str]:
    """What a person revoked comes back."""
    hold = facts.series.hold
    if facts.action.reason == Reason.REISSUE_DECLARED and hold is not None:
        yield f"{facts.place} was revoked by a person ({hold.reason}) and gets a new version"


def reissue_declared(facts: Facts) -> Iterator[str]:
    for where, before, after in _declared(facts):
        old, new = before.get("reissueAfter", "none"), after.get("reissueAfter", "none")
        if new not in ("none", old):
            yield f"{where}, reissueAfter: {old} → {new}: what a person revoked may be issued anew"


def _ends_in_use(facts: Facts) -> Version | None:
    """The version that ends, if a gateway or a receiver still accepts it."""
    version = facts.version
    return version if version is not None and in_use(version, facts.now) else None


def _dated(version: Version) -> str:
    return f"{version.state.value}, valid until {iso(version.grace_until or version.expires_at)}"


def last_key_revoked(facts: Facts) -> Iterator[str]:
    version = _ends_in_use(facts)
    working = facts.live is not None and facts.live.status is not ClientStatus.SUSPENDED
    if version is not None and working and facts.kind is SeriesKind.KEY and not _left(facts):
        yield f"version {version.number} of {facts.place} is in use ({_dated(version)}), and no usable key is left"


def revoked_in_use(facts: Facts) -> Iterator[str]:
    if (version := _ends_in_use(facts)) is not None and not any(last_key_revoked(facts)):
        left = shown([f"{item} v{one}" for item, one in _left(facts)]) if facts.kind is SeriesKind.KEY else ""
        told = f"; usable after this plan: {left}" if left else ""
        yield f"version {version.number} of {facts.place} is in use ({_dated(version)}){told}"


def _left(facts: Facts) -> list[tuple[str, str]]:
    """The keys of the client that a gateway accepts after the plan: what stays, and what is made."""
    ended = {
        (action.item, action.version)
        for action in facts.beside
        if action.kind in REVOCATIONS or action.kind is ActionKind.ABANDON_CLAIM
    }
    stays = [
        (item, str(version.number))
        for item, version in keys_in_use(facts.live, facts.now)
        if (item, version.number) not in ended
    ]
    made = [
        (action.item or "", str((action.after or {}).get("version", action.version)))
        for action in facts.beside
        if action.kind in _BROUGHT and "/key/" in action.address
    ]
    return sorted({*stays, *made})


def over_already(facts: Facts) -> Iterator[str]:
    version = facts.version
    if version is None or in_use(version, facts.now):
        return
    if version.state is VersionState.REVOKED:
        yield f"version {version.number} of {facts.place} is revoked already"
    elif version.grace_until is not None and version.grace_until <= facts.now:
        yield f"version {version.number} of {facts.place} is refused since its grace ended {iso(version.grace_until)}"
    else:
        yield f"version {version.number} of {facts.place} is refused since it expired {iso(version.expires_at)}"


def emergency(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.REVOCATION_REQUESTED:
        number = f"version {facts.action.version} of " if facts.action.version is not None else ""
        yield f"a person ends {number}{facts.place} at once: no grace, no guard, and nothing is issued in its place"


def key_retired(facts: Facts) -> Iterator[str]:
    if (version := _ends_in_use(facts)) is not None:
        grace = facts.after.get("grace")
        yield f"version {version.number} of {facts.place} is in use and ends {grace} from now without a successor"


def without_grace(facts: Facts) -> Iterator[str]:
    """A revocation of the old version stands beside the rotation."""
    old = facts.before.get("version")
    for action in facts.beside:
        if action.kind in REVOCATIONS and action.address == facts.action.address and action.version == old:
            yield f"version {old} of {facts.place} ends as soon as version {facts.after.get('version')} is there"


def expired(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.EXPIRED:
        yield f"{facts.place} has expired: consumers are refused until they read version {facts.after.get('version')}"


def one_signature(facts: Facts) -> Iterator[str]:
    webhooks = () if facts.desired is None else facts.desired.webhooks
    for webhook in webhooks:
        if webhook.name == facts.item and not webhook.scheme.several:
            yield (
                f"{webhook.scheme.name} has room for one signature: a receiver that does not know version "
                f"{facts.after.get('version')} yet refuses every delivery"
            )


_DRIFTED: Mapping[str, str] = {
    Reason.SECRET_MISSING: "consumers that read {} now find nothing",
    Reason.SECRET_OVERWRITTEN: "somebody else wrote at the path of {}: consumers may hold what they wrote",
    Reason.SECRET_DESTROYED: "consumers that read {} now find nothing, and somebody may destroy secrets",
    Reason.RECORD_EDITED: "somebody edited the record by hand: what it said of {} cannot be trusted",
}


def drift(facts: Facts) -> Iterator[str]:
    sentence = _DRIFTED.get(facts.action.reason)
    if sentence is not None and not any(versions_edited(facts)):
        yield sentence.format(facts.place if facts.item else f"client {facts.action.client}")


def versions_edited(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.RECORD_EDITED and facts.action.kind in (*ROTATIONS, *REVOCATIONS):
        yield f"somebody edited the versions of {facts.place} by hand: what is accepted may not be ours"


def settings_reset(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.SECRET_METADATA_EDITED:
        yield "somebody changed how many versions are kept, for how long, or what is said of them"


def readable_again(facts: Facts) -> Iterator[str]:
    if facts.version is not None and facts.version.destroyed_at is not None:
        at = iso(facts.version.destroyed_at)
        yield f"version {facts.version.number} of {facts.place} was destroyed {at} and can be read again"
