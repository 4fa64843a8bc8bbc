"""Addresses that no delivery may reach, addresses that it may, and other ways to write them."""

from __future__ import annotations

# (address, whether it is refused even where allowedNetworks names everything). One row each for
# every block of the IANA special-purpose registries, its first or last address where a neighbour is
# public, and every metadata service.
HOSTILE: tuple[tuple[str, bool], ...] = (
    ("0.0.0.0", True),
    ("0.0.0.1", True),
    ("0.255.255.255", True),
    ("10.0.0.1", False),
    ("10.255.255.255", False),
    ("100.64.0.1", False),
    ("100.127.255.255", False),
    ("100.100.100.200", True),
    ("127.0.0.1", False),
    ("127.255.255.254", False),
    ("168.63.129.16", True),
    ("169.254.0.1", False),
    ("169.254.0.23", True),
    ("169.254.42.42", True),
    ("169.254.169.123", True),
    ("169.254.169.253", True),
    ("169.254.169.254", True),
    ("169.254.170.2", True),
    ("169.254.170.23", True),
    ("172.16.0.1", False),
    ("172.31.255.255", False),
    ("192.0.0.8", False),
    ("192.0.0.9", False),
    ("192.0.0.170", False),
    ("192.0.0.192", True),
    ("192.0.2.1", False),
    ("192.31.196.1", False),
    ("192.52.193.1", False),
    ("192.88.99.1", False),
    ("192.168.0.1", False),
    ("192.168.255.255", False),
    ("192.175.48.1", False),
    ("198.18.0.1", False),
    ("198.19.255.255", False),
    ("198.51.100.1", False),
    ("203.0.113.1", False),
    ("224.0.0.1", True),
    ("239.255.255.255", True),
    ("240.0.0.1", True),
    ("255.255.255.255", True),
    ("::", True),
    ("::1", False),
    ("::7f00:1", True),
    ("::a9fe:a9fe", True),
    ("::8.8.8.8", True),
    ("::ffff:127.0.0.1", False),
    ("::ffff:7f00:1", False),
    ("::ffff:10.0.0.1", False),
    ("::ffff:169.254.169.254", True),
    ("::ffff:a9fe:a9fe", True),
    ("::ffff:0:127.0.0.1", True),
    ("64:ff9b::a9fe:a9fe", True),
    ("64:ff9b::8.8.8.8", True),
    ("64:ff9b:1::1", True),
    ("100::1", True),
    ("100:0:0:1::1", False),
    ("2001::1", True),
    ("2001:0:7f00:1::", True),
    ("2001:1::1", False),
    ("2001:2::1", False),
    ("2001:3::1", False),
    ("2001:4:112::1", False),
    ("2001:10::1", False),
    ("2001:20::1", False),
    ("2001:30::1", False),
    ("2001:1ff::1", False),
    ("2001:db8::1", False),
    ("2002:7f00:1::", True),
    ("2002:a9fe:a9fe::", True),
    ("2002:808:808::1", True),
    ("2600:1f00::5efe:7f00:1", True),
    ("2600:1f00::200:5efe:a9fe:a9fe", True),
    ("fe80::5efe:a00:1", True),
    ("2620:4f:8000::1", False),
    ("3fff::1", False),
    ("4000::1", False),
    ("5f00::1", False),
    ("fc00::1", False),
    ("fd00:42::42", True),
    ("fd00:c1::a9fe:a9fe", True),
    ("fd00:ec2::23", True),
    ("fd00:ec2::253", True),
    ("fd00:ec2::254", True),
    ("fd12:3456::1", False),
    ("fd20:ce::254", True),
    ("fe80::1", False),
    ("fe80::a9fe:a9fe", True),
    ("fe80::1%eth0", True),
    ("fec0::1", False),
    ("ff02::1", True),
    ("ff0e::1", True),
)

# What is no address: a resolver that answers so is not believed.
NO_ADDRESS = (
    "127.1",
    "0x7f000001",
    "2130706433",
    "localhost",
    "",
    "127.0.0.1/8",
    "::1/128",
    "127.0.0.1 ",
    "[::1]",
)

# Hosts as a URL may spell them. They are left to this machine's own resolver, so what it makes of
# them is judged.
_SPELLINGS = (
    "127.0.0.1 127.1 127.0.1 0x7f000001 0x7f.0.0.1 0X7F000001 2130706433 017700000001 0177.0.0.1 0 0x0 00 ①②⑦.⓪.⓪.① "
    "127。0。0。1 １２７.0.0.1 localhost LOCALHOST 3232235521 0xc0a80001 192.168.1 10.1 2852039166 0xa9fea9fe "
    "169.254.43518 [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:127.0.0.1] "
    "[::7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1] [fec0::1] [ff02::1] [fd00:ec2::254]"
)
SPELLINGS = _SPELLINGS.split(" ")

_PUBLIC = (
    "1.0.0.1 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 "
    "168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.1 192.0.3.0 "
    "192.88.98.1 192.88.100.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.112.1 "
    "203.0.114.0 223.255.255.255 2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1 "
    "2600:1f00::5eff:7f00:1 2606:4700::1111 2a00::1 3ffe::1 ::ffff:8.8.8.8"
)
PUBLIC = _PUBLIC.split(" ")
