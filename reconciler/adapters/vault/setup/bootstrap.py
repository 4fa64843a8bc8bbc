"""``bootstrap``: mounts, signing key, policies, token roles, the head of the evidence log and the
registry's ``meta``. Idempotent.

Everything is looked at before anything is written, so that a refusal leaves all as it was; ``meta``
is written last: a registry with ``meta`` is complete. A run that was killed is finished by the
next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import SIGNING_KEY
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.log import begin_log
from reconciler.adapters.vault.setup.meta import (
    BUCKETS,
    Meta,
    describe_mount,
    parse_meta,
    read_meta_document,
)
from reconciler.adapters.vault.setup.mounts import (
    REGISTRY_CONFIG,
    SECRETS_CONFIG,
    differences,
    keep_versions,
    read_config,
)
from reconciler.adapters.vault.setup.namespaces import require_namespaces
from reconciler.adapters.vault.setup.policies import (
    TOKEN_ROLES,
    normalise_policy,
    policy_name,
    policy_texts,
    read_policy,
)
from reconciler.domain.values.canonical import JsonObject
from reconciler.domain.values.names import DEFAULT_BUCKETS, is_name
from reconciler.errors import RegistryError, VaultError
from reconciler.registry.requests import Conflict, Unclear, WriteDocument

Did = Literal["created", "updated", "unchanged"]


def prepare_environment(
    live: Live,
    environment: str,
    project: str,
    buckets: int | None = None,
) -> list[tuple[str, Did]]:
    """Make an environment ready; ``live`` has an administrator's token. What was made, in order.

    ``buckets`` (16, 256 or 4096) counts at the first time, default 256; None keeps what is there.
    Raises ``VaultError`` RC409, RC411, RC418, RC419, RC424 with nothing changed.
    """
    if not (is_name(environment) and is_name(project)):
        raise VaultError(
            errors.NAME_REFUSED,
            "the project or the environment has no valid name",
            "see metadata.name",
        )
    meta = _look(live, environment, project, buckets)
    settings = live.settings
    registry, secrets, transit = (
        settings.registry_mount,
        settings.secrets_mount,
        settings.transit_mount,
    )
    mounts = _mounts(live)
    done: list[tuple[str, Did]] = [
        (f"mount {registry}/ (KV v2)", _key_value(live, mounts, registry, REGISTRY_CONFIG)),
        (f"mount {secrets}/ (KV v2)", _key_value(live, mounts, secrets, SECRETS_CONFIG)),
        (f"mount {transit}/ (transit)", _transit(live, mounts, transit)),
        (f"signing key {transit}/keys/{SIGNING_KEY}", _signing_key(live, transit)),
    ]
    for name, text in policy_texts(environment, settings).items():
        done.append((f"policy {name}", _policy(live, name, text)))
    for role, policies in TOKEN_ROLES.items():
        name = policy_name(environment, role)
        allowed = [policy_name(environment, policy) for policy in policies]
        done.append((f"token role {name}", _token_role(live, name, allowed)))
    verifier, began = begin_log(live, project, environment)
    done.append((f"evidence log, key to pin: {verifier}", began))
    done.append(
        (f"registry {registry}/meta", _write_meta(live, environment, project, buckets, meta))
    )
    if meta is not None and _keep_versions(live, project, meta.buckets):
        done.append(("versions that the server was to delete (delete_version_after)", "updated"))
    return done


def _keep_versions(live: Live, project: str, buckets: int) -> bool:
    try:
        return keep_versions(live, project, buckets)
    except RegistryError:  # plan and doctor say what is wrong with it
        return False


def _look(
    live: Live,
    environment: str,
    project: str,
    buckets: int | None,
) -> Meta | None:
    """Everything that could stand in the way. The meta that is there already."""
    require_namespaces(live)
    settings, mounts = live.settings, _mounts(live)
    if buckets is not None and buckets not in BUCKETS:
        raise VaultError(
            errors.BUCKETS_DIFFER, f"{buckets} is not a number of buckets", "use 16, 256 or 4096"
        )
    wanted = {
        settings.registry_mount: "KV v2",
        settings.secrets_mount: "KV v2",
        settings.transit_mount: "transit",
    }
    for mount, needed in wanted.items():
        found = mounts.get(mount)
        if found is not None and describe_mount(found) != needed:
            raise errors.mount_wrong(settings.address, mount, describe_mount(found), needed)
        _refuse_nested(live, mounts, mount)
    if settings.transit_mount in mounts:
        _check_signing_key(live, _read_signing_key(live, settings.transit_mount))
    if settings.registry_mount not in mounts:
        return None
    document = read_meta_document(live)
    if document.text is None:
        return None
    meta = parse_meta(live, document, project, environment)
    if buckets is not None and buckets != meta.buckets:
        raise VaultError(
            errors.BUCKETS_DIFFER,
            f"the registry at {settings.registry_mount}/ has {meta.buckets} buckets, not {buckets};"
            " nothing changed",
            "leave --buckets out to keep them",
        )
    return meta


def _refuse_nested(live: Live, mounts: Mapping[str, JsonObject], mount: str) -> None:
    """Vault refuses a mount below or above another one; tell before anything is written."""
    for other, entry in mounts.items():
        if other.startswith(mount + "/") or mount.startswith(other + "/"):
            raise errors.mount_wrong(
                live.settings.address,
                mount,
                f"in the way of {other}/ ({describe_mount(entry)})",
                "a path of its own",
            )


def _mounts(live: Live) -> Mapping[str, JsonObject]:
    answer = live.client.sys.list_mounted_secrets_engines()
    return {
        path.strip("/"): entry for path, entry in answer.data.items() if isinstance(entry, dict)
    }


def _key_value(
    live: Live,
    mounts: Mapping[str, JsonObject],
    mount: str,
    config: JsonObject,
) -> Did:
    did: Did = "unchanged"
    if mount not in mounts:
        live.client.sys.enable_secrets_engine("kv", path=mount, options={"version": "2"})
        did = "created"
    # A new KV v2 mount answers 400 until its upgrade has ended; the adapter waits for that.
    if any(differences(read_config(live, mount), config)):
        live.client.secrets.kv.v2.configure(mount_point=mount, **config)
        did = "created" if did == "created" else "updated"
    return did


def _transit(live: Live, mounts: Mapping[str, JsonObject], mount: str) -> Did:
    if mount in mounts:
        return "unchanged"
    live.client.sys.enable_secrets_engine("transit", path=mount)
    return "created"


def _read_signing_key(live: Live, mount: str) -> JsonObject | None:
    try:
        key: JsonObject = live.client.secrets.transit.read_key(SIGNING_KEY, mount_point=mount).data
    except StatusError as error:
        if error.status == 404:
            return None
        raise
    return key


def _check_signing_key(live: Live, key: JsonObject | None) -> None:
    leaves = key is not None and (key.get("exportable") or key.get("allow_plaintext_backup"))
    if key is None or (key.get("type") == "ed25519" and not leaves):
        return
    raise VaultError(
        errors.SIGNING_KEY_WRONG,
        f"the key {live.settings.transit_mount}/keys/{SIGNING_KEY} at {live.settings.address} is no"
        " ed25519 key that stays in the server (it is of another type, exportable, or may be"
        " backed up readable); nothing was changed",
        "set vault.mounts.transit of the environment to a mount of its own; such a key cannot be"
        " made safe again",
    )


def _signing_key(live: Live, mount: str) -> Did:
    did: Did = "unchanged"
    key = _read_signing_key(live, mount)
    if key is None:
        live.client.secrets.transit.create_key(
            SIGNING_KEY, key_type="ed25519", exportable=False, mount_point=mount
        )
        key = _read_signing_key(live, mount)
        did = "created"
    _check_signing_key(live, key)
    if key is not None and key.get("deletion_allowed"):
        live.client.secrets.transit.update_key_configuration(
            SIGNING_KEY, deletion_allowed=False, mount_point=mount
        )
        did = "updated"
    return did


def _policy(live: Live, name: str, text: str) -> Did:
    found = read_policy(live, name)
    if found is not None and normalise_policy(found) == normalise_policy(text):
        return "unchanged"
    live.client.sys.create_or_update_acl_policy(name, text, pretty_print=False)
    return "created" if found is None else "updated"


def _token_role(live: Live, name: str, policies: list[str]) -> Did:
    """Tokens of the role get exactly these policies, not ``default``, and outlive whoever made
    them."""
    wanted: dict[str, Any] = {
        "allowed_policies": sorted(policies),
        "orphan": True,
        "renewable": True,
        "token_no_default_policy": True,
    }
    found: JsonObject | None
    try:
        found = live.adapter.get(f"/v1/auth/token/roles/{name}").data
    except StatusError as error:
        if error.status != 404:
            raise
        found = None
    if found is not None and all(
        _comparable(found.get(field)) == value for field, value in wanted.items()
    ):
        return "unchanged"
    live.adapter.post(f"/v1/auth/token/roles/{name}", json=wanted)
    return "created" if found is None else "updated"


def _comparable(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _write_meta(
    live: Live,
    environment: str,
    project: str,
    buckets: int | None,
    meta: Meta | None,
) -> Did:
    if meta is not None and meta.logged:
        return "unchanged"
    version = read_meta_document(live).version if meta is None else meta.version
    count = buckets or (DEFAULT_BUCKETS if meta is None else meta.buckets)
    wanted = Meta(project, environment, count, version)
    response = live.answer(WriteDocument("meta", wanted.text(), version))
    if isinstance(response, Unclear):
        raise VaultError(
            errors.UNREACHABLE,
            response.message,
            "run bootstrap again: it goes on from what is there",
        )
    if isinstance(response, Conflict):
        # Somebody else bootstrapped at the same moment: theirs counts if it says the same.
        parse_meta(live, read_meta_document(live), project, environment)
        return "unchanged"
    return "created" if meta is None else "updated"
