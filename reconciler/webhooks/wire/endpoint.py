"""A declared URL, taken apart strictly: what is not plainly an http(s) URL is refused with a
sentence."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import beginning

URL_LIMIT = 2048
_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_BRACKETED = re.compile(r"\[[^\[\]]*\](?::[0-9]*)?\Z")
# IDNA 2003 turns these into something else than IDNA 2008 does: two readings of one URL are one too
# many.
_DEVIATIONS = frozenset("\u00df\u03c2")
_OTHER_FULL_STOPS = str.maketrans({"\u3002": ".", "\uff61": "."})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``host`` is an ASCII name or an address without brackets; ``target`` is path and query,
    percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def name(self) -> str:
        """The host as a certificate and a limit know it: without the dot that ends an absolute
        name."""
        return self.host.removesuffix(".")

    @property
    def shown(self) -> str:
        """``host:port`` as a person reads it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@lru_cache(maxsize=256)  # of one webhook it is asked before, and at, each delivery
def parse_endpoint(url: str) -> Endpoint:
    """Raises ``ValueError`` with a sentence that repeats nothing of the URL but its scheme or
    port."""
    if len(url) > URL_LIMIT:
        raise ValueError(f"the URL is longer than {URL_LIMIT} characters")
    # Before urlsplit, which drops tabs and line ends silently.
    if "\\" in url or " " in url or not ((url.isascii() and url.isprintable()) or _is_visible(url)):
        raise ValueError("the URL has a space, a backslash or an invisible character in it")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise ValueError("the URL is malformed: its host or port cannot be read") from None
    if parts.scheme not in _PORTS:
        raise ValueError("the URL does not begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("the URL has a user name or password in it")
    if "#" in url:
        raise ValueError("the URL has a fragment (#) in it, which is never sent")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the URL has no port after its colon, or port 0")
    # urlsplit drops what stands beside them
    if "[" in parts.netloc and _BRACKETED.match(parts.netloc) is None:
        raise ValueError("the URL's host has something beside its brackets")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    name = _numeric_host(host) if "[" in parts.netloc else _normalise_host(host)
    return Endpoint(parts.scheme, name, port or _PORTS[parts.scheme], target)


def _is_visible(text: str) -> bool:
    return not any(
        character.isspace() or unicodedata.category(character)[0] == "C" for character in text
    )


def _numeric_host(host: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host if "%" not in host else ""))
    except ValueError:
        raise ValueError(
            "the URL's host in brackets is not an IPv6 address without a zone"
        ) from None


def _normalise_host(host: str) -> str:
    name = unicodedata.normalize("NFKC", host).translate(_OTHER_FULL_STOPS).lower()
    if not name.isascii():
        if _DEVIATIONS & set(host):
            raise ValueError(
                "the URL's host has a character that is read in two ways: write the name as xn--..."
            )
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError(
                "the URL's host is not a valid international name: write the name as xn--..."
            ) from None
    labels = name.removesuffix(".").split(".")
    if not name or len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise ValueError("the URL has no host, or one that is no host name")
    return name


def show_url(url: str) -> str:
    """``url`` as it may be recorded: no user name or password, no control characters, of bounded
    length."""
    shown = beginning(url, URL_LIMIT)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(
        "?" if unicodedata.category(character)[0] == "C" else character for character in shown
    )
