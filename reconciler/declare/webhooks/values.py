"""Values that a schema cannot judge.

Each function takes the text as written and says ``ValueError`` in words.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from reconciler.declare.webhooks.urls import parse_url
from reconciler.domain.values import duration as _duration
from reconciler.domain.values import window as _window

# Ten thousand clients share a few dozen durations and windows.
read_duration = lru_cache(maxsize=1024)(_duration.parse_duration)
read_window = lru_cache(maxsize=1024)(_window.parse_window)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def positive_duration(text: str) -> timedelta:
    """A duration longer than nothing."""
    value = read_duration(text)
    if not value:
        raise ValueError(f"{text!r} is no time at all: write at least 1s")
    return value


def short_duration(text: str) -> timedelta:
    """A deadline: longer than nothing, at most an hour."""
    value = positive_duration(text)
    if value > timedelta(hours=1):
        raise ValueError(f"{text!r} is too long for a deadline: write at most 1h")
    return value


@lru_cache(maxsize=4096)
def network(text: str) -> IPv4Network | IPv6Network:
    """A network whose host bits are zero; else the sentence names the network that was probably
    meant."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"`{text}` is not a network: write for example 203.0.113.0/24") from None
    raise ValueError(f"`{text}` has host bits set: did you mean `{meant}`?")


def calendar_day(text: str) -> str:
    """A date that exists, as written."""
    if _DATE.match(text) is None:
        raise ValueError(f"`{text}` is not a date: write for example 2027-01-31")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{text}` does not exist in the calendar") from None
    return text


def vault_address(text: str) -> str:
    """Scheme, host and port of a server, without a final slash."""
    try:
        url = parse_url(text)
    except ValueError as error:
        raise ValueError(
            str(error)
            .replace("URL", "address")
            .replace("deliveries are authenticated by their signature", "log in with vault.auth")
        ) from None
    if urlsplit(url).path not in ("", "/") or urlsplit(url).query:
        raise ValueError("the address has a path: write scheme, host and port only")
    return url.rstrip("/")
