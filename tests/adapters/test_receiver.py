"""The demo's receiver, driven by the real sender."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime, timedelta

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.domain.live.record import Delivery
from reconciler.domain.secrecy.secret import Secret
from tests.adapters.test_deliveries import NEW, OLD, webhook
from tests.kit.webhooks.proving import delivered
from tests.kit.webhooks.sending import LOOPBACK


def _deliver(url: str, secret: Secret, now: datetime | None = None) -> Delivery:
    return delivered(
        WebhookSender(LOOPBACK), "client", webhook(url), [secret], now or datetime.now(UTC)
    )


def test_it_verifies_against_the_secrets_of_the_moment() -> None:
    held = [OLD]
    with LoopbackReceiver(lambda: held) as receiver:
        assert _deliver(f"{receiver.url}/payouts", OLD).status == 204
        assert _deliver(receiver.url, NEW).status == 401
        held[:] = [NEW]
        assert _deliver(receiver.url, NEW).accepted
        stale = _deliver(receiver.url, NEW, datetime.now(UTC) - timedelta(hours=1))
    reasons = [arrival.check.reason for arrival in receiver.arrivals]
    assert reasons == [
        "SignatureValid",
        "SignatureMismatch",
        "SignatureValid",
        "TimestampOutsideTolerance",
    ]
    assert receiver.arrivals[0].path == "/payouts"
    assert stale.message.startswith("RC515: ")


def test_it_can_be_switched_to_reject_and_back() -> None:
    with LoopbackReceiver(lambda: [NEW]) as receiver:
        receiver.reject(410)
        assert _deliver(receiver.url, NEW).message.startswith("RC514: ")
        receiver.reject(None)
        assert _deliver(receiver.url, NEW).accepted


def test_it_starts_and_stops() -> None:
    receiver = LoopbackReceiver(list)
    receiver.start().start()
    url = receiver.url
    receiver.stop()
    receiver.stop()
    assert _deliver(url, NEW).message.startswith("RC505: ")


def test_an_unbounded_body_is_not_read() -> None:
    with LoopbackReceiver(lambda: [NEW]) as receiver:
        for length, status in (("65537", 413), ("9" * 20, 413), ("-1", 400), ("x", 400)):
            connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"))
            connection.putrequest("POST", "/")
            connection.putheader("content-length", length)
            connection.endheaders()
            assert connection.getresponse().status == status
            connection.close()
        assert receiver.arrivals == ()


def test_the_longest_body_is_read() -> None:
    with LoopbackReceiver(lambda: [NEW]) as receiver:
        connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"))
        connection.request("POST", "/", b"x" * 65536)
        assert connection.getresponse().status == 401
        connection.close()
        assert [(len(one.body), one.status) for one in receiver.arrivals] == [(65536, 401)]


def test_only_what_is_posted_is_a_delivery() -> None:
    with LoopbackReceiver(lambda: [NEW]) as receiver:
        connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"))
        connection.request("GET", "/payouts")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        connection.close()
        assert receiver.arrivals == ()
