"""Desired state: what the declaration says, resolved for one environment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.declared.alert import Channel
from reconciler.domain.declared.checkout import Committed, Loaded
from reconciler.domain.declared.proof import Demand, Expectation, Payload, Probe
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS, Scheme
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET, CredentialKind
from reconciler.domain.values.canonical import JsonObject
from reconciler.domain.values.window import Freeze, Window
from reconciler.errors import Address, Source


class ClientState(StrEnum):
    """What a declaration may ask for."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How long a version lives and how it is replaced.

    ``renew_before`` is shorter than ``lifetime``; both are positive; ``grace`` may be zero.
    """

    lifetime: timedelta
    renew_before: timedelta
    grace: timedelta
    window: Window | None = None
    # The number of a version that a person revoked, repeated in the declaration to say:
    # this revocation is dealt with, issue a new version.
    reissue_after: int = 0
    # versions are key pairs whose private half never leaves the transit engine
    asymmetric: bool = False


@dataclass(frozen=True, slots=True)
class DesiredCredential:
    """A credential that is declared for itself: a key."""

    kind: CredentialKind
    name: str
    lifecycle: Lifecycle


@dataclass(frozen=True, slots=True)
class DesiredWebhook:
    """``timeout`` is over one attempt. ``attempts`` is how often a delivery is tried in one run,
    ``retry_for`` how long all pauses in between may be. ``probes`` not named are not sent.
    ``payloads`` has one for each event."""

    name: str
    url: str
    events: tuple[str, ...]
    secret: Lifecycle
    scheme: Scheme = STANDARD_WEBHOOKS
    # declared beside those of the scheme; names in lower case
    headers: tuple[tuple[str, str], ...] = ()
    timeout: timedelta = timedelta(seconds=10)
    attempts: int = 5
    retry_for: timedelta = timedelta(seconds=30)
    probes: Mapping[Probe, Demand] = field(default_factory=dict)
    payloads: tuple[Payload, ...] = ()
    expect: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True, slots=True)
class DesiredClient:
    """One client in one environment.

    ``spec`` is the resolved, non-secret JSON that the registry stores; ``digest`` is over it.
    ``base_digest`` is over the declaration without its environments: two environments that
    verified the same ``base_digest`` run the same specification (promotion gate).
    """

    name: str
    state: ClientState
    protect: bool
    spec: JsonObject
    digest: str
    base_digest: str
    credentials: tuple[DesiredCredential, ...]
    webhooks: tuple[DesiredWebhook, ...]
    source: Source
    renamed_from: str | None = None

    @property
    def keys(self) -> tuple[DesiredCredential, ...]:
        return tuple(one for one in self.credentials if one.kind is KEY)

    def lives(self) -> Iterator[tuple[CredentialKind, str, Lifecycle]]:
        """Every credential with its life cycle: those declared for themselves, then the signing
        secrets of webhooks."""
        for one in self.credentials:
            yield one.kind, one.name, one.lifecycle
        for webhook in self.webhooks:
            yield SIGNING_SECRET, webhook.name, webhook.secret


@dataclass(frozen=True, slots=True)
class ClientOutline:
    """What is known of a client without resolving it: fields of ``DesiredClient``."""

    name: str
    state: ClientState
    digest: str
    base_digest: str
    source: Source
    renamed_from: str | None = None


class DeclaredClients(Mapping[str, DesiredClient]):
    """Clients by name, of which some are resolved when somebody asks for them; their names and
    outlines cost nothing. Thread-safe."""

    __slots__ = ("_outlines", "_resolve", "_resolved")

    def __init__(
        self,
        outlines: Mapping[str, ClientOutline | DesiredClient],
        resolve: Callable[[ClientOutline], DesiredClient],
    ) -> None:
        self._outlines = outlines
        self._resolve = resolve
        self._resolved: dict[str, DesiredClient] = {}

    def __getitem__(self, name: str) -> DesiredClient:
        found = self._resolved.get(name) or self._outlines[name]
        if isinstance(found, ClientOutline):
            found = self._resolved[name] = self._resolve(found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._outlines)

    def __len__(self) -> int:
        return len(self._outlines)

    def __contains__(self, name: object) -> bool:
        return name in self._outlines

    def without(self, names: Collection[str]) -> DeclaredClients:
        """These clients but for some."""
        kept = {name: one for name, one in self._outlines.items() if name not in names}
        return DeclaredClients(kept, self._resolve)

    def outlines(self) -> Iterable[ClientOutline | DesiredClient]:
        return self._outlines.values()


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """How to log in: ``token`` | ``approle`` | ``jwt`` | ``kubernetes``; ``mount`` is the auth
    path."""

    method: str = "token"
    role: str | None = None
    mount: str | None = None


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """Where live state is. Mount names default to ``integrations/<env>/registry|secrets|transit``.

    ``timeout``: of one try of a request. ``patience``: how long a request is tried again while the
    server fails.
    """

    address: str
    registry_mount: str
    secrets_mount: str
    transit_mount: str
    auth: AuthSettings = AuthSettings()
    namespace: str | None = None
    ca_cert: str | None = None
    timeout: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(seconds=30)
    environment: str = "ENV"  # whose settings these are: part of the names of our policies
    # the registry mount of the environment that must come first
    required_registry: str | None = None
    plain_http: bool = False  # whether http may leave this machine


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How deliveries leave an environment. ``ca_cert``, ``client_cert`` and ``client_key`` are
    paths of PEM files.

    ``ports``: those of https outside ``allowedNetworks``. ``concurrency`` is over all hosts,
    ``per_host`` over one.
    """

    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    ports: tuple[int, ...] = (443, 8443)
    concurrency: int = 32
    per_host: int = 4


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    vault: VaultSettings
    requires: str | None = None
    freezes: tuple[Freeze, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    lease_ttl: timedelta = timedelta(seconds=30)
    deliveries: DeliverySettings = DeliverySettings()


@dataclass(frozen=True, slots=True)
class Project:
    name: str
    key_prefix: str
    audit_path: str
    environments: Mapping[str, Environment]
    plan_expires: timedelta = timedelta(days=1)
    alerts: tuple[Channel, ...] = ()
    git: bool = True  # False: the work tree is the truth, and reports are files
    audit_branch: str | None = None  # the branch that holds the audit commits; None: any


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``percent`` of the registered clients in one run, once there are ``at_least`` of
    them."""

    percent: int = 30
    at_least: int = 10


@dataclass(frozen=True, slots=True)
class Waiver:
    """A dated exception to one guard or rule for one client (``*``: every client), void from
    ``until`` on (ISO date, UTC). ``guard`` is the word of either; ``environments`` are those it
    holds in, none: all."""

    guard: str
    client: str
    reason: str
    approver: str
    until: str
    source: Source
    environments: tuple[str, ...] = ()


class RuleLevel(StrEnum):
    """What breaking a rule does: block the change, be told, or nothing."""

    DENY = "deny"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rule:
    """A built-in rule as a policy sets it. ``values`` are parsed: durations, patterns, hosts in
    punycode.

    ``environments`` are those it holds in, none: all.
    """

    name: str
    level: RuleLevel
    values: Mapping[str, Any] = field(default_factory=dict)
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomRule:
    """A rule of one's own: ``when`` is a CEL expression that is true where the rule is broken."""

    name: str
    level: RuleLevel
    when: str
    message: str
    source: Source  # of the expression
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A client, as it is declared for this environment, breaks a rule.

    ``source`` is the field that is to blame.
    """

    rule: str
    code: str
    level: RuleLevel
    client: str
    address: Address
    message: str
    remedy: str
    source: Source


@dataclass(frozen=True, slots=True)
class ApproverRule:
    """Who must agree to what: a change that meets every condition that is set.

    ``risk`` (low to critical): at least this risk. ``scopes``: the client may do, or did, something
    that one of these patterns means. ``labels``: the client has all of them.
    """

    approver: str  # a user, or a team as ``organisation/team``, without @
    risk: str | None = None
    scopes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[str, ...] = ()


class DistinctApprover(StrEnum):
    """Whether who approves may be who wrote the change."""

    OFF = "off"
    WHEN_KNOWN = "when-known"  # refused when the platform tells that it is the same person
    ALWAYS = "always"  # refused unless the platform tells that it is another one


@dataclass(frozen=True, slots=True)
class ApplyDemands:
    """What ``apply`` asks for before it begins. ``allowed_signers``: path of the file of keys,
    below the project, with one of which the commit must be signed; None: no signature is asked
    for."""

    allowed_signers: str | None = None
    distinct_approver: DistinctApprover = DistinctApprover.OFF
    committed: Committed | None = None  # None: as signatures need it

    @property
    def needs_commit(self) -> bool:
        return self.committed is Committed.REQUIRE or (
            self.committed is None and self.allowed_signers is not None
        )


@dataclass(frozen=True, slots=True)
class GuardrailPolicy:
    """``probes``: what is demanded of webhooks whose client and template do not say, by the
    declared name. ``teams`` maps teams, as clients name their owners, to handles on the platform
    that hosts the repository."""

    removals: Budget = Budget()
    changes: Budget = Budget()
    waivers: tuple[Waiver, ...] = ()
    probes: Mapping[str, Demand] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    custom_rules: tuple[CustomRule, ...] = ()
    approvers: tuple[ApproverRule, ...] = ()
    teams: Mapping[str, str] = field(default_factory=dict)
    apply: ApplyDemands = ApplyDemands()


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything declared for one environment; ``clients`` is keyed by name."""

    project: Project
    environment: Environment
    clients: Mapping[str, DesiredClient]
    policy: GuardrailPolicy
    scopes: Mapping[str, str]  # scope name -> low | medium | high | critical
    # what rules that need no Vault found, in the order of clients
    violations: tuple[Violation, ...] = ()
    files: Loaded = field(default_factory=dict)  # everything that was read, relative to the project
    # What those lead to by a name or a link, with what leads there ("": the project as such): it
    # decides, too.
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def outlines(self) -> Iterable[ClientOutline | DesiredClient]:
        """What is known of each client without resolving it."""
        clients = self.clients
        return clients.outlines() if isinstance(clients, DeclaredClients) else clients.values()

    def without(self, names: Collection[str]) -> Desired:
        """The same declaration but for some clients."""
        if isinstance(self.clients, DeclaredClients):
            return replace(self, clients=self.clients.without(names))
        kept = {name: one for name, one in self.clients.items() if name not in names}
        return replace(self, clients=kept)
