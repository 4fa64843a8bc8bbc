"""What stored documents look like, field by field: msgspec decodes them as these, and refuses a
field that is missing, unknown or of another type (JSON's true is no number, and 1.0 no whole one).

Fields stand in the order in which they are stored. A field of type ``Raw`` stays as it is stored,
undecoded: somebody else decodes it, or nobody needs to. Times are text here, because the checksums
are over the text.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, cast

from msgspec import UNSET, Raw, Struct, UnsetType, defstruct
from msgspec.json import Decoder

from reconciler.domain.declared.proof import Demand, Probe
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET, CredentialKind
from reconciler.domain.live.record import ClientStatus, VersionState


class Exact(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Every field, and no other one."""


class BucketShape(Exact):
    clients: dict[str, Raw]
    format: Literal[1]


class Outline(Struct, gc=False):
    """As much of a record as tells whose it is, also when it is another project's."""

    owner: Any
    revision: Any = 0


class HoldShape(Exact):
    at: str
    incident: str | None
    reason: str
    version: int


class VersionShape(Exact):
    asymmetric: bool
    destroyed_at: str | None
    expires_at: str
    grace_until: str | None
    id: str
    issued_at: str
    reason: str
    revoked_at: str | None
    run: str
    sha256: str
    state: VersionState
    version: int


class SeriesShape(Exact):
    hold: HoldShape | None
    last: int
    sum: str
    versions: list[VersionShape]


class ProbeShape(Exact):
    code: str
    demand: Demand
    message: str
    passed: bool | None
    probe: Probe


class DeliveryShape(Exact):
    accepted: bool
    at: str
    code: str
    id: str
    latency_ms: int
    message: str
    probes: Raw  # most are alike: each is decoded once
    status: int | None
    url: str


class WebhookShape(Exact):
    failing_since: str | None
    failures: int
    last_delivery: DeliveryShape | None
    secret: SeriesShape
    verified_at: str | None
    verified_digest: str | None


class EventShape(Exact):
    address: str
    at: str
    detail: dict[str, Any]
    kind: str
    message: str
    reason: str
    run: str
    seq: int


class RecordShape(Exact):
    """With the sections of the two kinds of credentials that every record has."""

    base_digest: str
    digest: str
    events: Raw
    keys: dict[str, SeriesShape]
    moving_to: str | None
    name: str
    op: str
    owner: str
    protect: bool
    revision: int
    seq: int
    spec: Raw
    status: ClientStatus
    storage_name: str
    sum: str
    webhooks: dict[str, WebhookShape]


@cache
def record_shape(kinds: tuple[CredentialKind, ...]) -> type[RecordShape]:
    """Of records that have credentials of these kinds. A section of a kind that came later is there
    only when it holds something."""
    fields: list[tuple[str, Any, Any]] = []
    for kind in kinds:
        if kind not in (KEY, SIGNING_SECRET):
            entry: Any = entry_shape(kind) if kind.part else SeriesShape
            fields.append((kind.section, dict[str, entry] | UnsetType, UNSET))
    made: Any = defstruct("RecordShape", fields, bases=(RecordShape,)) if fields else RecordShape
    return cast("type[RecordShape]", made)


@cache
def entry_shape(kind: CredentialKind) -> type[Exact]:
    """An entry of the section of a kind that came later, and is a part of something."""
    made: Any = defstruct("EntryShape", [(kind.part, SeriesShape)], bases=(Exact,))
    return cast("type[Exact]", made)


@cache
def record_decoder(kinds: tuple[CredentialKind, ...]) -> Decoder[RecordShape]:
    """Of records that have credentials of these kinds."""
    return Decoder(record_shape(kinds))


class OutcomeShape(Exact):
    address: str
    detail: dict[str, Any]
    kind: str
    message: str
    reason: str
    status: str
    version: int | None
    why: str


class RunShape(Exact):
    """What a finish adds has its value of before: a run that did not come to its end may lack it.
    So has what few runs have."""

    actor: str
    closed: bool
    command: str
    format: Literal[1]
    git_commit: str | None
    plan_digest: str
    planfile: bool
    run_id: str
    started_at: str
    finished_at: str | None = None
    interrupted: bool = False
    omitted: int = 0
    reports: dict[str, str] = {}
    unrecorded: list[OutcomeShape] = []
    dirty: list[str] = []
    rollback_from: str | None = None
    actor_salt: str = ""


class LeaseShape(Struct, gc=False):
    format: Literal[1]
    holder: str
    until: str


class AppliedShape(Exact):
    at: str
    commit: str
    format: Literal[1]
    run_id: str
    uncommitted: list[str]
