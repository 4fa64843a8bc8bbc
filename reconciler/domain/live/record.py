"""The live, non-secret record of one client, as the registry keeps it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import overload

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import Attempt, ProbeResult
from reconciler.domain.kinds.credentials import SIGNING_SECRET, CredentialKind
from reconciler.domain.values.canonical import JsonObject, digest, dumps
from reconciler.errors import Address


class VersionState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"


# A gateway accepts these: a consumer that reads a secret between write and commit is not turned
# away.
USABLE = (VersionState.PENDING, VersionState.ACTIVE, VersionState.RETIRING)


class ClientStatus(StrEnum):
    PENDING = "pending"  # registered; a webhook has yet to prove itself
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Version:
    """One key version. ``number`` equals the KV version that holds its secret and is never
    reused."""

    number: int
    id: str
    state: VersionState
    sha256: str
    reason: str
    run: str
    issued_at: datetime
    expires_at: datetime
    grace_until: datetime | None = None  # set when retiring: min(expires_at, then + grace)
    revoked_at: datetime | None = None
    destroyed_at: datetime | None = None  # the secret was seen to be gone
    asymmetric: bool = False  # a transit key signs; what is stored, and hashed, is its public key


@dataclass(frozen=True, slots=True)
class Hold:
    """A person revoked this series: nothing is issued until the declaration says ``reissueAfter:
    <version>``."""

    version: int
    reason: str
    incident: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """The versions of one key or signing secret, oldest first.

    ``last`` is the highest number ever used.
    """

    versions: tuple[Version, ...] = ()
    last: int = 0
    hold: Hold | None = None
    edited: bool = False  # its checksum does not match: somebody edited the record by hand

    def in_state(self, *states: VersionState) -> tuple[Version, ...]:
        return tuple([version for version in self.versions if version.state in states])

    @property
    def active(self) -> Version | None:
        return self._first(VersionState.ACTIVE)

    @property
    def pending(self) -> Version | None:
        return self._first(VersionState.PENDING)

    def _first(self, state: VersionState) -> Version | None:
        # A loop: of ten thousand clients it is asked a quarter of a million times.
        for version in self.versions:
            if version.state is state:
                return version
        return None

    def version(self, number: int) -> Version | None:
        return next((version for version in self.versions if version.number == number), None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of proving a webhook. ``accepted``: it proved itself; ``code`` is then empty, else
    RC5xx.

    ``id``, ``status`` and ``latency_ms`` are those of the attempt that decided: the last valid one,
    or the first that went wrong. ``attempts`` are all that were made; a record keeps them in its
    events only.
    """

    id: str
    at: datetime
    url: str
    accepted: bool
    status: int | None  # HTTP status, None when there was no response
    latency_ms: int
    message: str
    code: str = ""
    probes: tuple[ProbeResult, ...] = ()
    attempts: tuple[Attempt, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """What is known of one webhook beside its signing secret: its last delivery, what was
    verified.

    ``verified_digest`` covers what is delivered where, how it is signed and probed, and the id of
    the signing secret. ``failing_since`` is when the first of the last ``failures`` runs, all of
    which failed to prove it, delivered.
    """

    verified_at: datetime | None = None
    verified_digest: str | None = None
    last_delivery: Delivery | None = None
    failing_since: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a client. ``seq`` counts from 1 without gaps."""

    seq: int
    at: datetime
    run: str
    kind: str
    address: Address
    reason: str
    message: str
    # version, id, sha256, status, …: never a secret
    detail: JsonObject = field(default_factory=dict)


@lru_cache(maxsize=64)
def _quote(word: str) -> bytes:
    return dumps(word).encode()


class StoredHistory(Sequence[Event]):
    """The events of a record as they are stored: canonical JSON, decoded each time that somebody
    asks for one of them, which a plan does for few records. Equal to any sequence of the same
    events."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @abstractmethod
    def read(self) -> tuple[Event, ...]:
        """The events, decoded anew. Raises ``RegistryError`` RC443."""
        ...

    def may_tell(self, word: str) -> bool:
        """Whether a field of an event may have ``word`` as its value. False is certain."""
        return _quote(word) in self.raw

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...

    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self.read()[index]

    def __len__(self) -> int:
        return len(self.read())

    def __iter__(self) -> Iterator[Event]:
        return iter(self.read())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StoredHistory) and self.raw == other.raw:
            return True
        return isinstance(other, Sequence) and self.read() == tuple(other)

    def __repr__(self) -> str:
        return repr(self.read())

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """``revision`` grows by one with every commit that touches this client; ``op`` names that
    commit.

    ``storage_name`` is the name in the paths of its secrets: a rename changes ``name`` only, so
    that consumers read on unchanged. ``moving_to`` marks a rename that is under way.
    """

    name: str
    owner: str
    storage_name: str
    revision: int
    op: str
    status: ClientStatus
    protect: bool
    spec: JsonObject
    digest: str
    base_digest: str
    series: Mapping[tuple[CredentialKind, str], Series] = field(default_factory=dict)
    # each has a signing secret in ``series``, and each signing secret its webhook here
    webhooks: Mapping[str, WebhookRecord] = field(default_factory=dict)
    events: Sequence[Event] = ()
    seq: int = 0
    moving_to: str | None = None
    edited: bool = False  # its checksum does not match: somebody edited the record by hand

    def series_of(self, kind: CredentialKind, name: str) -> Series:
        """The series, empty when it does not exist yet."""
        return self.series.get((kind, name), Series())

    def all_series(self) -> tuple[tuple[CredentialKind, str, Series], ...]:
        """Every series in a fixed order: by kind, as their table has them, then by name."""
        return tuple([(kind, name, one) for (kind, name), one in sorted(self.series.items())])

    def names(self, kind: CredentialKind) -> list[str]:
        """The names of the credentials of one kind, sorted."""
        return [name for one, name in sorted(self.series) if one is kind]

    def with_series(self, kind: CredentialKind, name: str, series: Series) -> ClientRecord:
        """This record with one series replaced or added."""
        webhooks = self.webhooks
        if kind is SIGNING_SECRET and name not in webhooks:
            webhooks = {**webhooks, name: WebhookRecord()}
        return replace(self, series={**self.series, (kind, name): series}, webhooks=webhooks)

    def with_webhook(self, name: str, webhook: WebhookRecord) -> ClientRecord:
        """This record with what is known of one webhook."""
        series = {**self.series, (SIGNING_SECRET, name): self.series_of(SIGNING_SECRET, name)}
        return replace(self, series=series, webhooks={**self.webhooks, name: webhook})

    def events_with(self, word: str) -> Sequence[Event]:
        """The events; none where no field of any of them has the value ``word``, which a stored
        history says without being decoded."""
        if isinstance(self.events, StoredHistory) and not self.events.may_tell(word):
            return ()
        return self.events

    def secret_path(self, kind: CredentialKind, name: str) -> str:
        """Path inside the secrets mount: ``keys/<client>.<key>``."""
        return kind.path(self.storage_name, name)


def transit_key(path: str, number: int) -> str:
    """The transit key of version 3 at ``webhooks/<client>.<webhook>`` is
    ``webhook.<client>.<webhook>.3``.

    Made from the path of its public key, never read from a record: no edit can have another key
    sign or be removed.
    """
    return f"webhook.{path.partition('/')[2]}.{number}"


# The fields of a webhook that decide what is delivered where and what must come back: a change
# means it must prove itself again.
ENDPOINT_FIELDS = ("url", "events", "headers", "signature", "payloads", "expect", "probes")


def endpoint(spec: JsonObject, webhook: str) -> JsonObject | None:
    """What a webhook delivers where and what must come back, None when it is not in the
    specification."""
    declared = (spec.get("webhooks") or {}).get(webhook)
    if declared is None:
        return None
    return {field: declared[field] for field in ENDPOINT_FIELDS if field in declared}


def verification_digest(spec: JsonObject, webhook: str, secret: Series) -> str:
    """What a passed verification vouches for: where to, which events, how signed, with which
    secret."""
    active = secret.active
    return digest({"endpoint": endpoint(spec, webhook), "secret": active.id if active else None})
