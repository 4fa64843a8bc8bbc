"""Which network addresses a delivery may reach: our own table.

``ipaddress.is_global`` calls multicast, 6to4, NAT64 and a cloud's metadata address public, so it
does not decide. Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6890; the
clouds' documentation for metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from reconciler.dataclass import dataclass

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address


def _table(rows: Iterable[tuple[str, str]]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(network), reason) for network, reason in rows)


# Never reached, whatever allowedNetworks says: no receiver lives there, or an IPv4 address hides in
# them.
_METADATA = "a cloud metadata service"
_NEVER = _table((
    ("169.254.169.254/32", _METADATA),  # most clouds
    ("169.254.169.123/32", _METADATA),  # AWS: time
    ("169.254.169.253/32", _METADATA),  # AWS: names
    ("169.254.170.2/32", _METADATA),  # AWS: credentials of containers
    ("169.254.170.23/32", _METADATA),  # AWS: credentials of pods
    ("169.254.42.42/32", _METADATA),  # Scaleway
    ("169.254.0.23/32", _METADATA),  # Tencent
    ("168.63.129.16/32", _METADATA),  # Azure
    ("100.100.100.200/32", _METADATA),  # Alibaba
    ("192.0.0.192/32", _METADATA),  # Oracle
    ("fd00:ec2::/32", _METADATA),  # AWS, all of the above
    ("fd00:c1::a9fe:a9fe/128", _METADATA),  # Oracle
    ("fd00:42::42/128", _METADATA),  # Scaleway
    ("fd20:ce::254/128", _METADATA),  # Google
    ("fe80::a9fe:a9fe/128", _METADATA),  # OpenStack
    ("0.0.0.0/8", "no address of a host"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "no address of a host"),
    ("ff00::/8", "multicast"),
    ("100::/64", "a black hole"),
    ("64:ff9b::/96", "an IPv4 address behind NAT64"),
    ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),
    ("2001::/32", "an IPv4 address in a Teredo tunnel"),
    ("2002::/16", "an IPv4 address in a 6to4 tunnel"),
    ("::ffff:0:0:0/96", "a translated IPv4 address"),
))  # fmt: skip

# Reached only where allowedNetworks says so.
_DENIED = _table((
    ("10.0.0.0/8", "a private network"),
    ("100.64.0.0/10", "a carrier's shared network"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "a private network"),
    ("192.0.0.0/24", "reserved for protocols"),
    ("192.0.2.0/24", "reserved for documentation"),
    ("192.31.196.0/24", "reserved for AS112"),
    ("192.52.193.0/24", "reserved for AMT"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "a private network"),
    ("192.175.48.0/24", "reserved for AS112"),
    ("198.18.0.0/15", "reserved for benchmarks"),
    ("198.51.100.0/24", "reserved for documentation"),
    ("203.0.113.0/24", "reserved for documentation"),
    ("::1/128", "loopback"),
    ("fc00::/7", "a private network"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "a private network"),
    ("2001::/23", "reserved for protocols"),
    ("2001:db8::/32", "reserved for documentation"),
    ("2620:4f:8000::/48", "reserved for AS112"),
    ("3fff::/20", "reserved for documentation"),
))  # fmt: skip

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# An IPv4 address hides in these, too: IPv4-compatible ones (RFC 4291 2.5.5.1, where loopback is no
# such address), and ISATAP's, under any prefix (RFC 5214 6.1: the identifier is 0000:5efe or
# 0200:5efe and an IPv4 address).
_IPV4_COMPATIBLE = IPv6Network("::/96")
_LOOPBACK = IPv6Address("::1")
_ISATAP_MASK, _ISATAP = 0xFDFFFFFF, 0x00005EFE


@dataclass(frozen=True, slots=True)
class AddressJudgement:
    """``allowed``: may be reached. ``listed``: inside allowedNetworks, where plain http is
    tolerated.

    ``reason`` says what sort of address was refused; ``address`` is its plain spelling (IPv4-mapped
    is unwrapped).
    """

    allowed: bool
    listed: bool
    reason: str
    address: str


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """CIDR strings such as ``127.0.0.0/8``; host bits may be set.

    Raises ``ValueError`` naming the wrong one.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            raise ValueError(f"{text!r} is not a network: write for example 10.20.0.0/16") from None
    return tuple(networks)


@lru_cache(maxsize=1024)  # many webhooks have one host
def judge_address(text: str, allowed: tuple[Network, ...]) -> AddressJudgement:
    """Judge a numeric address as the resolver gave it.

    What is no address is refused, never guessed at.
    """
    try:
        address = _unwrap(ip_address(text))
    except ValueError:
        return AddressJudgement(False, False, "not an address", "?")
    spelt = str(address)
    for network, reason in _NEVER:
        if address in network:
            return AddressJudgement(False, False, reason, spelt)
    if _hides_ipv4(address):
        return AddressJudgement(False, False, "an IPv4 address inside an IPv6 one", spelt)
    if any(address in network for network in allowed):
        return AddressJudgement(True, True, "", spelt)
    for network, reason in _DENIED:
        if address in network:
            return AddressJudgement(False, False, reason, spelt)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return AddressJudgement(False, False, "not a public address", spelt)
    return AddressJudgement(True, False, "", spelt)


def _hides_ipv4(address: _Address) -> bool:
    if not isinstance(address, IPv6Address) or address == _LOOPBACK:
        return False
    return address in _IPV4_COMPATIBLE or (int(address) >> 32) & _ISATAP_MASK == _ISATAP


def _unwrap(address: _Address) -> _Address:
    """``::ffff:10.0.0.1`` reaches 10.0.0.1.

    A zone (``fe80::1%eth0``) names an interface: refused.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError("an address with a zone")
        return address.ipv4_mapped or address
    return address
