"""Deliveries, signed and sent: what a receiver gets, and what is told of it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.declared.desired import DesiredWebhook, Lifecycle
from reconciler.domain.secrecy.secret import Secret
from tests.kit.webhooks.proving import delivered
from tests.kit.webhooks.receivers import answers, receiving
from tests.kit.webhooks.sending import LOOPBACK

LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(days=1))
OLD = Secret("whsec_" + base64.b64encode(b"o" * 32).decode())
NEW = Secret("whsec_" + base64.b64encode(b"n" * 32).decode())


def webhook(url: str) -> DesiredWebhook:
    return DesiredWebhook(
        "settlements", url, ("payout.settled",), LIFE, timeout=timedelta(seconds=30), attempts=1
    )


def test_a_valid_delivery_arrives_whole_and_verifies() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    with receiving(answers(204)) as receiver:
        target = webhook(f"{receiver.url}/payouts?tenant=7")
        delivery = delivered(WebhookSender(LOOPBACK), "paystack-payouts", target, [NEW, OLD], now)
    assert (delivery.accepted, delivery.status, delivery.at, delivery.url) == (
        True,
        204,
        now,
        target.url,
    )
    assert delivery.message == "the receiver accepted the delivery with 204; no probe was sent"
    (seen,) = receiver.seen
    assert (seen.method, seen.path) == ("POST", "/payouts?tenant=7")
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["webhook-id"] == delivery.id
    assert len(delivery.id) == len("msg_") + 24
    assert seen.headers["webhook-timestamp"] == str(int(now.timestamp()))
    for secret in (OLD, NEW):
        assert Webhook(secret.reveal()).verify(seen.body.decode(), seen.headers) == json.loads(
            seen.body
        )
        assert secret.reveal()[6:] not in repr(delivery)


def test_two_deliveries_have_two_ids() -> None:
    with receiving(answers(200)) as receiver:
        sender, now = WebhookSender(LOOPBACK), datetime.now(UTC)
        one, other = (
            delivered(sender, "c", webhook(receiver.url), [NEW], now, seed) for seed in ("a", "b")
        )
    assert one.id != other.id


def test_one_bad_secret_sends_nothing() -> None:
    with receiving(answers(200)) as receiver:
        secrets = (NEW, Secret("whsec_broken by hand"))
        delivery = delivered(
            WebhookSender(LOOPBACK), "c", webhook(receiver.url), secrets, datetime.now(UTC)
        )
    assert delivery.message.startswith("RC500: it is not base64")
    assert receiver.seen == []


def test_a_password_in_the_url_is_neither_used_nor_recorded() -> None:
    with receiving(answers(200)) as receiver:
        target = webhook(receiver.url.replace("http://", "http://user:hunter2@"))
        delivery = delivered(WebhookSender(LOOPBACK), "c", target, [NEW], datetime.now(UTC))
    assert delivery.message.startswith("RC501: the URL has a user name or password in it; ")
    assert "hunter2" not in repr(delivery)
    assert receiver.seen == []


def test_a_delivery_is_described_by_the_webhook_alone() -> None:
    """Whatever an event is called, it gets into the body and into no header."""
    with receiving(answers(200)) as receiver:
        target = replace(webhook(receiver.url), events=("a\r\nx-injected: 1",))
        delivered(WebhookSender(LOOPBACK), "c", target, [NEW], datetime.now(UTC))
    assert "x-injected" not in receiver.seen[0].headers
    assert json.loads(receiver.seen[0].body)["type"] == "a\r\nx-injected: 1"
