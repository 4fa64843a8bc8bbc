"""Which addresses are reached, judged one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.webhooks.addresses import judge_address, parse_networks

# Refused when nothing is allowed; True: refused even when allowedNetworks says everything.
HOSTILE = [
    ("0.0.0.0", True),
    ("0.0.0.1", True),
    ("10.0.0.1", False),
    ("10.255.255.255", False),
    ("100.64.0.1", False),
    ("100.127.255.255", False),
    ("100.100.100.200", True),
    ("127.0.0.1", False),
    ("127.255.255.254", False),
    ("168.63.129.16", True),
    ("169.254.0.1", False),
    ("169.254.169.254", True),
    ("169.254.170.2", True),
    ("172.16.0.1", False),
    ("172.31.255.255", False),
    ("192.0.0.8", False),
    ("192.0.0.170", False),
    ("192.0.0.192", True),
    ("192.0.2.1", False),
    ("192.31.196.1", False),
    ("192.52.193.1", False),
    ("192.88.99.1", False),
    ("192.168.0.1", False),
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
    ("::7f00:1", False),
    ("::ffff:127.0.0.1", False),
    ("::ffff:10.0.0.1", False),
    ("::ffff:169.254.169.254", True),
    ("::ffff:a9fe:a9fe", True),
    ("::ffff:0:127.0.0.1", False),
    ("64:ff9b::a9fe:a9fe", True),
    ("64:ff9b::8.8.8.8", True),
    ("64:ff9b:1::1", True),
    ("100::1", False),
    ("2001::1", True),
    ("2001:2::1", False),
    ("2001:10::1", False),
    ("2001:20::1", False),
    ("2001:db8::1", False),
    ("2002:7f00:1::", True),
    ("2002:808:808::1", True),
    ("2620:4f:8000::1", False),
    ("3fff::1", False),
    ("4000::1", False),
    ("5f00::1", False),
    ("fc00::1", False),
    ("fd00:ec2::254", True),
    ("fd12:3456::1", False),
    ("fd20:ce::254", True),
    ("fe80::1", False),
    ("fe80::1%eth0", True),
    ("fec0::1", False),
    ("ff02::1", True),
    ("127.1", True),
    ("0x7f000001", True),
    ("2130706433", True),
    ("localhost", True),
    ("", True),
]
EVERYTHING = parse_networks(["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize(("address", "always"), HOSTILE)
def test_hostile_addresses(address: str, always: bool) -> None:
    refused = judge_address(address, ())
    assert not refused.allowed
    assert refused.reason
    assert judge_address(address, EVERYTHING).allowed is not always


PUBLIC = (
    "8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 "
    "198.17.255.255 223.255.255.255 2001:4860:4860::8888 2606:4700::1111 2a00::1 ::ffff:8.8.8.8 2001:200::1 3ffe::1"
)


@pytest.mark.parametrize("address", PUBLIC.split(" "))
def test_public_addresses_are_allowed_but_not_listed(address: str) -> None:
    judgement = judge_address(address, ())
    assert (judgement.allowed, judgement.listed) == (True, False)


def test_a_listed_network_opens_itself_and_no_other() -> None:
    allowed = parse_networks(["127.0.0.0/8", "fd12::/16"])
    assert judge_address("127.9.9.9", allowed).listed
    assert judge_address("::ffff:127.0.0.1", allowed).listed
    assert judge_address("fd12::7", allowed).listed
    assert not judge_address("::1", allowed).allowed
    assert not judge_address("10.0.0.1", allowed).allowed


def test_host_bits_are_tolerated_and_nonsense_is_not() -> None:
    assert parse_networks(["10.1.2.3/8"]) == parse_networks(["10.0.0.0/8"])
    with pytest.raises(ValueError, match=r"'10\.0\.0\.0/33' is not a network"):
        parse_networks(["10.0.0.0/33"])


@given(st.text(max_size=60))
def test_text_is_never_a_reason_to_fail(text: str) -> None:
    assert judge_address(text, ()).allowed in {True, False}


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_it_reaches(address: object) -> None:
    plain, mapped = judge_address(str(address), ()), judge_address(f"::ffff:{address}", ())
    assert plain == mapped
