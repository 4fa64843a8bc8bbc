"""Headers beside a signature: those of a provider, and those that a client declares."""

from __future__ import annotations

import pytest

from reconciler.domain.declared.companions import (
    CompanionHeaders,
    Occasion,
    carriers,
    companions,
    declared_fault,
)
from reconciler.domain.declared.schemes import (
    GITHUB,
    PAYSTACK,
    SCHEMES,
    SHOPIFY,
    STANDARD_WEBHOOKS,
    STRIPE,
)

OCCASION = Occasion("payouts", "settlements", "orders/create", "msg_0123456789abcdefghijABCD")


def test_what_providers_send() -> None:
    github = dict(companions(GITHUB, (), OCCASION))
    assert github["x-github-event"] == "orders/create"
    assert github["x-github-hook-id"].isdecimal()
    assert github["content-type"] == "application/json"
    shopify = dict(companions(SHOPIFY, (), OCCASION))
    assert (shopify["x-shopify-topic"], shopify["x-shopify-shop-domain"]) == (
        "orders/create",
        "payouts.myshopify.com",
    )
    assert shopify["x-shopify-webhook-id"] == github["x-github-delivery"]
    assert dict(companions(STRIPE, (), OCCASION))["user-agent"].startswith("Stripe/1.0 ")
    assert dict(companions(PAYSTACK, (), OCCASION)) == {
        "content-type": "application/json", "user-agent": "reconciler-webhooks/1",
    }  # fmt: skip


def test_a_delivery_that_is_tried_again_is_the_same_one_and_another_is_not() -> None:
    again = Occasion("payouts", "settlements", "orders/create", "msg_0123456789abcdefghijABCD")
    other = Occasion("payouts", "settlements", "orders/create", "msg_another")
    assert companions(GITHUB, (), again) == companions(GITHUB, (), OCCASION)
    first, second = (dict(companions(GITHUB, (), one)) for one in (OCCASION, other))
    assert first["x-github-delivery"] != second["x-github-delivery"]
    assert first["x-github-hook-id"] == second["x-github-hook-id"]


def test_what_is_declared_wins() -> None:
    declared: CompanionHeaders = (("x-acme", "{client} {id} {number}"), ("x-github-event", "push"))
    sent = dict(companions(GITHUB, declared, OCCASION))
    assert sent["x-github-event"] == "push"
    assert sent["x-acme"].split()[:2] == ["payouts", OCCASION.message_id]


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_no_row_takes_the_place_of_a_signature(scheme: object) -> None:
    row = next(one for one in SCHEMES.values() if one is scheme)
    names = [name for name, _ in row.beside]
    assert not set(names) & carriers(row)
    assert names == [name.lower() for name in dict.fromkeys(names)]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("X-Acme", "{event}", ""), ("X-Acme", "a b", ""), ("X-Acme", "{who}", "`{who}` is not known"),
        ("X-Acme", "a\r\nHost: b", "printable"), ("X-Acme", "", "printable"), ("X-Acme", " a", "printable"),
        ("X-Acme", "é", "printable"), ("X-Acme", "a" * 257, "printable"), ("Host", "a", "reserved"),
        ("User-Agent", "a", "reserved"), ("Authorization", "a", "reserved"), ("X-Forwarded-For", "a", "reserved"),
        ("Webhook-Signature", "a", "belongs to the signature"), ("webhook-id", "a", "belongs to the signature"),
        ("X_Acme", "a", "letters, digits and hyphens"), ("X Acme", "a", "letters, digits and hyphens"),
    ],
)  # fmt: skip
def test_a_header_that_somebody_declares(name: str, value: str, words: str) -> None:
    fault = declared_fault(name, value, carriers(STANDARD_WEBHOOKS))
    assert words in fault
    assert bool(words) is bool(fault)
