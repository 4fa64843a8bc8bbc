"""The error tree. Every error carries a code, a sentence and a remedy.

    ReconcilerError
    ├── UsageError              64  the command was called wrongly
    ├── Stopped                130  RC024  Ctrl-C
    ├── DeclarationError         1  RC1xx  the YAML is not valid (carries findings)
    ├── BlockedError             3  RC3xx  a guard blocks the plan
    ├── StalePlanError           4  RC39x  the plan is stale, used, expired or edited
    ├── LeaseHeldError           4  RC398  another run holds the lease
    ├── RegistryError            1  RC44x  a record that this version cannot read or write
    ├── VaultError               1  RC4xx  see reconciler.adapters.vault
    │   ├── VaultUnreachable     1  RC401  no connection, TLS failure, time-out: nothing is known
    │   ├── VaultDenied          1  RC404  403: the token lacks a capability, or is no longer valid
    │   │   └── TokenInvalid     1  RC405  expired, revoked or unknown: every further request would fail likewise
    │   └── VaultUnavailable     1  RC402  sealed, standby, 429 or 5xx after all retries
    ├── DeliveryError            1  RC5xx  a delivery could not be attempted at all
    ├── AuditError               1  RC6xx  the report could not be written, committed or pushed
    ├── EvidenceError            1  RC64x  bytes that are no evidence log as we write it; RC69x: a witness refuses
    └── PlatformError            1  RC7xx  the CI platform does not do, or does not hold, what is asked of it

Foreign exceptions are mapped to this tree at the edge (``reconciler.adapters``) and never carry
their original text unless it was checked to hold no token.
"""

from __future__ import annotations

from reconciler.errors.finding import Finding

# What stands before each line that another program wrote, git or a hook, where a message quotes it.
QUOTED = "  | "


class ReconcilerError(Exception):
    """An error with a stable ``code``, a ``message`` for people and a ``remedy``.

    ``findings`` are all that is wrong, where that is more than one thing. ``str()`` of it is one or
    two lines and holds no secret.
    """

    exit_code = 1

    def __init__(
        self,
        code: str,
        message: str,
        remedy: str = "",
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.findings = findings

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        return f"{text}\n  remedy: {self.remedy}" if self.remedy else text


class UsageError(ReconcilerError):
    """The command line asks for something that makes no sense."""

    exit_code = 64


class Stopped(ReconcilerError):
    """Ctrl-C, before anything began or pressed twice."""

    exit_code = 130


class DeclarationError(ReconcilerError):
    """The declaration is not valid. ``findings`` say where."""


class BlockedError(ReconcilerError):
    """A guard or a policy rule blocks the plan. ``findings`` are all those of the plan."""

    exit_code = 3


class StalePlanError(ReconcilerError):
    """The plan file no longer describes what would happen."""

    exit_code = 4


class LeaseHeldError(ReconcilerError):
    """Another run holds the lease."""

    exit_code = 4


class RegistryError(ReconcilerError):
    """A stored document has a format this version does not know, or is too large."""


class VaultError(ReconcilerError):
    """Vault or OpenBao refused or failed.

    The message names the address, the path and the status.
    """


class VaultUnreachable(VaultError):
    """No answer: connection refused, name not found, TLS failure, time-out, cut response."""


class VaultDenied(VaultError):
    """403. The remedy names the role whose policy allows the request."""


class TokenInvalid(VaultDenied):
    """403, and the token itself is expired, revoked or unknown; or a login was refused."""


class VaultUnavailable(VaultError):
    """Sealed, standby, rate limited or failing (429, 472, 473, 5xx) after bounded retries."""


class DeliveryError(ReconcilerError):
    """A test delivery could not be attempted (no permission to read the signing secret, …)."""


class AuditError(ReconcilerError):
    """The audit report could not be written, committed or pushed.

    The report itself is never lost.
    """


class EvidenceError(ReconcilerError):
    """What was read is no part of an evidence log in the form in which this version writes it."""


class PlatformError(ReconcilerError):
    """The CI platform does not do, or does not hold, what is asked of it.

    The message holds no token.
    """
