"""Alerts: what an owner is told besides the report of a run, and the channels that carry it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.domain.declared.owners import Owner
from reconciler.domain.declared.placed import holds_in
from reconciler.errors import Address


class AlertKind(StrEnum):
    """As they are declared (`on:`)."""

    VERIFICATION_FAILED = "verification-failed"
    REVOKED = "revoked"
    CANNOT_ROTATE = "cannot-rotate"


# Where a channel's list of addresses stands for the owner of the client.
TO_OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell. ``message`` and ``remedy`` are sentences without a full stop; ``urgent``:
    a person revoked it.

    ``version`` and ``incident`` are those of a revocation; ``reason`` is the CamelCase cause of the
    action.
    """

    kind: AlertKind
    address: Address
    client: str
    message: str
    remedy: str
    reason: str = ""
    version: int | None = None
    incident: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """All that one owner is told of one run, in one message.

    ``run_id`` is None where a plan was blocked.
    """

    project: str
    environment: str
    owner: Owner
    alerts: tuple[Alert, ...]
    at: datetime
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A JSON document signed by Standard Webhooks; ``variable`` is the environment variable that
    holds the secret."""

    url: str
    variable: str


@dataclass(frozen=True, slots=True)
class SlackTarget:
    """An incoming webhook. Whoever knows its URL can post:

    ``variable`` is the environment variable that holds it.
    """

    variable: str


class SmtpTls(StrEnum):
    """``NONE`` is for loopback and allowedNetworks only."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailTarget:
    """``to`` holds addresses and ``OWNER``. ``username`` and ``variable`` (of the password) are
    both there, or neither.

    ``ca_cert`` is a PEM file that replaces the machine's trust store.
    """

    host: str
    port: int
    tls: SmtpTls
    sender: str
    to: tuple[str, ...]
    username: str | None = None
    variable: str | None = None
    ca_cert: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts go. ``environments`` empty: all of them."""

    name: str
    target: WebhookTarget | SlackTarget | MailTarget
    on: frozenset[AlertKind] = frozenset(AlertKind)
    environments: frozenset[str] = frozenset()

    @property
    def variable(self) -> str | None:
        """The environment variable that its secret is taken from."""
        return self.target.variable

    def serves(self, environment: str) -> bool:
        return holds_in(self.environments, environment)
