"""The roles with which the jobs of a CI platform log in: a JWT auth mount, and who may do what.

A job proves with a signed token of its platform where it runs. Each role names every claim exactly
(``ci_platforms``). Of a list in a claim the server compares each entry, and one that is right is
enough. So every bound claim is mapped to the token's metadata as well: there the server refuses
what is no single value. Fields of a role: the JWT auth method's API of Vault and OpenBao, those
that both have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import mount_name
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.bootstrap import Did
from reconciler.adapters.vault.setup.ci_platforms import POLICIES, Platform
from reconciler.adapters.vault.setup.policies import policy_name
from reconciler.domain.declared.desired import AuthSettings
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import VaultError

# Seconds. A token is renewed while a run lasts; no run lasts longer than the second.
TOKEN_TTL, TOKEN_MAX_TTL = 900, 3600


def login_roles(live: Live, environment: str, platform: Platform) -> list[tuple[str, Did]]:
    """Make the JWT mount, its trust in ``platform.issuer`` and one role a sort of job; what was
    made, in order.

    ``live`` has an administrator's token. Raises ``VaultError`` RC425 when the mount is used for
    something else; then nothing was changed. RC426 when the server cannot fetch what the issuer
    publishes; then the mount stays.
    """
    mount = jwt_mount(live.settings.auth)
    _refuse_other_use(live, mount, platform.issuer)
    done: list[tuple[str, Did]] = [
        (f"auth mount {mount}/ (jwt)", _mount(live, mount)),
        (f"trust of {mount}/ in {platform.issuer}", _config(live, mount, platform.issuer)),
    ]
    for job in POLICIES:
        role = policy_name(environment, job)
        done.append(
            (
                f"login role {mount}/role/{role}",
                _role(live, mount, role, _fields(environment, job, platform)),
            )
        )
    return done


def jwt_mount(auth: AuthSettings) -> str:
    """The mount that jobs log in at: the declared one when the declared method is ``jwt``."""
    return mount_name(auth.mount if auth.method == "jwt" and auth.mount else "jwt")


def _fields(environment: str, job: str, platform: Platform) -> dict[str, Any]:
    return {
        "role_type": "jwt",
        "user_claim": platform.user_claim,
        "bound_audiences": [platform.audience],
        "bound_claims_type": "string",
        "bound_claims": dict(platform.bind_claims(job)),
        "claim_mappings": {
            name: name for name in sorted({*platform.metadata, *platform.bind_claims(job)})
        },
        "token_policies": sorted(policy_name(environment, policy) for policy in POLICIES[job]),
        "token_no_default_policy": True,
        "token_ttl": TOKEN_TTL,
        "token_max_ttl": TOKEN_MAX_TTL,
        "token_type": "service",
    }


def _refuse_other_use(live: Live, mount: str, issuer: str) -> None:
    entry = live.adapter.get("/v1/sys/auth").data.get(f"{mount}/")
    if entry is None:
        return
    if entry.get("type") != "jwt":
        raise _in_use(live, mount, f"of type {errors.printable(str(entry.get('type')), 40)}")
    config = _read(live, f"auth/{mount}/config")
    found = None if config is None else _read_issuers(config)
    if found not in (None, (issuer, issuer)):
        raise _in_use(live, mount, "trusted with tokens of another issuer")


def _read_issuers(config: JsonObject) -> tuple[str, str] | None:
    """The issuer whose published keys are used, and the one that tokens must name; None: nothing is
    set yet."""
    sources = (
        "oidc_discovery_url",
        "jwks_url",
        "bound_issuer",
        "jwt_validation_pubkeys",
        "jwt_supported_algs",
    )
    if not any(config.get(name) for name in sources):
        return None
    return str(config.get("oidc_discovery_url")), str(config.get("bound_issuer"))


def _in_use(live: Live, mount: str, how: str) -> VaultError:
    return VaultError(
        errors.AUTH_MOUNT_IN_USE,
        f"the auth mount {mount}/ at {live.settings.address} is {how}; nothing was changed",
        "set vault.auth of the environment to {method: jwt, mount: <a name of its own>}",
    )


def _mount(live: Live, mount: str) -> Did:
    if f"{mount}/" in live.adapter.get("/v1/sys/auth").data:
        return "unchanged"
    live.adapter.post(
        f"/v1/sys/auth/{mount}", json={"type": "jwt", "description": "jobs of a CI platform"}
    )
    return "created"


def _config(live: Live, mount: str, issuer: str) -> Did:
    config = _read(live, f"auth/{mount}/config")
    if config is not None and _read_issuers(config) is not None:
        return "unchanged"
    try:
        live.adapter.post(
            f"/v1/auth/{mount}/config", json={"oidc_discovery_url": issuer, "bound_issuer": issuer}
        )
    except StatusError as error:
        if error.status == 400 and error.says(errors.DISCOVERY_FAILED):
            raise _issuer_unreachable(live, mount, issuer, error) from None
        raise
    return "created"


def _issuer_unreachable(
    live: Live,
    mount: str,
    issuer: str,
    error: StatusError,
) -> VaultError:
    why = "; ".join(error.errors).removeprefix(f"{errors.DISCOVERY_FAILED}: ")
    return VaultError(
        errors.ISSUER_UNREACHABLE,
        f"the server at {live.settings.address} cannot fetch"
        f" {issuer}/.well-known/openid-configuration: {errors.printable(why)}; the auth mount"
        f" {mount}/ is there and lets nobody in",
        f"let the server itself (not only this machine) reach {issuer}, or correct --issuer; then"
        " run the same command again: it goes on from what is there",
    )


def _role(
    live: Live,
    mount: str,
    name: str,
    wanted: Mapping[str, Any],
) -> Did:
    path = f"auth/{mount}/role/{name}"
    found = _read(live, path)
    if found is not None and all(
        _comparable(found.get(field)) == value for field, value in wanted.items()
    ):
        return "unchanged"
    live.adapter.post(f"/v1/{path}", json=dict(wanted))
    return "created" if found is None else "updated"


def _comparable(value: Any) -> Any:
    """Servers return lists in an order of their own."""
    if isinstance(value, dict):
        return {name: _comparable(inner) for name, inner in value.items()}
    return sorted(value) if isinstance(value, list) else value


def _read(live: Live, path: str) -> JsonObject | None:
    try:
        data: JsonObject = live.adapter.get(f"/v1/{path}").data
    except StatusError as error:
        if error.status == 404:
            return None
        raise
    return data
