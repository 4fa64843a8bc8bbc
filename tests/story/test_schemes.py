"""Every signature scheme on its way: declared, delivered over HTTP, verified by what a receiver
would use."""

from __future__ import annotations

import hmac
from typing import Any

import stripe

from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.domain.declared.schemes import SCHEMES, Scheme
from reconciler.domain.secrecy.secret import Secret
from tests.kit.git.checkout import Checkout
from tests.kit.programs.waiting import until
from tests.kit.webhooks.receivers import answers, receiving

CUSTOM = {
    "scheme": "custom",
    "algorithm": "hmac-sha512",
    "custom": {
        "header": "X-Acme-Signature", "signed": ["timestamp", "body"], "joiner": ":", "keyEncoding": "hex",
        "tag": "s1=", "timestampHeader": "X-Acme-Time",
    },
}  # fmt: skip
ROW = Scheme("custom", "hmac-sha512", "x-acme-signature", ("timestamp", "body"), ":", "hex", tag="s1=",
             timestamp_header="x-acme-time")  # fmt: skip
DECLARED: dict[str, tuple[dict[str, Any], Scheme]] = {
    **{name: ({"scheme": name}, row) for name, row in SCHEMES.items()},
    "custom": (CUSTOM, ROW),
}

SHORT = {"lifetime": "34s", "renewBefore": "30s", "grace": "30s"}


def rotation(checkout: Checkout) -> str:
    """What the plan says of the rotation of a signing secret; empty while none is due."""
    found = [
        action["message"]
        for action in checkout.plan().json["actions"]
        if action["kind"] == "rotate-secret"
    ]
    return found[0] if found else ""


def test_a_client_goes_through_all_schemes_with_one_secret(checkout: Checkout) -> None:
    """Each change is an endpoint that proves itself again; the receiver verifies and accepts, or it
    is not active."""
    path, shown = "webhooks/partner.settlements", ""
    for declared, scheme in DECLARED.values():
        with LoopbackReceiver(lambda: [Secret(checkout.secret(path) or "")], scheme) as receiver:
            checkout.hooked("partner", f"{receiver.url}/in", webhook={"signature": declared})
            assert checkout.run("validate").ok().code == 0
            shown = checkout.run("-v", "plan", "-e", checkout.environment).ok().out
            checkout.apply().ok()
            assert [arrival.check.accepted for arrival in receiver.arrivals] == [True], scheme.name
            assert checkout.status("partner")["status"] == "active"
            checkout.assert_quiet()
    assert "signature.scheme: shopify → custom" in shown  # the last change, as the plan showed it
    assert "signature.custom.header: (absent) → x-acme-signature" in shown
    assert checkout.vault("GET", f"secrets/metadata/{path}")["data"]["current_version"] == 1


def test_a_receiver_of_another_scheme_does_not_become_active(checkout: Checkout) -> None:
    path = "webhooks/partner.settlements"
    with LoopbackReceiver(
        lambda: [Secret(checkout.secret(path) or "")], SCHEMES["stripe"]
    ) as receiver:
        checkout.hooked("partner", receiver.url, webhook={"signature": {"scheme": "github"}})
        assert checkout.apply().code == 5
        assert [arrival.check.reason for arrival in receiver.arrivals] == ["HeaderMissing"]
        assert checkout.status("partner")["status"] == "pending"
        checkout.hooked("partner", receiver.url, webhook={"signature": {"scheme": "stripe"}})
        checkout.apply().ok()
    assert checkout.status("partner")["status"] == "active"


def test_in_a_grace_stripe_deliveries_carry_both_signatures(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        hook = {"signature": {"scheme": "stripe"}, "secret": SHORT}
        checkout.hooked("partner", receiver.url, webhook=hook)
        checkout.apply().ok()
        until(lambda: rotation(checkout) != "")
        assert "room for one signature" not in rotation(checkout)
        checkout.apply().ok()
        delivery = receiver.seen[-1]
    header = delivery.headers["stripe-signature"]
    assert header.count("v1=") == 2
    for version in (1, 2):
        held = checkout.secret("webhooks/partner.settlements", version) or ""
        assert stripe.WebhookSignature.verify_header(delivery.body, header, held, 300)


def test_in_a_grace_a_scheme_with_room_for_one_signature_uses_the_new_secret(
    checkout: Checkout,
) -> None:
    """Declared in a template.

    The plan says it before it happens; the old secret can still be read by who needs it.
    """
    template = {
        "webhooks": [{"name": "settlements", "events": ["payout.settled"], "signature": CUSTOM}]
    }
    checkout.document("templates/own.yaml", "IntegrationTemplate", "own", template)
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url, template="own", webhook={"secret": SHORT})
        checkout.apply().ok()
        until(lambda: rotation(checkout) != "")
        assert rotation(checkout).endswith(
            "custom has room for one signature: from now on the new secret signs alone"
        )
        checkout.apply().ok()
        delivery = receiver.seen[-1]
    signed = delivery.headers["x-acme-time"].encode() + b":" + delivery.body
    values = [checkout.secret("webhooks/partner.settlements", version) or "" for version in (1, 2)]
    right = [
        "s1=" + hmac.digest(bytes.fromhex(value[6:]), signed, "sha512").hex() for value in values
    ]
    assert delivery.headers["x-acme-signature"] == right[1] != right[0]
