"""Why an action is planned. A reason explains; it never decides what happens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import KEY, CredentialKind, list_kinds
from reconciler.domain.plan.plan import Action, Risk
from reconciler.domain.values import names
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import Address, UsageError


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

    def action(
        self,
        kind: ActionKind,
        address: Address,
        *,
        client: str,
        item: str | None = None,
        version: int | None = None,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> Action:
        """What is done for this cause to the thing at ``address``."""
        return Action(
            kind=kind,
            address=address,
            reason=self.reason.value,
            message=self.message,
            risk=self.risk,
            client=client,
            item=item,
            version=version,
            before=before,
            after=after,
        )


@dataclass(frozen=True, slots=True)
class RotationRequest:
    """A person asked to rotate one key of a client, or all of them (``key`` None); or, with the
    ``kind`` of signing secrets, that of one webhook."""

    client: str
    key: str | None
    reason: str
    kind: CredentialKind = KEY


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """A person asked to revoke one key or signing secret of a client, or everything it has (``key``
    None).

    ``kind`` None: it is not said which of the two ``key`` is.
    """

    client: str
    key: str | None
    reason: str
    incident: str | None = None
    kind: CredentialKind | None = None


@dataclass(frozen=True, slots=True)
class Removals:
    """A person agreed that so many clients end. ``clients``: those that a saved plan names, of
    which fewer may be left; None: whichever these are, exactly so many."""

    number: int
    clients: frozenset[str] | None


def kind_of(
    client: str,
    item: str,
    kind: CredentialKind | None,
    known: Mapping[CredentialKind, Collection[str]],
) -> CredentialKind:
    """Whether ``item`` of a client is a key or a webhook, whose signing secret is meant. ``kind``:
    as somebody said.

    Raises ``UsageError``: RC362 when the client has none of that name, RC358 when it has a key and
    a webhook of it.
    """
    found = [one for one in list_kinds() if kind in (None, one) and item in known[one]]
    if len(found) == 1:
        return found[0]
    if found:
        addresses = " or ".join(one.owner_address(client, item) for one in found)
        raise UsageError(
            "RC358",
            f"client {client} has a {' and a '.join(one.word for one in found)} {item}",
            f"write which one is meant: {addresses}",
        )
    what = " or ".join(one.word for one in list_kinds()) if kind is None else kind.word
    there = sorted({name for one in list_kinds() if kind in (None, one) for name in known[one]})
    raise UsageError(
        "RC362", f"client {client} has no {what} {item}", names.one_of(there, f"it has no {what}")
    )
