"""Built-in rules of a policy: what a declared client may be. A rule is one function and one row in
``POLICY_RULES``.

A rule looks at a client as it is declared for one environment and yields what breaks it. Whether
that blocks anything is decided elsewhere (``policy``); where it is written in a file as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import (
    ClientState,
    DesiredClient,
    Lifecycle,
    Rule,
    RuleLevel,
)
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.declared.proof import DECLARED_PROBES, GENUINE_ONLY, Demand
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.plan.scopes import WILDCARD, ScopeTable, covers
from reconciler.domain.values import names, networks
from reconciler.domain.values.duration import format_duration
from reconciler.domain.values.hosts import host_of, is_loopback
from reconciler.errors import NOWHERE, Address

OWNER_RULE = ("team", "contact")


@dataclass(frozen=True, slots=True)
class Breach:
    """``path`` leads to what is to blame, by field names and names of items, as far as it is
    written; ``address`` is empty for the client itself."""

    path: tuple[str, ...]
    message: str
    remedy: str
    address: Address = NOWHERE


RuleCheck = Callable[[DesiredClient, Mapping[str, Any], ScopeTable], Iterator[Breach]]


@dataclass(frozen=True, slots=True)
class RuleRow:
    """``name`` is the rule's word in a policy and in waivers."""

    name: str
    code: str
    check: RuleCheck


