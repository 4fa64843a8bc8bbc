"""Issues the keys of all clients with hvac, as one would without a reconciler: tuned, and nothing
more.

    VAULT_ADDR=... VAULT_TOKEN=... python hvac_clients.py PROJECT MOUNT

Sixteen threads with a session each. A key is written when it is missing, nearly expired, or says
other scopes than the declaration; what is right is left alone. There is no plan, no claim, no
history, no lease, no webhook, and a run that is killed may leave a key that nobody knows.
"""

import os
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hvac
import yaml

THREADS = 16
LIFETIME, RENEW_BEFORE = timedelta(days=90), timedelta(days=30)
local = threading.local()


def client() -> Any:
    """That of this thread: a session is not made for several."""
    if not hasattr(local, "client"):
        local.client = hvac.Client(os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"])
    return local.client


def load_clients(project: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted((project / "clients").rglob("*.yaml")):
        with path.open("rb") as file:
            found += list(yaml.load_all(file, yaml.CSafeLoader))
    return found


def enable(mount: str) -> None:
    if f"{mount}/" not in client().sys.list_mounted_secrets_engines()["data"]:
        client().sys.enable_secrets_engine("kv", mount, options={"version": "2"})
        client().secrets.kv.v2.read_configuration(mount)  # it answers once the mount is ready


def issue(mount: str, declared: dict[str, Any], key: dict[str, Any]) -> str:
    """``created``, ``updated`` or ``unchanged``."""
    path = f"{declared['metadata']['name']}/{key['name']}"
    scopes, now = declared["spec"]["scopes"], datetime.now(UTC)
    store = client().secrets.kv.v2
    try:
        found = store.read_secret_version(path, mount_point=mount, raise_on_deleted_version=True)
        held, version = found["data"]["data"], found["data"]["metadata"]["version"]
    except hvac.exceptions.InvalidPath:
        held, version = None, 0
    if held is not None:
        left = datetime.fromisoformat(held["expires"]) - now
        if held["scopes"] == scopes and left > RENEW_BEFORE:
            return "unchanged"
    secret = {
        "value": secrets.token_urlsafe(32),
        "scopes": scopes,
        "expires": (now + LIFETIME).isoformat(),
    }
    store.create_or_update_secret(path, secret, cas=version, mount_point=mount)
    return "created" if held is None else "updated"


def main(project: str, mount: str) -> None:
    enable(mount)
    wanted = [(one, key) for one in load_clients(Path(project)) for key in one["spec"]["keys"]]
    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(lambda pair: issue(mount, *pair), wanted))
    for word in ("created", "updated", "unchanged"):
        print(word, done.count(word))


if __name__ == "__main__":
    main(*sys.argv[1:])
