"""What the text of a URL says of its host. Where a name leads is decided when it is resolved, by the sender."""

from __future__ import annotations

from ipaddress import IPv4Address
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """The host in lower case, without brackets and port; of what is no URL, all of it."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return host or url


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine by its very text."""
    host = host_of(url)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return IPv4Address(host).is_loopback
    except ValueError:
        return host == "::1"
