"""The proxy on the way to Vault, as the environment names it: ``VAULT_PROXY_ADDR``,
``HTTPS_PROXY``, ``NO_PROXY``.

The same words as in HashiCorp's client and in Go, which also never asks a proxy for this machine.
TLS goes through a tunnel (CONNECT), so the proxy sees host and port and nothing else. Plain http
would show it the token: refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from reconciler.adapters.vault.http.errors import SETTINGS_UNUSABLE
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.hosts import is_loopback
from reconciler.errors import VaultError

OWN = ("BAO_PROXY_ADDR", "VAULT_PROXY_ADDR")  # these count whatever NO_PROXY says
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """``variable`` named it. ``url`` has no credentials; ``credentials`` are ``user:password``."""

    variable: str
    url: str
    credentials: Secret | None = None


def proxy_for(address: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for requests to ``address``; None: they go there directly.

    Raises ``VaultError`` RC416 for one that cannot be used. What it names is never repeated: it may
    hold a password.
    """
    found = _find_variable(address, environ)
    if found is None or is_loopback(address):
        return None
    variable, text = found
    if address.startswith("http:"):
        raise _unusable(
            variable, "the address of Vault is plain http, so the proxy would read the token"
        )
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise _unusable(variable, "it is not a URL") from None
    if parts.scheme not in _PORTS:
        raise _unusable(variable, "only http:// and https:// proxies are supported")
    if not host or not text.isascii() or not text.isprintable():
        raise _unusable(variable, "it is not a URL")
    shown = f"[{host}]" if ":" in host else host
    given = (
        f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        if parts.username
        else None
    )
    return Proxy(
        variable, f"{parts.scheme}://{shown}:{port}", None if given is None else Secret(given)
    )


def _find_variable(address: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that counts for ``address``, and what it says."""
    for name in OWN:
        if environ.get(name):
            return name, environ[name]
    scheme = urlsplit(address).scheme
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
        if environ.get(name):
            excepted = _is_excepted(
                address, environ.get("no_proxy") or environ.get("NO_PROXY") or ""
            )
            return None if excepted else (name, environ[name])
    return None


def _is_excepted(address: str, exceptions: str) -> bool:
    """Whether an entry of ``NO_PROXY`` names the host: itself or a domain above it, an address, or
    a network."""
    parts = urlsplit(address)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]
    return any(_covers(entry.strip().lower(), host, port) for entry in exceptions.split(","))


def _covers(entry: str, host: str, port: int) -> bool:
    if entry in ("", "*"):
        return entry == "*"
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.endswith("]")):
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        domain = entry.removeprefix("*")
        return host == domain or host.endswith(domain if domain.startswith(".") else f".{domain}")


def _unusable(variable: str, why: str) -> VaultError:
    return VaultError(
        SETTINGS_UNUSABLE,
        f"the proxy that {variable} names cannot be used for Vault: {why}",
        f"correct or unset {variable}; NO_PROXY names hosts that are asked directly",
    )
