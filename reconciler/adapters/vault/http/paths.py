"""Paths: what may stand in one, and which role's policy allows it.

A path with ``..`` or a percent sign leaves its mount (measured with hvac), so every part is
checked before a request is built.
"""

from __future__ import annotations

import re
from dataclasses import replace

from reconciler.adapters.vault.http import errors
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.kinds.credentials import Reader, list_kinds, list_kinds_read_by
from reconciler.domain.values.names import is_name
from reconciler.errors import VaultError

SIGNING_KEY = "ledger"
_TOP = ("meta", "lease", "applied", "ledger")
_TRANSIT_KEY = re.compile(r"webhook((?:\.[a-z0-9][a-z0-9-]{0,62}){2})\.[1-9][0-9]{0,8}\Z")
_ENTRY = r"log/([0-9a-f]{8}-)?[0-9]{8,12}"
_LOG_FOLDER = re.compile(rf"{_ENTRY}\Z")
_LOG_DOCUMENT = re.compile(rf"{_ENTRY}/(claim|part-[0-9a-f]{{40}})\Z")
_MOUNT_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")


def document_name(name: str) -> str:
    """``meta``, ``lease``, ``applied``, ``ledger``, ``buckets/3f``, ``runs/<id>``,
    ``log/00000012/claim``.

    Raises ``VaultError`` RC415 for anything else.
    """
    folder, slash, last = name.rpartition("/")
    if is_name(last) and (folder in ("buckets", "runs") if slash else last in _TOP):
        return name
    if _LOG_DOCUMENT.match(name):
        return name
    raise _refusal(name, "a document of the registry")


def document_folder(folder: str) -> str:
    if folder in ("buckets", "runs") or _LOG_FOLDER.match(folder):
        return folder
    raise _refusal(folder, "a folder of the registry")


def secret_path(path: str) -> str:
    """``keys/<client>.<key>``, ``webhooks/<client>.<webhook>``: in the folder of a kind.

    Raises ``VaultError`` RC415 for anything else.
    """
    if is_secret_path(path):
        return path
    raise _refusal(path, "the path of a secret")


def is_secret_path(path: str) -> bool:
    folder, _, name = path.partition("/")
    parts = name.split(".")
    return _is_folder(folder) and len(parts) == 2 and all(is_name(part) for part in parts)


def check_transit_key(name: str) -> str:
    """``webhook.<client>.<webhook>.<number>``: never the ledger's key.

    Raises ``VaultError`` RC415 otherwise.
    """
    if _TRANSIT_KEY.match(name):
        return name
    raise _refusal(name, "the name of a transit key")


def secret_folder(folder: str) -> str:
    if _is_folder(folder):
        return folder
    raise _refusal(folder, "a folder of the secrets mount")


def may_deliverer_read(path: str) -> bool:
    """Whether ``path`` is that of a secret which deliveries need."""
    return path.partition("/")[0] in {kind.folder for kind in list_kinds_read_by(Reader.DELIVERER)}


def _is_folder(folder: str) -> bool:
    return any(kind.folder == folder for kind in list_kinds())


def mount_name(name: str) -> str:
    """A mount such as ``integrations/staging/registry``, without slashes at its ends.

    Raises RC416.
    """
    parts = name.strip("/").split("/")
    if all(_MOUNT_PART.match(part) and ".." not in part for part in parts):
        return "/".join(parts)
    raise VaultError(
        errors.SETTINGS_UNUSABLE,
        f"{errors.printable(name, 80)!r} is not the name of a mount",
        "use letters, digits, '-', '_' and '.', in parts separated by '/'",
    )


def check_mounts(settings: VaultSettings) -> VaultSettings:
    """``settings`` with the names of three different mounts, checked and in one spelling.

    Raises RC416.
    """
    names = [
        mount_name(name)
        for name in (settings.registry_mount, settings.secrets_mount, settings.transit_mount)
    ]
    if len(set(names)) < 3:
        raise VaultError(
            errors.SETTINGS_UNUSABLE,
            f"vault.mounts names one mount twice: {', '.join(names)}",
            "registry, secrets and transit each need a mount of their own",
        )
    return replace(
        settings, registry_mount=names[0], secrets_mount=names[1], transit_mount=names[2]
    )


def mount_of(settings: VaultSettings, path: str) -> str:
    """The mount of ours that a path lies in; of any other path the path itself."""
    mounts = (settings.registry_mount, settings.secrets_mount, settings.transit_mount)
    return next((mount for mount in mounts if path.startswith(mount + "/")), path)


def role_for(settings: VaultSettings, method: str, path: str) -> str:
    """Which of the four roles allows a request, for error messages. ``path`` has no ``/v1/``."""
    reads = method in ("GET", "LIST", "HEAD")
    administrative = path.endswith(("/data/meta", "/config"))
    if path.startswith(settings.secrets_mount + "/data/") and reads:
        folder = path.removeprefix(settings.secrets_mount + "/data/").partition("/")[0]
        readers = {kind.folder: kind.reader.value for kind in list_kinds()}
        return readers.get(folder, Reader.CONSUMER.value)
    if path.startswith((settings.registry_mount + "/", settings.secrets_mount + "/")):
        return "planner" if reads else "administrator" if administrative else "applier"
    if path == f"{settings.transit_mount}/sign/{SIGNING_KEY}":
        return "applier"
    if path.startswith(f"{settings.transit_mount}/sign/"):
        return "deliverer"
    if path.startswith(f"{settings.transit_mount}/keys/webhook."):
        return "applier"
    planner_reads = ("sys/policies/acl/integrations-", settings.transit_mount + "/keys/")
    everyone = re.fullmatch(r"auth/token/[a-z]+-self|sys/(capabilities-self|health)", path)
    return "planner" if everyone or (reads and path.startswith(planner_reads)) else "administrator"


def _refusal(name: str, what: str) -> VaultError:
    return VaultError(
        errors.NAME_REFUSED,
        f"{errors.printable(name, 120)!r} is not {what}: no request was made",
        "names are lower-case letters, digits and '-', at most 63 characters; this is a fault of"
        " the calling program or of a record that was edited by hand",
    )
