"""Deliveries to real receivers on loopback: what arrives, and how every failure reads."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from reconciler.adapters.sender import WebhookSender
from reconciler.domain.desired import DesiredWebhook, Lifecycle
from reconciler.domain.record import Delivery
from reconciler.domain.secret import Secret
from reconciler.engine.ports import Sender
from reconciler.errors import DeliveryError
from tests.kit import receivers
from tests.kit.proving import delivered
from tests.kit.receivers import Behaviour, answers, listening, receiving

LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(days=1))
OLD = Secret("whsec_" + base64.b64encode(b"o" * 32).decode())
NEW = Secret("whsec_" + base64.b64encode(b"n" * 32).decode())
LOOPBACK = ("127.0.0.0/8",)
# Long enough never to pass where the test is not about it, short where it is.
AMPLE, BRIEF = timedelta(seconds=30), timedelta(milliseconds=800)
_SEEDS = count()
Answers = Sequence[tuple[int, tuple[Any, ...]]]


def webhook(url: str, timeout: timedelta = AMPLE) -> DesiredWebhook:
    return DesiredWebhook("settlements", url, ("payout.settled",), LIFE, timeout=timeout, attempts=1)


def deliver(
    url: str, *, timeout: timedelta = AMPLE, sender: WebhookSender | None = None, secrets: Sequence[Secret] = (NEW,)
) -> Delivery:
    port: Sender = sender or WebhookSender(LOOPBACK)
    seed = str(next(_SEEDS))
    delivery = delivered(port, "paystack-payouts", webhook(url, timeout), secrets, datetime.now(UTC), seed)
    assert all(secret.reveal()[6:] not in repr(delivery) for secret in secrets)
    return delivery


def resolver(*addresses: str) -> Callable[[str, int], Answers]:
    """A resolver that answers every name with ``addresses``."""

    def resolve(host: str, port: int) -> Answers:
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in address], (address, port)) for address in addresses]

    return resolve


def test_a_valid_delivery_arrives_whole_and_verifies() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    with receiving(answers(204)) as receiver:
        target = webhook(f"{receiver.url}/payouts?tenant=7")
        delivery = delivered(WebhookSender(LOOPBACK), "paystack-payouts", target, [NEW, OLD], now)
    assert (delivery.accepted, delivery.status, delivery.at, delivery.url) == (True, 204, now, target.url)
    assert delivery.message == "the receiver accepted the delivery with 204; no probe was sent"
    assert delivery.latency_ms >= 0
    (seen,) = receiver.seen
    assert (seen.method, seen.path) == ("POST", "/payouts?tenant=7")
    assert seen.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["content-type"] == "application/json"
    assert "cookie" not in seen.headers
    assert seen.headers["webhook-id"] == delivery.id
    assert len(delivery.id) == len("msg_") + 24
    assert seen.headers["webhook-timestamp"] == str(int(now.timestamp()))
    for secret in (OLD, NEW):
        assert Webhook(secret.reveal()).verify(seen.body.decode(), seen.headers) == json.loads(seen.body)


def test_two_deliveries_have_two_ids() -> None:
    with receiving(answers(200)) as receiver:
        assert deliver(receiver.url).id != deliver(receiver.url).id


@pytest.mark.parametrize(
    ("behaviour", "status", "start"),
    [
        (answers(301, location="http://169.254.169.254/latest"), 301, "RC513: the receiver answered 301 and points to"),
        (answers(307, location="/elsewhere"), 307, "RC513: the receiver answered 307;"),
        (answers(401), 401, "RC515: the receiver answered 401 (unauthorized)"),
        (answers(403), 403, "RC515: the receiver answered 403 (forbidden)"),
        (answers(404), 404, "RC516: the receiver answered 404 (not found)"),
        (answers(410), 410, "RC514: the receiver answered 410 (gone)"),
        (answers(429), 429, "RC516: the receiver answered 429 (too many requests)"),
        (answers(500, b"x" * 200_000), 500, "RC517: the receiver answered 500"),
        (answers(503), 503, "RC517: the receiver answered 503"),
        (answers(200, b"x" * 65_537), 200, "RC512: the answer's body is larger than 65536 bytes"),
        (receivers.endless_body, 200, "RC512: the answer's body is larger than 65536 bytes"),
        (receivers.cuts_connection, None, "RC511: the receiver closed the connection without an answer"),
        (receivers.cuts_body, 200, "RC511: the receiver broke off"),
    ],
)
def test_answers_that_are_failures(behaviour: Behaviour, status: int | None, start: str) -> None:
    with receiving(behaviour) as receiver:
        delivery = deliver(receiver.url)
    assert (delivery.accepted, delivery.status) == (False, status)
    assert delivery.message.startswith(start)
    assert len(receiver.seen) == 1, "a redirect is not followed and nothing is tried twice"


def test_a_body_of_exactly_the_cap_is_read() -> None:
    with receiving(answers(200, b"x" * 65_536)) as receiver:
        assert deliver(receiver.url).accepted


@pytest.mark.parametrize(
    ("behaviour", "status", "step"),
    [
        (receivers.never_answers, None, "waiting for the answer"),
        (receivers.drips_headers, None, "waiting for the answer"),
        (receivers.endless_informational, None, "waiting for the answer"),
        (receivers.drips_body, 200, "reading the answer's body"),
    ],
)
def test_one_deadline_bounds_every_step(behaviour: Behaviour, status: int | None, step: str) -> None:
    """Each single wait is short where bytes drip: only a total deadline ends these."""
    with receiving(behaviour) as receiver:
        delivery = deliver(receiver.url, timeout=BRIEF)
    assert (delivery.accepted, delivery.status) == (False, status)
    assert delivery.message.startswith(f"RC510: the deadline passed while {step}; ")


def test_a_refusal_counts_even_if_its_body_never_ends() -> None:
    with receiving(lambda handler: receivers.drips_body(handler, 410)) as receiver:
        delivery = deliver(receiver.url, timeout=BRIEF)
    assert (delivery.status, delivery.message[:6]) == (410, "RC514:")


def test_the_deadline_holds_over_a_tls_handshake_that_stalls() -> None:
    with listening() as port:
        delivery = deliver(f"https://127.0.0.1:{port}/", timeout=BRIEF)
    assert delivery.message.startswith("RC510: the deadline passed while negotiating TLS; ")


def test_the_deadline_holds_over_a_resolver_that_hangs() -> None:
    with listening() as port:
        silent = socket.create_connection(("127.0.0.1", port))

        def hang(host: str, port: int) -> Answers:
            silent.recv(1)  # until the listener goes away
            raise OSError

        sender = WebhookSender(LOOPBACK, resolve=hang)
        delivery = deliver("https://hooks.example.com/", timeout=BRIEF, sender=sender)
    silent.close()
    assert delivery.message.startswith("RC510: the deadline passed while resolving the name; ")


def test_no_time_at_all_is_a_failure_too() -> None:
    assert deliver("https://hooks.example.com/", timeout=timedelta(0)).message.startswith("RC510: ")


def test_a_closed_port() -> None:
    with listening() as port:
        pass
    delivery = deliver(f"http://127.0.0.1:{port}/")
    assert delivery.message.startswith(f"RC505: 127.0.0.1:{port} refuses the connection; check that the receiver is")
    assert delivery.status is None


@pytest.mark.parametrize(
    "talk", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 10, b"HTTP/2 200\r\n\r\n"]
)
def test_what_is_not_http_is_said_to_be_so(talk: bytes) -> None:
    with listening(talk, cut=True) as port:
        assert deliver(f"http://127.0.0.1:{port}/").message.startswith("RC511: the receiver broke off, or does not")


def test_endless_headers_are_cut_off() -> None:
    with listening(b"HTTP/1.1 200 OK\r\n" + b"x-more: 1\r\n" * 100_000, cut=True) as port:
        assert deliver(f"http://127.0.0.1:{port}/").message.startswith("RC511: ")


def test_tls_to_a_port_that_speaks_http() -> None:
    with receiving(answers(200)) as receiver:
        delivery = deliver(receiver.url.replace("http:", "https:"))
    assert delivery.message.startswith("RC509: the TLS handshake with 127.0.0.1 failed; ")


@pytest.fixture
def authority(tmp_path: Path) -> receivers.Authority:
    return receivers.Authority(tmp_path)


def test_tls_with_the_right_certificate(authority: receivers.Authority) -> None:
    sender = WebhookSender(LOOPBACK, authority.ca_file, resolve=resolver("127.0.0.1"))
    with receiving(answers(200), authority.server_context("hooks.example.com")) as receiver:
        by_name = deliver(f"https://hooks.example.com:{receiver.port}/", sender=sender)
        absolute = deliver(f"https://hooks.example.com.:{receiver.port}/", sender=sender)
    with receiving(answers(200), authority.server_context("127.0.0.1")) as receiver:
        by_address = deliver(receiver.url, sender=sender)
    assert (by_name.accepted, absolute.accepted, by_address.accepted) == (True, True, True)


def test_the_certificate_is_checked_against_the_name_not_the_address(authority: receivers.Authority) -> None:
    sender = WebhookSender(LOOPBACK, authority.ca_file, resolve=resolver("127.0.0.1"))
    with receiving(answers(200), authority.server_context("127.0.0.1")) as receiver:
        delivery = deliver(f"https://hooks.example.com:{receiver.port}/", sender=sender)
    assert delivery.message.startswith("RC506: the certificate is not for hooks.example.com; ")
    assert receiver.seen == []


@pytest.mark.parametrize(
    ("name", "begins", "ends", "start"),
    [
        ("other.example.com", -1, 1, "RC506: the certificate is not for 127.0.0.1; "),
        ("127.0.0.2", -1, 1, "RC506: the certificate is not for 127.0.0.1; "),
        ("127.0.0.1", -3, -2, "RC507: the certificate of 127.0.0.1 has expired; "),
        ("127.0.0.1", 2, 3, "RC507: the certificate of 127.0.0.1 is not valid yet; "),
    ],
)
def test_certificates_that_are_refused(
    authority: receivers.Authority, name: str, begins: int, ends: int, start: str
) -> None:
    context = authority.server_context(name, begins=timedelta(hours=begins), ends=timedelta(hours=ends))
    with receiving(answers(200), context) as receiver:
        delivery = deliver(receiver.url, sender=WebhookSender(LOOPBACK, authority.ca_file))
    assert (delivery.accepted, delivery.status) == (False, None)
    assert delivery.message.startswith(start)
    assert receiver.seen == []


def test_an_untrusted_certificate(authority: receivers.Authority, tmp_path: Path) -> None:
    """Neither another authority's, nor one that this machine's own trust store does not know."""
    other = receivers.Authority(tmp_path, "another authority")
    with receiving(answers(200), authority.server_context()) as receiver:
        for sender in (WebhookSender(LOOPBACK, other.ca_file), WebhookSender(LOOPBACK)):
            assert deliver(receiver.url, sender=sender).message.startswith("RC508: the certificate of 127.0.0.1 is not")
    assert receiver.seen == []


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"'10\.0\.0\.0/99' is not a network") as caught:
        WebhookSender(("10.0.0.0/99",))
    assert caught.value.code == "RC520"
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("no certificate")
    for file in (nonsense, tmp_path / "missing.pem"):
        with pytest.raises(DeliveryError, match="cannot be read"):
            WebhookSender((), str(file))


def test_hundreds_of_deliveries_at_once() -> None:
    sender = WebhookSender(LOOPBACK)
    with receiving(answers(200)) as receiver, ThreadPoolExecutor(64) as pool:
        urls = [f"{receiver.url}/{number}" for number in range(300)]
        deliveries = list(pool.map(lambda url: deliver(url, sender=sender), urls))
    assert all(delivery.accepted for delivery in deliveries)
    assert len({delivery.id for delivery in deliveries}) == 300
    assert sorted(seen.path for seen in receiver.seen) == sorted(url.removeprefix(receiver.url) for url in urls)


def test_no_cookie_is_kept() -> None:
    sender = WebhookSender(LOOPBACK)
    with receiving(lambda handler: handler.reply(200, headers={"set-cookie": "session=1"})) as receiver:
        deliver(receiver.url, sender=sender)
        deliver(receiver.url, sender=sender)
    assert ["cookie" in seen.headers for seen in receiver.seen] == [False, False]


def test_one_bad_secret_sends_nothing() -> None:
    with receiving(answers(200)) as receiver:
        delivery = deliver(receiver.url, secrets=(NEW, Secret("whsec_broken by hand")))
    assert delivery.message.startswith("RC500: a signing secret is not base64")
    assert receiver.seen == []


def test_a_password_in_the_url_is_neither_used_nor_recorded() -> None:
    with receiving(answers(200)) as receiver:
        delivery = deliver(receiver.url.replace("http://", "http://user:hunter2@"))
    assert delivery.message.startswith("RC501: the URL has a user name or password in it; ")
    assert "hunter2" not in repr(delivery)
    assert receiver.seen == []


def test_a_delivery_is_described_by_the_webhook_alone() -> None:
    """Neither the environment nor an earlier delivery changes what is sent."""
    with receiving(answers(200)) as receiver:
        target = replace(webhook(receiver.url), events=("a\r\nx-injected: 1",))
        delivered(WebhookSender(LOOPBACK), "c", target, [NEW], datetime.now(UTC))
    assert "x-injected" not in receiver.seen[0].headers
    assert json.loads(receiver.seen[0].body)["type"] == "a\r\nx-injected: 1"
