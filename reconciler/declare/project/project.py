"""A document of kind Project → ``domain.declared.desired.Project``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from reconciler.declare.files.audit_folder import build_audit_path
from reconciler.declare.files.documents import Document
from reconciler.declare.files.files import name_file
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Mark
from reconciler.declare.findings.suggest import did_you_mean
from reconciler.declare.project.alerts import build_channels
from reconciler.declare.webhooks.values import (
    network,
    positive_duration,
    short_duration,
    vault_address,
)
from reconciler.declare.yaml.text import parse
from reconciler.domain.declared.desired import (
    AuthSettings,
    DeliverySettings,
    Environment,
    Project,
    VaultSettings,
)
from reconciler.domain.values.hosts import is_loopback
from reconciler.domain.values.window import Freeze, parse_freeze
from reconciler.errors import NOWHERE, Address

_T = TypeVar("_T")
_DAY = timedelta(days=1)
_HALF_MINUTE = timedelta(seconds=30)
_DELIVERIES = DeliverySettings()
_PLAIN_HTTP = (
    "use https://, or say `plainHttp: true` beside it where the network itself is encrypted"
)


def build_project(
    document: Document,
    root: Path,
    found: Collector,
) -> Project | None:
    """The project, or None when anything in the document is wrong; what is wrong goes to
    ``found``."""
    before = found.errors
    spec = document.spec
    environments = spec.sub("environments")
    built = {name: _environment(name, environments.sub(name), root, found) for name in environments}
    _check_requires(environments, found)
    _check_mounts(environments, built, found)
    audit = build_audit_path(spec.sub("audit"), found)
    _refuse_branch_without_git(spec.sub("audit"), found)
    expires = read_checked(spec.sub("plan"), "expires", positive_duration, "RC150", found, _DAY)
    channels = build_channels(spec, environments, root, found, sound=document.sound)
    if not document.sound or not document.name or found.errors != before:
        return None
    whole = {name: environment for name, environment in built.items() if environment}
    whole = {name: _add_gate(environment, whole) for name, environment in whole.items()}
    return Project(
        document.name,
        spec["keyPrefix"],
        audit,
        whole,
        expires,
        channels,
        git=spec.sub("audit").get("git", True),
        audit_branch=spec.sub("audit").get("branch"),
    )


def _refuse_branch_without_git(audit: Map, found: Collector) -> None:
    if "branch" in audit and audit.get("git") is False:
        message = "a project without git has no branch that audit commits go to"
        found.add("RC169", audit.key_marks["branch"], message)


def name_in(text: str) -> str | None:
    """The name of the project that a reconciler.yaml of another time or place declares; None when
    it is none."""
    for parsed in parse(text, "reconciler.yaml", Collector()):
        if isinstance(parsed.value, Map) and parsed.value.get("kind") == "Project":
            name = parsed.value.sub("metadata").get("name")
            return name if isinstance(name, str) else None
    return None


def read_checked(
    parent: Map,
    field: str,
    parse: Callable[[str], _T],
    code: str,
    found: Collector,
    default: _T,
) -> _T:
    """The parsed value of ``field``; ``default`` when it is absent or, after reporting it, not
    valid."""
    text = parent.get(field)
    if not isinstance(text, str):
        return default
    try:
        return parse(text)
    except ValueError as error:
        found.add(code, parent.marks[field], str(error))
        return default


def _environment(
    name: str,
    spec: Map,
    root: Path,
    found: Collector,
) -> Environment | None:
    vault = spec.sub("vault")
    networks = tuple(str(item) for item in networks_of(spec, "allowedNetworks", found))
    freezes = tuple(filter(None, (_freeze(item, found) for item, _ in spec.items_at("freeze"))))
    ttl = read_checked(spec.sub("lease"), "ttl", short_duration, "RC150", found, _HALF_MINUTE)
    settings = _vault(name, vault, root, found)
    deliveries = _delivery_settings(spec.sub("deliveries"), root, found)
    if settings is None:
        return None
    return Environment(
        name,
        settings,
        spec.get("requires"),
        freezes,
        networks,
        ttl,
        deliveries,
    )


def _add_gate(environment: Environment, whole: Mapping[str, Environment]) -> Environment:
    """With the registry that its promotion gate looks at: our Vault policies name it."""
    if environment.requires is None:
        return environment
    registry = whole[environment.requires].vault.registry_mount
    return replace(environment, vault=replace(environment.vault, required_registry=registry))


def networks_of(
    spec: Map,
    field: str,
    found: Collector,
    address: Address = NOWHERE,
) -> list[str]:
    """The valid networks of a list, in their canonical form."""
    networks = []
    for text, mark in spec.items_at(field):
        try:
            networks.append(str(network(text)))
        except ValueError as error:
            found.add("RC154", mark, str(error), address=address)
    return networks


def _freeze(item: Map, found: Collector) -> Freeze | None:
    if not {"from", "to", "reason"} <= item.keys():
        return None
    try:
        return parse_freeze(item["from"], item["to"], item["reason"])
    except ValueError as error:
        # The sentence quotes the date it is about.
        field = (
            "to"
            if repr(item["to"]) in str(error) and repr(item["from"]) not in str(error)
            else "from"
        )
        found.add("RC153", item.marks[field], str(error))
        return None


def _vault(
    name: str,
    vault: Map,
    root: Path,
    found: Collector,
) -> VaultSettings | None:
    address = read_checked(vault, "address", vault_address, "RC163", found, "")
    timeout = read_checked(vault, "timeout", short_duration, "RC150", found, _HALF_MINUTE)
    patience = read_checked(vault, "patience", short_duration, "RC150", found, _HALF_MINUTE)
    mounts, auth = vault.sub("mounts"), vault.sub("auth")
    if not address:
        return None
    plain_http = vault.get("plainHttp") is True
    if address.startswith("http:") and not is_loopback(address) and not plain_http:
        message = (
            f"{address} is plain http and not this machine: tokens and secrets would travel"
            " readable"
        )
        found.add("RC163", vault.marks["address"], message, remedy=_PLAIN_HTTP)
    authority = vault.get("caCert")
    if authority:
        name_file(authority, vault.marks["caCert"], found)
    namespace = vault.get("namespace")
    return VaultSettings(
        address=address,
        registry_mount=mounts.get("registry", f"integrations/{name}/registry"),
        secrets_mount=mounts.get("secrets", f"integrations/{name}/secrets"),
        transit_mount=mounts.get("transit", f"integrations/{name}/transit"),
        auth=AuthSettings(auth.get("method", "token"), auth.get("role"), auth.get("mount")),
        namespace=namespace.rstrip("/") if namespace else None,
        ca_cert=str(root / authority) if authority else None,
        timeout=timeout,
        patience=patience,
        environment=name,
        plain_http=plain_http,
    )


def _check_requires(environments: Map, found: Collector) -> None:
    """Every required environment exists and none requires itself, be it through others."""
    requires = {name: environments.sub(name).get("requires") for name in environments}
    for name, required in requires.items():
        if required is None:
            continue
        mark = environments.sub(name).marks["requires"]
        if required not in requires:
            hint = did_you_mean(required, [other for other in requires if other != name])
            found.add(
                "RC133",
                mark,
                f"environment `{name}` requires `{required}`, which does not exist",
                hint=hint,
            )
            continue
        chain = _chain(name, requires)
        if chain[-1] == name:
            found.add("RC137", mark, "these environments require each other: " + " → ".join(chain))


def _chain(name: str, requires: Mapping[str, str | None]) -> list[str]:
    """``name`` and what it requires, up to the end or the first repetition."""
    chain = [name]
    following = requires.get(name)
    while following is not None and following not in chain:
        chain.append(following)
        following = requires.get(following)
    return [*chain, following] if following is not None else chain


def _check_mounts(
    environments: Map,
    built: Mapping[str, Environment | None],
    found: Collector,
) -> None:
    """No mount is used twice on one server, and none lies inside another (Vault refuses that)."""
    taken: list[tuple[tuple[str, str | None], str, str]] = []
    for name, environment in built.items():
        if environment is None:
            continue
        vault = environment.vault
        server = (vault.address, vault.namespace)
        for field, mount in (
            ("registry", vault.registry_mount),
            ("secrets", vault.secrets_mount),
            ("transit", vault.transit_mount),
        ):
            owner = f"{name}'s {field} mount"
            for other_server, other, other_owner in taken:
                if server == other_server and (
                    f"{mount}/".startswith(f"{other}/") or f"{other}/".startswith(f"{mount}/")
                ):
                    found.add(
                        "RC161",
                        _mount_mark(environments, name, field),
                        f"{owner} `{mount}` collides with {other_owner} `{other}`",
                    )
            taken.append((server, mount, owner))


def _mount_mark(
    environments: Map,
    name: str,
    field: str,
) -> Mark:
    vault = environments.sub(name).sub("vault")
    return vault.sub("mounts").marks.get(field, vault.mark)


def _delivery_settings(
    spec: Map,
    root: Path,
    found: Collector,
) -> DeliverySettings:
    """The settings, paths relative to ``root``. A path may lead out of the project: whoever runs a
    pipeline decides where it keeps a key. Whether the files can be used is asked where they are
    used."""
    if "clientKey" in spec and "clientCert" not in spec:
        message = "clientKey is the key of a certificate, and there is no clientCert"
        found.add("RC182", spec.key_marks["clientKey"], message)

    for field in {"caCert", "clientCert"} & spec.keys():
        name_file(spec[field], spec.marks[field], found)

    def path(field: str) -> str | None:
        return str(root / spec[field]) if isinstance(spec.get(field), str) else None

    return DeliverySettings(
        ca_cert=path("caCert"),
        client_cert=path("clientCert"),
        client_key=path("clientKey"),
        ports=tuple(sorted({port for port, _ in spec.items_at("ports") if isinstance(port, int)}))
        or _DELIVERIES.ports,
        concurrency=_number(spec, "concurrency", _DELIVERIES.concurrency),
        per_host=_number(spec, "perHost", _DELIVERIES.per_host),
    )


def _number(
    spec: Map,
    field: str,
    default: int,
) -> int:
    value = spec.get(field)
    return value if isinstance(value, int) else default
