"""Webhook URLs and addresses: what a delivery may be sent to, as far as the text alone can tell.

Where a name leads is decided when it is resolved, by the sender.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_BRACKETED = re.compile(r"\[[^\[\]]*\](?::[0-9]*)?\Z")
# getaddrinfo reads 127.1, 2130706433 and 0x7f000001 as addresses; no name of a host ends like that.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")


@lru_cache(maxsize=1 << 16)  # a URL is judged, then resolved for each environment
def parse_url(text: str) -> str:
    """The URL as RFC 3986 (6.2) normalises it: what is one URL is one text.

    Scheme and host in lower case, the host in ASCII (punycode), no default port, no dot segments,
    and nothing percent-encoded that need not be. Raises ``ValueError`` with a sentence that repeats
    neither user name nor password.
    """
    found = _NOT_IN_URL.search(text)
    if found:
        raise ValueError(f"the URL holds {_character(found[0])}, which must be percent-encoded")
    parts = _split(text)
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("the URL is not absolute: it must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError(
            "the URL holds a user name or password: deliveries are authenticated by their signature"
        )
    if "#" in text:
        raise ValueError("the URL has a fragment (#…), which is never sent")
    if not parts.path.isascii() or not parts.query.isascii():
        raise ValueError("path and query of the URL must be percent-encoded ASCII")
    netloc = _host(parts) + _port(parts)
    query = f"?{_decode(parts.query)}" if parts.query else ""
    return f"{parts.scheme.lower()}://{netloc}{_without_dots(_decode(parts.path))}{query}"


def host_pattern(text: str) -> str:
    """``hooks.example.com``, an address, or ``*.example.com`` for every host below, as DNS knows
    it.

    Raises ``ValueError``.
    """
    name = text.removeprefix("*.")
    if text.startswith("."):
        raise ValueError(
            f"`{text}` begins with a dot: write *{text} for every host below, {text[1:]} for the"
            " host itself"
        )
    if "*" in name:
        raise ValueError(
            f"`{text}` has a * inside: write *.example.com for every host below example.com"
        )
    try:
        parts = None if set(name) & set("/@?#") else urlsplit(parse_url(f"https://{name}"))
    except ValueError as error:
        raise ValueError(str(error).replace("URL's host", "host").replace("URL", "host")) from None
    if parts is None or parts.port is not None:
        raise ValueError(f"`{text}` is not only a host: write it without scheme, port and path")
    host = parts.hostname or ""
    if name != text and (":" in host or _NUMERIC.match(host)):
        raise ValueError(f"`{text}`: there is nothing below an address")
    return host if name == text else f"*.{host}"


def _decode(text: str) -> str:
    """``/%68ook%2f`` as ``/hook%2F``: unreserved characters as they are, hex digits in capitals."""
    return _PERCENT.sub(_decode_unreserved, text)


def _decode_unreserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.match(character) else match[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4, for a path that is empty or begins with a slash."""
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            kept[1:] = kept[1:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def _character(text: str) -> str:
    return f"the character `{text}`" if text.isprintable() and text != " " else _name_of(text)


def _name_of(character: str) -> str:
    return "a space" if character == " " else "a control character"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("the URL cannot be read: mind its brackets and its host") from None
    if not parts.netloc and parts.scheme.lower() in ("http", "https"):
        raise ValueError("the URL names no host")
    return parts


def _port(parts: SplitResult) -> str:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port of the URL is not a number from 1 to 65535") from None
    if port is None:
        if parts.netloc.endswith(":"):
            raise ValueError("the URL has a colon but no port")
        return ""
    if port == 0:
        raise ValueError("the port of the URL is not a number from 1 to 65535")
    return "" if port == _DEFAULT_PORTS[parts.scheme.lower()] else f":{port}"


def _host(parts: SplitResult) -> str:
    host = parts.hostname
    if not host:
        raise ValueError("the URL names no host")
    if "[" in parts.netloc:
        if _BRACKETED.match(parts.netloc) is None:  # urlsplit drops what stands beside them
            raise ValueError("the URL's host has something beside its brackets")
        try:
            return f"[{IPv6Address(host).compressed}]" if "%" not in host else _refuse(host)
        except ValueError:
            raise ValueError("the URL's host is not an IPv6 address") from None
    host = _ascii(host)
    if _NUMERIC.match(host):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise ValueError(
                "the URL's host is a number but not an IPv4 address of four parts"
            ) from None
    if host.endswith("."):
        raise ValueError("the URL's host ends in a dot: drop it")
    if len(host) > 253 or not all(map(_LABEL.match, host.split("."))):
        raise ValueError("the URL's host is not a valid name")
    return host


def _refuse(host: str) -> str:
    raise ValueError(host)


def _ascii(host: str) -> str:
    """``host`` as DNS knows it. A name that IDNA would silently change (ß, full-width letters) is
    refused: two programs could read it as two hosts."""
    if host.isascii():
        return host
    try:
        encoded = host.encode("idna").decode("ascii")
        same = encoded.encode("ascii").decode("idna") == unicodedata.normalize("NFC", host)
    except UnicodeError:
        raise ValueError("the URL's host is not a valid international name") from None
    if not same:
        raise ValueError(
            f"the URL's host can be read as two names: write it as DNS knows it, perhaps {encoded}"
        )
    return encoded
