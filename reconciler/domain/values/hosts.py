"""What the text of a URL says of its host.

Where a name leads is decided when it is resolved, by the sender.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from urllib.parse import SplitResult, urlsplit

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def host_of(url: str) -> str:
    """The host in lower case, without brackets and port; of what is no URL, all of it.

    >>> host_of("https://Hooks.example.com:8443/payouts"), host_of("https://[2001:db8::1]/")
    ('hooks.example.com', '2001:db8::1')
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return host or url


def is_private(parts: SplitResult) -> bool:
    """Whether nobody on the way reads what is sent there: https, or plain http to this machine by
    one of its names.

    >>> is_private(urlsplit("https://example.com")), is_private(urlsplit("http://example.com"))
    (True, False)
    >>> is_private(urlsplit("http://127.0.0.1:8200"))
    True
    """
    encrypted = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in _THIS_MACHINE
    )
    return encrypted and bool(parts.hostname)


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine by its very text.

    >>> is_loopback("http://127.0.0.2:9000/hook"), is_loopback("http://hooks.localhost")
    (True, True)
    >>> is_loopback("https://localhost.example.com")
    False
    """
    host = host_of(url)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return IPv4Address(host).is_loopback
    except ValueError:
        return host == "::1"
