"""Which addresses a list of networks allows. As numbers, because lines do not tell whether a list
grew: a network may lie inside another one, and two halves are the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
    summarize_address_range,
)

from reconciler.domain.values.canonical import Json

# First and last address, ascending, without overlap.
Spans = Sequence[tuple[int, int]]
# The spans of IPv4 and IPv6, by version.
Allowed = Mapping[int, Spans]

_LIMITS = {4: 2**32 - 1, 6: 2**128 - 1}
NO_NETWORK: Allowed = {4: (), 6: ()}
EVERYWHERE: Allowed = {version: ((0, limit),) for version, limit in _LIMITS.items()}
# What is given out of IPv6 (RFC 4291): 2000::/3. Whoever allows that allows everybody.
_PUBLIC: Allowed = {4: ((0, _LIMITS[4]),), 6: ((0x2 << 124, (0x4 << 124) - 1),)}
_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses as IPv6 writes them (RFC 4291)
# IPv6 networks whose addresses say from which IPv4 address somebody comes, and how many bits stand
# behind that one.
_CARRIERS = (
    (_MAPPED, 0),
    (IPv6Network("::/96"), 0),  # IPv4-compatible (RFC 4291)
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of one's own (RFC 8215)
    (IPv6Network("2002::/16"), 80),  # 6to4 (RFC 3056)
)
# carries an IPv4 address too, all bits of it inverted (RFC 4380)
_TEREDO = IPv6Network("2001::/32")


def parse_allowed(texts: Json) -> Allowed:
    """The addresses of ``allowedCidrs``: without any, everywhere. What is no network (in a record
    that somebody edited) allows nothing.

    >>> list_networks(parse_allowed(["10.0.0.0/9", "10.128.0.0/9"]))
    ['10.0.0.0/8']
    >>> parse_allowed([]) == EVERYWHERE, list_networks(parse_allowed(["ten"]))
    (True, [])
    """
    if not texts:
        return EVERYWHERE
    found: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for text in texts if isinstance(texts, list | tuple) else ():
        if (parsed := _parse_span(str(text))) is not None:
            version, first, last = parsed
            found[version].append((first, last))
    return {version: _merge(spans) for version, spans in found.items()}


@lru_cache(maxsize=4096)
def _parse_span(text: str) -> tuple[int, int, int] | None:
    try:
        network = ip_network(text)
    except ValueError:
        return None
    first, last = int(network.network_address), int(network.broadcast_address)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        base = int(_MAPPED.network_address)
        return 4, first - base, last - base
    return network.version, first, last


def find_added(before: Allowed, after: Allowed) -> Allowed:
    """What ``after`` allows and ``before`` does not.

    >>> list_networks(find_added(parse_allowed(["10.0.0.0/25"]), parse_allowed(["10.0.0.0/24"])))
    ['10.0.0.128/25']
    """
    return {version: tuple(_minus(after[version], before[version])) for version in after}


def find_reached(spans: Allowed) -> Allowed:
    """``spans``, and as IPv4 also every address from which somebody comes by a network of IPv6 that
    carries it. How wide a limit is depends on that; for a comparison it would hide a change from
    one form to the other."""
    carried = _list_carried(tuple(spans[6]))
    return {**spans, 4: _merge([*spans[4], *carried])} if carried else spans


@lru_cache(maxsize=256)  # clients share a few
def _list_carried(spans: Spans) -> Spans:
    """The IPv4 addresses that these of IPv6 carry."""
    carried = [one for network, bits in _CARRIERS for one in _carry_over(spans, network, bits)]
    limit = _LIMITS[4]
    inverted = _carry_over(spans, _TEREDO, 0)
    return (*carried, *((limit - last, limit - first) for first, last in inverted))


def _carry_over(spans: Spans, network: IPv6Network, bits: int) -> Iterator[tuple[int, int]]:
    base, end, limit = int(network.network_address), int(network.broadcast_address), _LIMITS[4]
    for first, last in spans:
        if first > end or last < base:
            continue
        low, high = max(first, base) >> bits, min(last, end) >> bits
        if high - low >= limit:
            yield 0, limit
        elif low & limit <= high & limit:
            yield low & limit, high & limit
        else:
            yield from ((low & limit, limit), (0, high & limit))


def is_open(spans: Allowed, version: int) -> bool:
    """Whether at least half of all addresses of this IP version are let in: that is a limit in name
    only.

    >>> is_open(parse_allowed(["0.0.0.0/1"]), 4), is_open(parse_allowed(["10.0.0.0/8"]), 4)
    (True, False)
    """
    public = _PUBLIC[version]
    return _size(_minus(public, find_reached(spans)[version])) * 2 <= _size(public)


def is_wide(spans: Allowed, version: int, prefix: int) -> bool:
    """Whether somebody can come from more addresses of this IP version than one network with this
    prefix has."""
    return _size(find_reached(spans)[version]) > 1 << (_LIMITS[version].bit_length() - prefix)


def find_widest(spans: Allowed, version: int) -> IPv4Network | IPv6Network | None:
    """The widest network of this IP version from which somebody can come, whatever the lines are in
    which it is written."""
    found = _networks(find_reached(spans), version)
    return min(found, key=lambda network: network.prefixlen, default=None)


def count_addresses(spans: Allowed) -> int:
    """How many addresses.

    >>> count_addresses(parse_allowed(["10.0.0.0/24", "10.0.0.7/32", "2001:db8::/127"]))
    258
    """
    return sum(map(_size, spans.values()))


def list_networks(spans: Allowed) -> list[str]:
    """As few networks as these addresses are.

    >>> list_networks(parse_allowed(["10.0.1.0/24", "10.0.0.0/24", "::ffff:192.0.2.7/128"]))
    ['10.0.0.0/23', '192.0.2.7/32']
    """
    return [str(network) for version in sorted(spans) for network in _networks(spans, version)]


def _networks(spans: Allowed, version: int) -> Iterator[IPv4Network | IPv6Network]:
    address = IPv4Address if version == 4 else IPv6Address
    for first, last in spans[version]:
        yield from summarize_address_range(address(first), address(last))


def _size(spans: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in spans)


def _merge(spans: Iterable[tuple[int, int]]) -> Spans:
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
