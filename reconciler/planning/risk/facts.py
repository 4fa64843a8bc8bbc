"""What a rule of risk may look at, and the words that its sentences share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import DesiredClient, GuardrailPolicy
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import KEY, CredentialKind
from reconciler.domain.live.record import USABLE, ClientRecord, ClientStatus, Series, Version
from reconciler.domain.plan.plan import Action, Permissions
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values.canonical import Json, JsonObject

NAMES_SHOWN = 5  # in one sentence; the plan has all of them elsewhere


@dataclass(frozen=True, slots=True)
class Grounds:
    """What actions are judged by. ``records`` and ``desired`` go by the name in the actions, also
    during a rename.

    Nothing has a default: whoever forgets the policy would judge by none, and nobody would see it.
    """

    now: datetime
    records: Mapping[str, ClientRecord | None]
    desired: Mapping[str, DesiredClient]
    scopes: ScopeTable
    policy: GuardrailPolicy
    environment: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One action, every action on its client (``beside``) and the permissions that it changes, on
    the grounds of the whole plan."""

    action: Action
    beside: Sequence[Action]
    permissions: Permissions | None
    grounds: Grounds

    @property
    def record(self) -> ClientRecord | None:
        """The live one that belongs to the client. What an edited record says may be nonsense."""
        return self.grounds.records.get(self.action.client)

    @property
    def desired(self) -> DesiredClient | None:
        return self.grounds.desired.get(self.action.client)

    @property
    def scopes(self) -> ScopeTable:
        return self.grounds.scopes

    @property
    def now(self) -> datetime:
        return self.grounds.now

    @property
    def before(self) -> JsonObject:
        return self.action.before or {}

    @property
    def after(self) -> JsonObject:
        return self.action.after or {}

    @property
    def live(self) -> ClientRecord | None:
        """The record of a client that is not retired."""
        return (
            None
            if self.record is None or self.record.status is ClientStatus.RETIRED
            else self.record
        )

    @property
    def item(self) -> str:
        return self.action.item or ""

    @property
    def kind(self) -> CredentialKind:
        """What the versions are that an action on a version is about."""
        return self.action.credential

    @property
    def series(self) -> Series:
        """The series that an action on a version is about, as it is on record."""
        return Series() if self.record is None else self.record.series_of(self.kind, self.item)

    @property
    def version(self) -> Version | None:
        """The version that the action is about."""
        return None if self.action.version is None else self.series.version(self.action.version)

    @property
    def place(self) -> str:
        """The series in words."""
        return self.kind.place.format(self.item)


RiskRule = Callable[[Facts], Iterator[str]]


def in_use(version: Version, now: datetime) -> bool:
    """Whether a gateway accepts ``version``."""
    ended = version.grace_until is not None and version.grace_until <= now
    return version.state in USABLE and version.expires_at > now and not ended


def keys_in_use(record: ClientRecord | None, now: datetime) -> list[tuple[str, Version]]:
    """The key versions that a gateway accepts, each with the name of its key."""
    if record is None:
        return []
    return [
        (item, version)
        for kind, item, series in record.all_series()
        if kind is KEY
        for version in series.versions
        if in_use(version, now)
    ]


def list_changed_items(
    facts: Facts, section: str
) -> Iterator[tuple[str, JsonObject | None, JsonObject | None]]:
    """Each of ``keys`` or ``webhooks`` that the action touches, by name, as it is and as it will be
    (None: not there).

    What an action on a webhook that is new does not say of it is taken from the declaration.
    """
    if facts.action.kind is ActionKind.UPDATE_WEBHOOK:
        declared = (
            to_mapping(facts.desired.spec.get("webhooks")) if facts.desired is not None else {}
        )
        if section == "webhooks" and facts.action.before is None and facts.item in declared:
            yield facts.item, None, to_mapping(declared[facts.item])
        return
    before, after = to_mapping(facts.before.get(section)), to_mapping(facts.after.get(section))
    if not before and not after:  # nearly always: a rule is asked of every action of its kinds
        return
    for name in sorted({*before, *after}):
        old, new = (to_mapping(side[name]) if name in side else None for side in (before, after))
        yield name, old, new


def live_items(facts: Facts, section: str) -> JsonObject:
    """The ``keys`` or ``webhooks`` that the client has, by name.

    What an edited record says of them does not count.
    """
    live = facts.live
    return {} if live is None or live.edited else to_mapping(live.spec.get(section))


def to_mapping(value: Json) -> JsonObject:
    return value if isinstance(value, dict | Mapping) else {}  # a dict is told more quickly


def to_texts(value: Json) -> list[str]:
    """The texts of a list; none of anything else."""
    return (
        [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []
    )


def name_some(words: Collection[str]) -> str:
    """``a``, ``a and b``, ``a, b, c, d, e and 4 more``."""
    listed = sorted(words)
    if len(listed) > NAMES_SHOWN:
        return f"{', '.join(listed[:NAMES_SHOWN])} and {len(listed) - NAMES_SHOWN} more"
    return " and ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def pluralise(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
