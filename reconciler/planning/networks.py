"""Which addresses a list of networks allows. As numbers, because lines do not tell whether a list grew: a network may
lie inside another one, and two halves are the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network, summarize_address_range

from reconciler.domain.canonical import Json

# First and last address, ascending, without overlap.
Spans = Sequence[tuple[int, int]]
# The spans of IPv4 and IPv6, by version.
Allowed = Mapping[int, Spans]

_LIMITS = {4: 2**32 - 1, 6: 2**128 - 1}
NOWHERE: Allowed = {4: (), 6: ()}
EVERYWHERE: Allowed = {version: ((0, limit),) for version, limit in _LIMITS.items()}
# What is given out of IPv6 (RFC 4291): 2000::/3. Whoever allows that allows everybody.
_PUBLIC: Allowed = {4: ((0, _LIMITS[4]),), 6: ((0x2 << 124, (0x4 << 124) - 1),)}
_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses as IPv6 writes them (RFC 4291)


def allowed(texts: Json) -> Allowed:
    """The addresses of ``allowedCidrs``: without any, everywhere. What is no network (in a record that somebody
    edited) allows nothing."""
    if not texts:
        return EVERYWHERE
    found: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for text in texts if isinstance(texts, list | tuple) else ():
        if (parsed := _parsed(str(text))) is not None:
            version, first, last = parsed
            found[version].append((first, last))
    return {version: _merged(spans) for version, spans in found.items()}


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[int, int, int] | None:
    try:
        network = ip_network(text)
    except ValueError:
        return None
    first, last = int(network.network_address), int(network.broadcast_address)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        base = int(_MAPPED.network_address)
        return 4, first - base, last - base
    return network.version, first, last


def added(before: Allowed, after: Allowed) -> Allowed:
    """What ``after`` allows and ``before`` does not."""
    return {version: tuple(_minus(after[version], before[version])) for version in after}


def is_open(spans: Allowed, version: int) -> bool:
    """Whether at least half of all addresses of this IP version are allowed: that is a limit in name only."""
    public = _PUBLIC[version]
    return _size(_minus(public, spans[version])) * 2 <= _size(public)


def size(spans: Allowed) -> int:
    """How many addresses."""
    return sum(map(_size, spans.values()))


def networks(spans: Allowed) -> list[str]:
    """As few networks as these addresses are."""
    found: list[IPv4Network | IPv6Network] = []
    for first, last in spans[4]:
        found += summarize_address_range(IPv4Address(first), IPv4Address(last))
    for first, last in spans[6]:
        found += summarize_address_range(IPv6Address(first), IPv6Address(last))
    return [str(network) for network in found]


def _size(spans: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in spans)


def _merged(spans: Iterable[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _minus(spans: Spans, less: Spans) -> Iterator[tuple[int, int]]:
    for first, last in spans:
        start = first
        for gone_first, gone_last in less:
            if gone_last < start or gone_first > last:
                continue
            if gone_first > start:
                yield start, gone_first - 1
            start = gone_last + 1
        if start <= last:
            yield start, last
