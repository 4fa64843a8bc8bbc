"""The four policies, as text. Least privilege: each line is here because a command needs it.

A token of a run holds applier and deliverer together. For keys the applier's pattern ``keys/+`` is
the more specific one and decides alone, so that such a token writes keys and reads none, not even
wrapped; a token with deliverer only reads keys, wrapped only. For webhooks both use ``webhooks/+``
and unite. (Rules of precedence: "Policy priority matching" in Vault's and OpenBao's documentation;
measured.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import SIGNING_KEY
from reconciler.adapters.vault.live import Live
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.kinds.credentials import Reader, list_kinds, list_kinds_read_by
from reconciler.errors import VaultDenied

ROLES = ("planner", "applier", "deliverer", "consumer")
# Token roles (``auth/token/create/<name>``) and the policies a token of theirs gets.
TOKEN_ROLES: Mapping[str, tuple[str, ...]] = {
    "planner": ("planner",),
    "applier": ("applier",),
    "deliverer": ("deliverer",),
    "run": ("applier", "deliverer"),
}
_SELF = {
    "auth/token/lookup-self": {"read"},
    "auth/token/renew-self": {"update"},
    "auth/token/revoke-self": {"update"},
    "sys/capabilities-self": {"update"},
}
# The key pairs of webhooks. The ledger's key is not among them.
WEBHOOK_KEYS = "webhook.*"
_WRAPPED_ONLY = {"min_wrapping_ttl": "1s", "max_wrapping_ttl": "24h"}
# A key pair that was made, or configured later, with one of these could leave the server. Every
# value is denied.
_STAYS = {"denied_parameters": {"exportable": (), "allow_plaintext_backup": ()}}

Rules = dict[str, set[str]]
# a value, or the values of some parameters of a request
Parameter = str | Mapping[str, tuple[str, ...]]


def policy_name(environment: str, role: str) -> str:
    return f"integrations-{environment}-{role}"


def policy_texts(environment: str, settings: VaultSettings) -> dict[str, str]:
    """Policy name → HCL, for all four roles."""
    registry, secrets, transit = (
        settings.registry_mount,
        settings.secrets_mount,
        settings.transit_mount,
    )
    planner = _planner(environment, registry, secrets, transit)
    # the promotion gate looks at the records of the environment before
    if settings.required_registry is not None:
        planner |= {
            f"{settings.required_registry}/data/{name}": {"read"} for name in ("meta", "buckets/*")
        }
    applier = _unite(planner, _applier(registry, secrets, transit))
    wrapped = {
        f"{secrets}/data/{kind.folder}/*": _WRAPPED_ONLY
        for kind in list_kinds_read_by(Reader.CONSUMER)
    }
    deliverer: Rules = {
        **_SELF,
        **{
            f"{secrets}/data/{kind.folder}/+": {"read"}
            for kind in list_kinds_read_by(Reader.DELIVERER)
        },
        **{path: {"read"} for path in wrapped},
        f"{transit}/sign/{WEBHOOK_KEYS}": {"update"},
    }
    # The name in the paths of a client's secrets is the one it was first registered with.
    consumer: Rules = {
        **_SELF,
        **{
            f"{secrets}/data/{kind.folder}/{{{{identity.entity.metadata.client}}}}.*": {"read"}
            for kind in list_kinds_read_by(Reader.CONSUMER)
        },
    }
    texts = {
        "planner": _render("planner", planner, {}),
        "applier": _render("applier", applier, {f"{transit}/keys/{WEBHOOK_KEYS}": _STAYS}),
        "deliverer": _render("deliverer", deliverer, wrapped),
        "consumer": _render("consumer", consumer, {}),
    }
    return {policy_name(environment, role): texts[role] for role in ROLES}


def _planner(environment: str, registry: str, secrets: str, transit: str) -> Rules:
    return {
        **{
            f"{registry}/data/{name}": {"read"}
            for name in ("meta", "lease", "applied", "ledger", "buckets/*", "runs/*", "log/*")
        },
        f"{registry}/metadata/runs/*": {"list", "read"},
        f"{registry}/metadata/log/": {"list"},
        f"{registry}/metadata/log/+/": {"list"},
        f"{registry}/config": {"read"},
        f"{secrets}/config": {"read"},
        f"{secrets}/metadata/*": {"list", "read"},
        f"{secrets}/detailed-metadata/*": {"list"},
        f"{secrets}/subkeys/*": {"read"},
        f"{transit}/keys/{SIGNING_KEY}": {"read"},
        # To report policies that were edited by hand.
        **{f"sys/policies/acl/{policy_name(environment, role)}": {"read"} for role in ROLES},
        **_SELF,
    }


def _applier(registry: str, secrets: str, transit: str) -> Rules:
    return {
        **{
            f"{registry}/data/{name}": {"create", "update"}
            for name in ("lease", "applied", "ledger", "buckets/*", "runs/*", "log/*")
        },
        f"{registry}/metadata/runs/*": {"delete"},
        # Never a claim: its creation is what takes a number.
        f"{registry}/metadata/log/+/part-*": {"delete"},
        **{f"{secrets}/data/{kind.folder}/+": {"create", "update"} for kind in list_kinds()},
        f"{secrets}/destroy/*": {"update"},
        f"{secrets}/metadata/*": {"update"},
        f"{transit}/sign/{SIGNING_KEY}": {"update"},
        f"{transit}/keys/{WEBHOOK_KEYS}": {"create", "read", "update", "delete"},
    }


def _unite(*sets: Rules) -> Rules:
    # One stanza a path: a second stanza of one policy would replace the first.
    return {
        path: set().union(*(rules.get(path, ()) for rules in sets))
        for rules in sets
        for path in rules
    }


def _render(role: str, rules: Rules, parameters: Mapping[str, Mapping[str, Parameter]]) -> str:
    title = (
        f"# Written by reconciler bootstrap: the {role} role."
        " Changes made by hand are reported as drift."
    )
    lines = [title]
    for path in sorted(rules):
        capabilities = ", ".join(f'"{name}"' for name in sorted(rules[path]))
        extra = "".join(
            f"\n  {name} = {_hcl(value)}"
            for name, value in sorted(parameters.get(path, {}).items())
        )
        lines.append(f'path "{path}" {{\n  capabilities = [{capabilities}]{extra}\n}}')
    return "\n".join(lines) + "\n"


def _hcl(value: Parameter) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    names = (
        f"    {name} = [{', '.join(map(_hcl, values))}]" for name, values in sorted(value.items())
    )
    return "\n".join(["{", *names, "  }"])


def normalise_policy(text: str) -> str:
    """A policy's text without comments, blank lines and indentation."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def policy_drift(live: Live, environment: str) -> tuple[str, ...]:
    """Names of the policies that are missing or differ from what bootstrap writes.

    A policy that the token may not read is left out. Raises ``VaultError`` for everything else.
    """
    texts = policy_texts(environment, live.settings)
    return tuple(name for name, text in texts.items() if _differs(live, name, text))


def _differs(live: Live, name: str, text: str) -> bool:
    try:
        found = read_policy(live, name)
    except VaultDenied:
        return False
    return found is None or normalise_policy(found) != normalise_policy(text)


def read_policy(live: Live, name: str) -> str | None:
    """A policy's text, None when there is no such policy."""
    try:
        return str(live.adapter.get(f"/v1/sys/policies/acl/{name}").field(str, "policy"))
    except StatusError as error:
        if error.status == 404:
            return None
        raise


def capable(capabilities: Iterable[str], *needed: str) -> bool:
    """Whether a token with these capabilities on a path may do what is needed; root may do
    everything."""
    held = set(capabilities)
    return "root" in held or ("deny" not in held and held.issuperset(needed))
