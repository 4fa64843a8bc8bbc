"""Which addresses are reached, judged one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.webhooks.wire.addresses import judge_address, parse_networks
from tests.kit.webhooks.addresses import HOSTILE, NO_ADDRESS, PUBLIC

EVERYTHING = parse_networks(["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize(("address", "always"), [*HOSTILE, *((text, True) for text in NO_ADDRESS)])
def test_hostile_addresses(address: str, always: bool) -> None:
    refused = judge_address(address, ())
    assert not refused.allowed
    assert refused.reason
    assert judge_address(address, EVERYTHING).allowed is not always


@pytest.mark.parametrize("address", PUBLIC)
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
