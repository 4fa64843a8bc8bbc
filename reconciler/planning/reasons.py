"""Why an action is planned. A reason explains; it never decides what happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.plan import Risk


class Reason(StrEnum):
    """CamelCase causes. Documented one by one in docs/reasons.md."""

    # declared change
    NEW_CLIENT = "NewClient"
    REINSTATED = "Reinstated"
    RENAMED = "Renamed"
    DECLARATION_CHANGED = "DeclarationChanged"
    ENDPOINT_ADDED = "EndpointAdded"
    ENDPOINT_CHANGED = "EndpointChanged"
    ENDPOINT_REMOVED = "EndpointRemoved"
    KEY_REMOVED = "KeyRemoved"
    DECLARED_SUSPENDED = "DeclaredSuspended"
    DECLARED_RETIRED = "DeclaredRetired"
    DECLARATION_REMOVED = "DeclarationRemoved"
    RESUMED = "Resumed"
    # life of a version
    NOT_ISSUED = "NotIssued"
    REISSUE_DECLARED = "ReissueDeclared"
    RENEWAL_DUE = "RenewalDue"
    ALGORITHM_CHANGED = "AlgorithmChanged"
    LIFETIME_SHORTENED = "LifetimeShortened"
    EXPIRED = "Expired"
    GRACE_OVER = "GraceOver"
    NOT_DESTROYED = "NotDestroyed"
    # asked for by a person
    ROTATION_REQUESTED = "RotationRequested"
    REVOCATION_REQUESTED = "RevocationRequested"
    REVOCATION_HELD = "RevocationHeld"
    # proof
    NOT_VERIFIED = "NotVerified"
    SECRET_ROTATED = "SecretRotated"
    VERIFICATION_FAILED = "VerificationFailed"
    VERIFICATION_REQUESTED = "VerificationRequested"
    READY = "Ready"
    # unfinished business of an earlier run
    CLAIM_WRITTEN = "ClaimWritten"
    CLAIM_NOT_WRITTEN = "ClaimNotWritten"
    # drift
    SECRET_MISSING = "SecretMissing"
    SECRET_OVERWRITTEN = "SecretOverwritten"
    SECRET_DESTROYED = "SecretDestroyed"
    SECRET_METADATA_EDITED = "SecretMetadataEdited"
    RECORD_EDITED = "RecordEdited"
    POLICY_EDITED = "PolicyEdited"


DRIFT = frozenset(
    {
        Reason.SECRET_MISSING,
        Reason.SECRET_OVERWRITTEN,
        Reason.SECRET_DESTROYED,
        Reason.SECRET_METADATA_EDITED,
        Reason.RECORD_EDITED,
    }
)


@dataclass(frozen=True, slots=True)
class Cause:
    """The answer of a check: why something must be done, in one word and one sentence."""

    reason: Reason
    message: str
    risk: Risk = Risk.LOW


@dataclass(frozen=True, slots=True)
class RotationRequest:
    """A person asked to rotate one key of a client, or all of them (``key`` None)."""

    client: str
    key: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """A person asked to revoke one key of a client, or everything it has (``key`` None)."""

    client: str
    key: str | None
    reason: str
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class Removals:
    """A person agreed that so many clients end. ``clients``: those that a saved plan names, of which fewer may be left;
    None: whichever these are, exactly so many."""

    number: int
    clients: frozenset[str] | None
