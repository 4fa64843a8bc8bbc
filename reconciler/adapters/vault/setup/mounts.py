"""How the two KV v2 mounts are set, and how they should be: what a mount does to versions by
itself."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.key_values import KeyValues
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.secretinfo import deletes_after
from reconciler.domain.kinds.credentials import list_kinds
from reconciler.domain.live.observed import MountSettings, SecretInfo
from reconciler.domain.live.record import USABLE
from reconciler.domain.values.canonical import JsonObject
from reconciler.engine.look.records import read_all_documents, read_registry
from reconciler.errors import VaultDenied

# A bucket's history is in its records; a secret's versions must outlive any grace. KV v2 prunes the
# oldest version, and deletes old ones, without a word.
REGISTRY_CONFIG: JsonObject = {
    "max_versions": 10,
    "cas_required": True,
    "delete_version_after": "0s",
}
SECRETS_CONFIG: JsonObject = {
    "max_versions": 100,
    "cas_required": True,
    "delete_version_after": "0s",
}
# What a mount keeps that says 0.
KEPT_BY_DEFAULT = 10


def mount_settings(live: Live) -> tuple[MountSettings | None, MountSettings | None]:
    """The registry's mount and the secrets'. None for one whose settings the token may not read.

    Raises ``VaultError`` for everything else.
    """
    settings = live.settings
    return (
        _settings(live, settings.registry_mount, REGISTRY_CONFIG),
        _settings(live, settings.secrets_mount, SECRETS_CONFIG),
    )


def _settings(live: Live, mount: str, wanted: JsonObject) -> MountSettings | None:
    try:
        found = read_config(live, mount)
    except VaultDenied as error:
        if error.code != errors.DENIED:
            raise
        return None
    except StatusError as error:
        if error.status != 404:
            raise
        return None
    keeps = found.get("max_versions")
    whole = keeps if isinstance(keeps, int) and keeps > 0 else KEPT_BY_DEFAULT
    return MountSettings(mount, whole, deletes_after(found), tuple(differences(found, wanted)))


def read_config(live: Live, mount: str) -> JsonObject:
    """The settings of a KV v2 mount. Raises ``VaultError``."""
    return KeyValues(live.adapter, mount).config().data


def differences(found: JsonObject, wanted: JsonObject) -> Iterator[str]:
    """What is not as wanted, in words."""
    for name, value in wanted.items():
        present = found.get(name)
        if name == "delete_version_after":
            present = deletes_after(found) or "0s"
        if present != value:
            yield f"{name} is {errors.printable(str(present), 40)}, not {value}"


def keep_versions(live: Live, project: str, buckets: int) -> bool:
    """Take back that the server will delete documents of the registry, and versions that are in
    use: they were written while delete_version_after was set. Whether there were any. Raises
    ``VaultError`` and ``RegistryError``."""
    settings, registry = live.settings, read_registry(live, project, buckets)
    documents = ["meta", *(f"runs/{name}" for name in live.list_documents("runs"))]
    ending: list[tuple[str, str, tuple[int, ...]]] = [
        (settings.registry_mount, name, (found.version,))
        for name, found in read_all_documents(live, documents)
        if found.ends is not None
    ]
    ending += [
        (settings.registry_mount, name, (registry.marks[name.removeprefix("buckets/")].version,))
        for name in registry.ending
    ]
    listed: dict[str, SecretInfo] = {}
    for kind in list_kinds():
        listed.update(live.list_secrets(kind.folder, deep=True)[0])
    for record in registry.records.values():
        for kind, item, series in record.all_series():
            info = listed.get(path := record.secret_path(kind, item), SecretInfo())
            if numbers := tuple(
                one.number for one in series.in_state(*USABLE) if one.number in info.ends
            ):
                ending.append((settings.secrets_mount, path, numbers))
    for mount, path, versions in ending:
        live.client.secrets.kv.v2.undelete_secret_versions(path, list(versions), mount_point=mount)
    return bool(ending)
