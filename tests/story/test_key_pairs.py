"""Signatures by key pairs (``v1a``): made in the transit engine, verified with what the receiver
gets."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultError
from reconciler.webhooks.signature.verification import SignatureCheck
from tests.kit.git.checkout import Checkout

PATH = "webhooks/partner.settlements"
PAIR = {"scheme": "standard-webhooks", "algorithm": "ed25519"}
PROVEN = {"signature": PAIR, "probes": {}}


def public_key(checkout: Checkout, version: int | None = None) -> Ed25519PublicKey:
    text = checkout.secret(PATH, version) or ""
    assert text.startswith("whpk_")
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))


def transit_keys(checkout: Checkout) -> list[str]:
    return sorted(checkout.vault("LIST", "transit/keys")["data"]["keys"])


def test_a_receiver_that_holds_the_public_key_is_proven(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: [Secret(checkout.secret(PATH) or "")]) as receiver:
        checkout.hooked("partner", f"{receiver.url}/in", webhook=PROVEN)
        checkout.apply().ok()
        assert checkout.status("partner")["status"] == "active"
        accepted = [arrival for arrival in receiver.arrivals if arrival.check.accepted]
        assert len(accepted) == 1
        assert len(receiver.arrivals) == 6  # and five probes, refused
        checkout.assert_quiet()
    headers, body = accepted[0].headers, accepted[0].body
    version, _, encoded = headers["webhook-signature"].partition(",")
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert version == "v1a"
    public_key(checkout).verify(base64.b64decode(encoded), content)
    with pytest.raises(InvalidSignature):
        public_key(checkout).verify(base64.b64decode(encoded), content + b" ")
    assert transit_keys(checkout) == ["ledger", "webhook.partner.settlements.1"]
    (version_shown,) = checkout.status("partner")["webhooks"][0]["secrets"]
    assert (version_shown["asymmetric"], version_shown["sha256"]) == (True, checkout.hash(PATH))


def test_the_private_key_cannot_leave(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: [Secret(checkout.secret(PATH) or "")]) as receiver:
        checkout.hooked("partner", receiver.url, webhook={"signature": PAIR})
        checkout.apply().ok()
    name = "webhook.partner.settlements.1"
    key = checkout.vault("GET", f"transit/keys/{name}")["data"]
    assert (key["exportable"], key["allow_plaintext_backup"], key["type"]) == (
        False,
        False,
        "ed25519",
    )
    with pytest.raises(VaultError):
        checkout.vault("GET", f"transit/export/signing-key/{name}")


def test_a_change_of_the_algorithm_signs_by_both_in_the_grace(checkout: Checkout) -> None:
    """From a shared secret to a key pair: a receiver may hold either, and loses nothing at any
    moment."""
    held: list[Sequence[Secret]] = [[]]
    with LoopbackReceiver(lambda: held[0]) as receiver:
        checkout.hooked("partner", receiver.url)
        held[0] = _Stored(checkout)
        checkout.apply().ok()
        old = Secret(checkout.secret(PATH, 1) or "")
        held[0] = [old]  # it has not looked into Vault since
        checkout.hooked("partner", receiver.url, webhook={"signature": PAIR})
        plan = checkout.actions()
        assert (
            "rotate-secret",
            "client/partner/webhook/settlements/secret",
            "AlgorithmChanged",
        ) in plan
        checkout.apply().ok()
        header = receiver.arrivals[-1].headers["webhook-signature"]
        assert [one.partition(",")[0] for one in header.split(" ")] == ["v1a", "v1"]
        held[0] = [Secret(checkout.secret(PATH, 2) or "")]
        assert _judged(receiver, checkout).accepted
        checkout.assert_quiet()


def test_the_key_of_a_revoked_version_is_removed(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: [Secret(checkout.secret(PATH) or "")]) as receiver:
        checkout.hooked("partner", receiver.url, webhook={"signature": PAIR})
        checkout.apply().ok()
    checkout.run("revoke", "-e", checkout.environment, "partner", "--reason", "compromise").ok()
    assert transit_keys(checkout) == ["ledger"]
    assert checkout.secret(PATH) is None


def test_a_key_that_somebody_made_exportable_is_not_used(checkout: Checkout) -> None:
    name = "webhook.partner.settlements.1"
    checkout.vault("POST", f"transit/keys/{name}", {"type": "ed25519", "exportable": True})
    with LoopbackReceiver(list) as receiver:
        checkout.hooked("partner", receiver.url, webhook={"signature": PAIR})
        ran = checkout.apply()
        assert receiver.arrivals == ()
    assert ran.code == 1
    assert "no ed25519 key that stays in the server" in ran.out


class _Stored(Sequence[Secret]):
    """Whatever version 1 holds when it is asked for."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def __getitem__(self, index: int) -> Secret:  # type: ignore[override]
        return [Secret(self._checkout.secret(PATH, 1) or "")][index]

    def __len__(self) -> int:
        return 1


def _judged(receiver: LoopbackReceiver, checkout: Checkout) -> SignatureCheck:
    checkout.apply("--verify", "partner").ok()
    return receiver.arrivals[-1].check
