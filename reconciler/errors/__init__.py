"""What can be wrong: the tree of errors, the findings that they carry, the table of all codes.

Every package may import this one, and it imports none. ``codes`` holds what a code means; nothing
here judges, prints or exits.
"""

from __future__ import annotations

from reconciler.errors.address import NOWHERE, Address
from reconciler.errors.finding import Finding, Level, Source
from reconciler.errors.tree import (
    QUOTED,
    AuditError,
    BlockedError,
    DeclarationError,
    DeliveryError,
    EvidenceError,
    LeaseHeldError,
    PlatformError,
    ReconcilerError,
    RegistryError,
    StalePlanError,
    Stopped,
    TokenInvalid,
    UsageError,
    VaultDenied,
    VaultError,
    VaultUnavailable,
    VaultUnreachable,
)

__all__ = [
    "NOWHERE",
    "QUOTED",
    "Address",
    "AuditError",
    "BlockedError",
    "DeclarationError",
    "DeliveryError",
    "EvidenceError",
    "Finding",
    "LeaseHeldError",
    "Level",
    "PlatformError",
    "ReconcilerError",
    "RegistryError",
    "Source",
    "StalePlanError",
    "Stopped",
    "TokenInvalid",
    "UsageError",
    "VaultDenied",
    "VaultError",
    "VaultUnavailable",
    "VaultUnreachable",
]
