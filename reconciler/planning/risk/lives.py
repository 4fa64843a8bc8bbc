"""Rules of risk about versions: how long they live, which of them end, and what somebody did to
them by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import NEW_VERSIONS, REVOCATIONS, ROTATIONS, ActionKind
from reconciler.domain.kinds.credentials import (
    KEY,
    SIGNING_SECRET,
    CredentialKind,
    find_kind,
    list_kinds,
)
from reconciler.domain.live.record import ClientStatus, Version, VersionState
from reconciler.domain.values.canonical import JsonObject, iso
from reconciler.domain.values.duration import format_duration, parse_duration
from reconciler.planning.actions.reasons import Reason
from reconciler.planning.risk.facts import (
    Facts,
    in_use,
    keys_in_use,
    list_changed_items,
    live_items,
    name_some,
    to_mapping,
)

YEAR = timedelta(days=365)
LONG_GRACE = timedelta(days=30)
_BROUGHT = (*NEW_VERSIONS, ActionKind.ADOPT_CLAIM)


@dataclass(frozen=True, slots=True)
class _Span:
    """How long a version lives, or stays valid after its replacement. ``old`` None: the series is
    new, or nobody can read what it was. ``others``: the longest that the client has in its other
    series of this kind."""

    place: str
    old: timedelta | None
    new: timedelta
    others: timedelta | None

    @property
    def doubled(self) -> bool:
        """Whether it is more than twice what it was; for a new series, than what the client has.
        Else a new name would be a way around the comparison."""
        known = self.others if self.old is None else self.old
        return known is not None and self.new > 2 * known

    def __str__(self) -> str:
        new = format_duration(self.new)
        return new if self.old is None else f"{format_duration(self.old)} → {new}"

    @property
    def excess(self) -> str:
        """That it is doubled, in words."""
        if self.old is not None or self.others is None:
            return "more than twice as long"
        return f"more than twice as long as any other so far ({format_duration(self.others)})"


def _spans(facts: Facts, field: str) -> Iterator[_Span]:
    """``lifetime`` or ``grace`` of each series that the action declares and that is another than it
    was."""
    for kind, name, before, after in _read_declared(facts):
        old, new = (_duration(str(side.get(field))) for side in (before, after))
        if new is not None and new != old:
            yield _Span(
                kind.place.format(name), old, new, None if before else _longest(facts, kind, field)
            )


def _longest(facts: Facts, kind: CredentialKind, field: str) -> timedelta | None:
    found = (_duration(str(series.get(field))) for series in _standing(facts, kind))
    return max((one for one in found if one is not None), default=None)


def _standing(facts: Facts, kind: CredentialKind) -> list[JsonObject]:
    live = facts.live
    return [] if live is None or live.edited else list(kind.lives(live.spec).values())


def _read_declared(facts: Facts) -> Iterator[tuple[CredentialKind, str, JsonObject, JsonObject]]:
    """What the action declares of each series, by its kind and name; empty: nothing."""
    for kind in list_kinds():
        for name, *sides in list_changed_items(facts, kind.section):
            old, new = (
                to_mapping((side or {}).get(kind.part) if kind.part else side) for side in sides
            )
            yield kind, name, old, new


@lru_cache(maxsize=1024)  # clients share a few
def _duration(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None


def much_longer_life(facts: Facts) -> Iterator[str]:
    for span in _spans(facts, "lifetime"):
        if _grows_much(span):
            yield (
                f"{span.place} lives {span}, {span.excess if span.doubled else 'more than a year'}"
            )


def longer_life(facts: Facts) -> Iterator[str]:
    for span in _spans(facts, "lifetime"):
        if span.old is not None and span.new > span.old and not _grows_much(span):
            yield f"{span.place} lives {span}"


def _grows_much(span: _Span) -> bool:
    return span.doubled or (span.new > YEAR and (span.old is None or span.new > span.old))


def much_longer_grace(facts: Facts) -> Iterator[str]:
    """A version that leaked is as good as not replaced."""
    for span in _spans(facts, "grace"):
        if span.doubled and span.new > LONG_GRACE:
            yield f"{span.place}: a replaced version stays valid {span}, {span.excess}"


def longer_grace(facts: Facts) -> Iterator[str]:
    for span in _spans(facts, "grace"):
        if (
            span.old is not None
            and span.new > span.old
            and not (span.doubled and span.new > LONG_GRACE)
        ):
            yield f"{span.place}: a replaced version stays valid {span}"


def shorter_life(facts: Facts) -> Iterator[str]:
    for field, what in (("lifetime", "lives"), ("grace", "stays valid after its replacement")):
        for span in _spans(facts, field):
            if span.old is not None and span.new < span.old:
                yield f"{span.place} {what} {span}"


def new_key(facts: Facts) -> Iterator[str]:
    number = {0: "a first", 1: "a second"}.get(len(live_items(facts, "keys")), "one more")
    for name, before, after in list_changed_items(facts, "keys"):
        if before is None and after is not None:
            yield f"{number} credential: key {name}, which lives {after.get('lifetime')}"


def reissue_allowed(facts: Facts) -> Iterator[str]:
    """What a person revoked comes back."""
    hold = facts.series.hold
    if facts.action.reason == Reason.REISSUE_DECLARED and hold is not None:
        yield f"{facts.place} was revoked by a person ({hold.reason}) and gets a new version"


def reissue_declared(facts: Facts) -> Iterator[str]:
    for kind, name, before, after in _read_declared(facts):
        old, new = before.get("reissueAfter", "none"), after.get("reissueAfter", "none")
        if new not in ("none", old):
            yield (
                f"{kind.place.format(name)}, reissueAfter: {old} → {new}: what a person revoked may be"
                " issued anew"
            )


def _ends_in_use(facts: Facts) -> Version | None:
    """The version that ends, if a gateway or a receiver still accepts it."""
    version = facts.version
    return version if version is not None and in_use(version, facts.now) else None


def _say_until(version: Version) -> str:
    return f"{version.state.value}, valid until {iso(version.grace_until or version.expires_at)}"


def last_key_revoked(facts: Facts) -> Iterator[str]:
    version = _ends_in_use(facts)
    working = facts.live is not None and facts.live.status is not ClientStatus.SUSPENDED
    if version is not None and working and facts.kind is KEY and not _list_left(facts):
        yield (
            f"version {version.number} of {facts.place} is in use ({_say_until(version)}), and no"
            " usable key is left"
        )


def revoked_in_use(facts: Facts) -> Iterator[str]:
    if (version := _ends_in_use(facts)) is not None and not any(last_key_revoked(facts)):
        left = (
            name_some([f"{item} v{one}" for item, one in _list_left(facts)])
            if facts.kind is KEY
            else ""
        )
        told = f"; usable after this plan: {left}" if left else ""
        yield f"version {version.number} of {facts.place} is in use ({_say_until(version)}){told}"


def _list_left(facts: Facts) -> list[tuple[str, str]]:
    """The keys of the client that a gateway accepts after the plan: what stays, and what is
    made."""
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
        if action.kind in _BROUGHT and action.credential is KEY
    ]
    return sorted({*stays, *made})


def over_already(facts: Facts) -> Iterator[str]:
    version = facts.version
    if version is None or in_use(version, facts.now):
        return
    if version.state is VersionState.REVOKED:
        yield f"version {version.number} of {facts.place} is revoked already"
    elif version.grace_until is not None and version.grace_until <= facts.now:
        yield (
            f"version {version.number} of {facts.place} is refused since its grace ended"
            f" {iso(version.grace_until)}"
        )
    else:
        yield (
            f"version {version.number} of {facts.place} is refused since it expired"
            f" {iso(version.expires_at)}"
        )


def emergency(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.REVOCATION_REQUESTED:
        number = f"version {facts.action.version} of " if facts.action.version is not None else ""
        yield (
            f"a person ends {number}{facts.place} at once: no grace, no guard, and nothing is"
            " issued in its place"
        )


def key_retired(facts: Facts) -> Iterator[str]:
    if (version := _ends_in_use(facts)) is not None:
        grace = facts.after.get("grace")
        yield (
            f"version {version.number} of {facts.place} is in use and ends {grace} from now without"
            " a successor"
        )


def without_grace(facts: Facts) -> Iterator[str]:
    """A revocation of the old version stands beside the rotation."""
    old = facts.before.get("version")
    for action in facts.beside:
        if (
            action.kind in REVOCATIONS
            and action.address == facts.action.address
            and action.version == old
        ):
            yield (
                f"version {old} of {facts.place} ends as soon as version"
                f" {facts.after.get('version')} is there"
            )


def version_is_over(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.EXPIRED:
        yield (
            f"{facts.place} has expired: consumers are refused until they read version"
            f" {facts.after.get('version')}"
        )


def one_signature(facts: Facts) -> Iterator[str]:
    webhooks = () if facts.desired is None else facts.desired.webhooks
    for webhook in webhooks:
        own = facts.kind is SIGNING_SECRET and webhook.name == facts.item
        if own and not webhook.scheme.several:
            yield (
                f"{webhook.scheme.name} has room for one signature: a receiver that does not know"
                f" version {facts.after.get('version')} yet refuses every delivery"
            )


_DRIFTED: Mapping[str, str] = {
    Reason.SECRET_MISSING: "consumers that read {} now find nothing",
    Reason.SECRET_OVERWRITTEN: (
        "somebody else wrote at the path of {}: consumers may hold what they wrote"
    ),
    Reason.SECRET_DESTROYED: (
        "consumers that read {} now find nothing, and somebody may destroy secrets"
    ),
    Reason.RECORD_EDITED: (
        "somebody edited the record by hand: what it said of {} cannot be trusted"
    ),
}


def drift(facts: Facts) -> Iterator[str]:
    sentence = _DRIFTED.get(facts.action.reason)
    if sentence is not None and not any(versions_edited(facts)):
        of_version = find_kind(facts.action.address) is not None
        yield sentence.format(facts.place if of_version else f"client {facts.action.client}")


def versions_edited(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.RECORD_EDITED and facts.action.kind in (
        *ROTATIONS,
        *REVOCATIONS,
    ):
        yield (
            f"somebody edited the versions of {facts.place} by hand: what is accepted may not be"
            " ours"
        )


def settings_reset(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.SECRET_METADATA_EDITED:
        yield "somebody changed how many versions are kept, for how long, or what is said of them"


def readable_again(facts: Facts) -> Iterator[str]:
    if facts.version is not None and facts.version.destroyed_at is not None:
        at = iso(facts.version.destroyed_at)
        yield (
            f"version {facts.version.number} of {facts.place} was destroyed {at} and can be read"
            " again"
        )