def wildcard_scopes(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``allow``: wildcards that may be written, and everything narrower."""
    for scope in client.spec.get("scopes") or ():
        if WILDCARD in scope and not any(
            covers(allowed, scope) for allowed in values.get("allow", ())
        ):
            means = len(table.members(scope))
            today = f"{means} scope{'' if means == 1 else 's'} today, and " if len(table) else ""
            yield Breach(
                ("scopes", scope),
                f"the wildcard `{scope}` grants {today}every one that is added later",
                "name the scopes, or allow the wildcard in rules.wildcard-scopes.allow",
            )


def scope_count(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``max``: scopes of one client, wildcards counted as what they mean."""
    asked = client.spec.get("scopes") or ()
    means = table.change((), asked)
    count = len(means.granted) if means else 0
    if count > values["max"]:
        yield Breach(
            ("scopes",),
            f"the client may use {count} scope{'' if count == 1 else 's'}, more than"
            f" {values['max']}",
            "split the client by what it does, or raise rules.scope-count.max",
        )


def lifetime(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``keyMax``, ``secretMax``, ``min``: how long a version may live."""
    for kind, what, path, address, lives in _lives(client):
        longest, shortest = values.get(f"{kind.limit}Max"), values.get("min")
        if longest is not None and lives.lifetime > longest:
            far = f"longer than {format_duration(longest)}"
        elif shortest is not None and lives.lifetime < shortest:
            far = f"shorter than {format_duration(shortest)}"
        else:
            continue
        yield Breach(
            (*path, "lifetime"),
            f"{what} lives {format_duration(lives.lifetime)}, {far}",
            f"write a lifetime within the limits of rules.lifetime, not {far}",
            address,
        )


def rotation(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``renewBeforeMin``, ``graceMin``, ``graceMax``: time to rotate in and to change over in. No
    grace at all is refused whatever is set."""
    for kind, what, path, address, lives in _lives(client):
        inner = path if kind.part else (*path, "rotation")
        renew, shortest, longest = (
            values.get(name) for name in ("renewBeforeMin", "graceMin", "graceMax")
        )
        grace = format_duration(lives.grace)
        if renew is not None and lives.renew_before < renew:
            yield Breach(
                (*inner, "renewBefore"),
                f"{what} is renewed {format_duration(lives.renew_before)} before it expires, less"
                f" than {format_duration(renew)}: a failed rotation has too little time to be"
                " noticed",
                f"write renewBefore: {format_duration(renew)} or more",
                address,
            )
        if not lives.grace or (shortest is not None and lives.grace < shortest):
            least = format_duration(shortest) if shortest else "1s"
            yield Breach(
                (*inner, "grace"),
                f"the grace of {what} is {grace}, less than {least}: consumers have too little time"
                " to change over",
                f"write grace: {least} or more",
                address,
            )
        if longest is not None and lives.grace > longest:
            yield Breach(
                (*inner, "grace"),
                f"the grace of {what} is {grace}, more than {format_duration(longest)}",
                f"write grace: {format_duration(longest)} or less",
                address,
            )


def https_only(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``allowLoopback``: this machine may be reached without TLS."""
    for name, url, address in _urls(client):
        if url.startswith("http:") and not (values.get("allowLoopback", True) and is_loopback(url)):
            yield Breach(
                ("webhooks", name, "url"),
                f"the URL of webhook `{name}` is http: deliveries can be read on their way",
                "use https",
                address,
            )


def allowed_hosts(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``hosts``: where webhooks may lead, as DNS knows the name: what only looks the same is
    another host."""
    for name, url, address in _urls(client):
        host = host_of(url)
        if not any(_is_host(pattern, host) for pattern in values["hosts"]):
            yield Breach(
                ("webhooks", name, "url"),
                f"the host `{host}` is not one of rules.allowed-hosts.hosts",
                "correct the host, or add it to rules.allowed-hosts.hosts",
                address,
            )


def denied_hosts(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``hosts``: where webhooks may not lead."""
    for name, url, address in _urls(client):
        host = host_of(url)
        same = (host, *_within(host))
        found = next(
            (pattern for pattern in values["hosts"] for one in same if _is_host(pattern, one)), None
        )
        if found is not None:
            yield Breach(
                ("webhooks", name, "url"),
                f"the host `{host}` is denied by `{found}` of rules.denied-hosts.hosts",
                "send the events to another host",
                address,
            )


def justification(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``pattern``: what a justification must hold, such as a ticket."""
    text, pattern = client.spec.get("justification") or "", values.get("pattern")
    if not text.strip():
        yield Breach(
            ("justification",),
            "the client has no justification",
            "say why it exists: a ticket, a sentence",
        )
    elif pattern is not None and not pattern.occurs_in(text):
        yield Breach(
            ("justification",),
            f"the justification does not match `{pattern.text}`",
            "write it as rules.justification.pattern asks for, such as a ticket and a sentence",
        )


def owner(client: DesiredClient, values: Mapping[str, Any], table: ScopeTable) -> Iterator[Breach]:
    """``require``: fields of the owner that must be there."""
    said = client.spec.get("owner") or {}
    for name in values.get("require", OWNER_RULE):
        if not (said.get(name) or "").strip():
            yield Breach(
                ("owner", name), f"the client's owner has no {name}", f"write owner.{name}"
            )


def allowed_cidrs(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``minPrefix4``, ``minPrefix6``: no network is wider, however many lines make it. At least
    half of the internet is none. A client without keys calls nobody."""
    texts = client.spec.get("allowedCidrs") or ()
    if client.keys and not texts:
        yield Breach(
            ("allowedCidrs",),
            "the client's keys work from everywhere",
            "list the networks it calls from: allowedCidrs",
        )
    if not texts or (together := _too_wide(texts, values)) is None:
        return
    alone = {text: told for text in texts if (told := _too_wide([text], values)) is not None}
    for text, (why, remedy) in alone.items():
        yield Breach(("allowedCidrs", text), f"the network {text} allows too much: {why}", remedy)
    if not alone:
        why, remedy = together
        yield Breach(
            ("allowedCidrs",), f"these {len(texts)} networks together allow too much: {why}", remedy
        )


def _too_wide(texts: Sequence[str], values: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with these networks together, and what to do about it; None: nothing."""
    spans = networks.parse_allowed(texts)
    for version in spans:
        if networks.is_open(spans, version):
            return (
                f"at least half of all IPv{version} addresses",
                "list the networks that the client calls from",
            )
    for version in spans:
        least, found = values.get(f"minPrefix{version}", 1), networks.find_widest(spans, version)
        if found is not None and found.prefixlen < least:
            return (
                f"{found} is wider than /{least}",
                f"narrow it to /{least} or less, or list fewer",
            )
    return None


def probes(client: DesiredClient, values: Mapping[str, Any], table: ScopeTable) -> Iterator[Breach]:
    """``require``: probes that every webhook must require, as far as its signature scheme has room
    for them.

    One that is off for a scheme unless it is asked for (``future`` with ``stripe``) is asked for by
    that."""
    for webhook in client.webhooks:
        for probe in values.get("require", GENUINE_ONLY):
            said = webhook.probes.get(DECLARED_PROBES[probe][0])
            if said not in (None, Demand.REQUIRE):
                yield Breach(
                    ("webhooks", webhook.name, "probes", probe),
                    f"webhook `{webhook.name}` need not {_right_answer(probe)}: its probe is"
                    f" {said}",
                    f"write probes: {{{probe}: require}}",
                    names.webhook_address(client.name, webhook.name),
                )


def naming(client: DesiredClient, values: Mapping[str, Any], table: ScopeTable) -> Iterator[Breach]:
    """``pattern``: how clients are named."""
    if not values["pattern"].occurs_in(client.name):
        yield Breach(
            ("name",),
            f"the name `{client.name}` does not match `{values['pattern'].text}`",
            "rename the client, with its present name in metadata.renamedFrom once it is"
            " registered",
        )


def protection(
    client: DesiredClient, values: Mapping[str, Any], table: ScopeTable
) -> Iterator[Breach]:
    """``labels``: clients with all of them must be protected."""
    labels = client.spec.get("labels") or {}
    if values["labels"].items() <= labels.items() and not client.protect:
        why = ", ".join(f"{name}: {value}" for name, value in sorted(values["labels"].items()))
        yield Breach(("protect",), f"a client with {why} must be protected", "write protect: true")


POLICY_RULES: tuple[RuleRow, ...] = (
    RuleRow("wildcard-scopes", "RC210", wildcard_scopes),
    RuleRow("scope-count", "RC211", scope_count),
    RuleRow("lifetime", "RC212", lifetime),
    RuleRow("rotation", "RC213", rotation),
    RuleRow("https-only", "RC214", https_only),
    RuleRow("allowed-hosts", "RC215", allowed_hosts),
    RuleRow("denied-hosts", "RC216", denied_hosts),
    RuleRow("justification", "RC217", justification),
    RuleRow("owner", "RC218", owner),
    RuleRow("allowed-cidrs", "RC219", allowed_cidrs),
    RuleRow("probes", "RC220", probes),
    RuleRow("naming", "RC221", naming),
    RuleRow("protection", "RC222", protection),
)
RULES_BY_NAME = {row.name: row for row in POLICY_RULES}


def find_breaches(
    client: DesiredClient,
    rules: Sequence[Rule],
    environment: str,
    table: ScopeTable,
) -> Iterator[tuple[Rule, RuleRow, Breach]]:
    """Everything that breaks a rule.

    A client that is declared retired has nothing left that could.
    """
    if client.state is ClientState.RETIRED:
        return
    for rule in rules:
        if rule.level is RuleLevel.OFF or not holds_in(rule.environments, environment):
            continue
        row = RULES_BY_NAME[rule.name]
        yield from ((rule, row, breach) for breach in row.check(client, rule.values, table))


def _lives(
    client: DesiredClient,
) -> Iterator[tuple[CredentialKind, str, tuple[str, ...], Address, Lifecycle]]:
    """(kind, what it is, where it is declared, address, life cycle) of every credential."""
    for kind, name, lifecycle in client.lives():
        path = (kind.section, name, kind.part) if kind.part else (kind.section, name)
        address = kind.address(client.name, name)
        yield kind, kind.title.format(f"`{name}`"), path, address, lifecycle


def _right_answer(probe: str) -> str:
    return (
        "accept each secret of a rotation"
        if probe == "eachSecret"
        else f"refuse the {probe} delivery"
    )


def _urls(client: DesiredClient) -> Iterator[tuple[str, str, Address]]:
    for webhook in client.webhooks:
        if webhook.url:
            yield webhook.name, webhook.url, names.webhook_address(client.name, webhook.name)


def _is_host(pattern: str, host: str) -> bool:
    """``*.example.com`` is every host below example.com, not example.com itself."""
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _within(host: str) -> tuple[str, ...]:
    """The IPv4 address that an IPv6 address stands for."""
    try:
        mapped = getattr(ip_address(host), "ipv4_mapped", None)
    except ValueError:
        return ()
    return (str(mapped),) if mapped is not None else ()
