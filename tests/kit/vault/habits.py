"""A proxy with the habits of HashiCorp Vault before a real OpenBao: where the two differ, it is
Vault.

Each habit is in Vault's source or documentation: see the methods. Every request that passes is
judged by ``vault_api``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.openbao.server import RunningServer
from tests.kit.vault.api import complaints
from tests.kit.vault.proxy import Asked, Told, proxying

DATE = "Mon, 23 Nov 2026 22:44:58 GMT"
STRING_LIMIT = 1 << 20  # of one string in a body, in late releases
WRITING = ("POST", "PUT", "PATCH", "DELETE")
VERSION = "1.19.5"
# What KV v2 says to a path that it does not know: with 404, as a warning.
UNKNOWN_PATH = (
    "Invalid path for a versioned K/V secrets engine."
    " See the API docs for the appropriate API endpoints to use."
)


def refusal(status: int, text: str) -> Told:
    return Told(
        status,
        (("Content-Type", "application/json"), ("Date", DATE)),
        json.dumps({"errors": [text]}).encode(),
    )


def index(cluster: str, local: int, replicated: int, key: bytes = b"secret") -> str:
    """``X-Vault-Index`` as Vault makes it: no number."""
    state = f"v1:{cluster}:{local}:{replicated}"
    mac = hmac.new(key, state.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(f"{state}:{mac}".encode()).decode()


def local_of(header: str) -> int:
    """Raises ``AssertionError`` for an index that ``index`` did not make."""
    _, cluster, local, replicated, _ = base64.b64decode(header).decode().split(":")
    assert header == index(cluster, int(local), int(replicated)), f"nobody made the index {header}"
    return int(local)


@dataclass
class VaultHabits:
    """The community edition, with its defaults. Fields may be changed at any time.

    ``forwards``: the listener's ``allow_forwarding_via_header``. ``overloaded``: the writes that
    are refused for now. ``lost``: paths whose metadata was half deleted. ``behind``: every so many
    reads, the node that answers has not seen the last write; 0: never.
    """

    forwards: bool = False
    overloaded: Callable[[str, str], bool] = lambda _method, _path: False
    lost: frozenset[str] = frozenset()
    behind: int = 40
    asked: list[Asked] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    written: int = 1
    reads: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def instead(self, asked: Asked) -> Told | None:
        path = urlsplit(asked.path).path.removeprefix("/v1/")
        if not self.forwards and asked.headers.get("x-vault-inconsistent") == "forward-active-node":
            text = "forwarding via header X-Vault-Inconsistent=forward-active-node disallowed in configuration"
            return refusal(400, text)
        if "x-vault-index" in asked.headers and self._is_behind(asked):
            return refusal(412, "required index state not present")
        if asked.method in WRITING and self.overloaded(asked.method, path):
            return refusal(
                503, "1 error occurred:\n\t* the server is overloaded, please try again later\n\n"
            )
        if "/detailed-metadata" in path:
            body = {
                "request_id": "0",
                "lease_id": "",
                "data": None,
                "warnings": [UNKNOWN_PATH],
                "auth": None,
            }
            return replace(refusal(404, ""), body=json.dumps(body).encode())
        if asked.method == "GET" and any(
            path.endswith(f"/{kind}/{one}") for one in self.lost for kind in READING
        ):
            return refusal(500, "1 error occurred:\n\t* could not find version data\n\n")
        content = json.loads(asked.body) if asked.body else {}
        if "/sign/" in path and content.get("prehashed"):
            return refusal(400, "prehashed is not supported for ed25519 keys")
        if any(len(text) > STRING_LIMIT for text in _strings(content)):
            return refusal(400, "JSON payload exceeds the allowed string length")
        return None

    def _meant(self, asked: Asked, told: Told) -> int | None:
        """The status as one of the request itself; None: its headers were refused."""
        refused = (
            told.status == 400 and "x-vault-inconsistent" in asked.headers and not self.forwards
        )
        return None if refused else told.status

    def _is_behind(self, asked: Asked) -> bool:
        """A performance standby; one that is asked again has caught up."""
        if asked.method != "GET" or not self.behind:
            return False
        with self.lock:
            self.reads += 1
            return (
                self.reads % self.behind == 0
                and local_of(asked.headers["x-vault-index"]) == self.written
            )

    def forwarded(self, asked: Asked) -> Mapping[str, str]:
        """Without the namespace, which is ignored, and without what OpenBao would understand
        otherwise."""
        gone = ("x-vault-namespace", "x-vault-index", "x-vault-inconsistent")
        return {name: value for name, value in asked.headers.items() if name not in gone}

    def told(self, asked: Asked, told: Told) -> Told:
        with self.lock:
            self.asked.append(asked)
            self.complaints += complaints(
                asked.method, asked.path, asked.headers, asked.body, self._meant(asked, told)
            )
            if asked.method in WRITING and told.status < 300:
                self.written += 1
            state = index("8b2c", self.written, 7)
        headers = tuple(
            (name, value) for name, value in told.headers if name.lower() != "x-vault-index"
        )
        headers += (("X-Vault-Index", state),)
        if "x-vault-namespace" in asked.headers:
            headers += (("X-Vault-Namespace", asked.headers["x-vault-namespace"]),)
        return Told(told.status, headers, _without_openbaos(asked, told))


READING = ("data", "subkeys")


def _without_openbaos(asked: Asked, told: Told) -> bytes:
    """The body without what Vault does not tell."""
    path = urlsplit(asked.path).path.removeprefix("/v1/")
    health = path == "sys/health"
    if told.status != 200 or not (health or "/metadata" in path or path.endswith("/config")):
        return told.body
    body = json.loads(told.body)
    if health:
        body |= {"version": VERSION, "enterprise": False, "echo_duration_ms": 0, "clock_skew_ms": 0}
    elif isinstance(body.get("data"), dict):
        for name in ("current_metadata_version", "metadata_cas_required"):
            body["data"].pop(name, None)
    return json.dumps(body).encode()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


@contextmanager
def vault_like(server: RunningServer) -> Iterator[tuple[RunningServer, VaultHabits]]:
    """The server as it looks behind the proxy, and the proxy's habits.

    Fails for a request that Vault does not know.
    """
    habits = VaultHabits()
    with proxying(server.address, habits=habits) as proxy:
        yield replace(server, address=proxy.address), habits
    assert not habits.complaints, "\n".join(sorted(set(habits.complaints)))
