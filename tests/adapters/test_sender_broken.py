"""A connection that breaks while something is read: what is said of it depends on what had come by
then."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.delivery.connection import PinnedStream
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.adapters.delivery.watch import DeliveryStopped, Watch
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.webhooks.wire.endpoint import Endpoint
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.receivers import Handler, receiving
from tests.kit.webhooks.sending import LOOPBACK, bounded, post, resolver, said

GARBAGE = b"\x17\x03\x03\x00\x20" + b"x" * 32  # a TLS record that nobody encrypted


def breaks_record(before: bytes) -> Callable[[Handler], None]:
    """Answers ``before`` as it should, and goes on with bytes that are no TLS of this
    connection."""

    def answer(handler: Handler) -> None:
        if before:
            handler.wfile.write(before)
        os.write(handler.connection.fileno(), GARBAGE)
        handler.wait(5)

    return answer


BROKEN = {
    "before anything came": (b"", "RC509: "),
    "within the headers": (
        b"HTTP/1.1 200 OK\r\nx-more: 1", "RC511: the connection broke while waiting for the answer",
    ),
    "within the body": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx", "RC511: the connection broke while reading the answer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_tls_record(name: str, tmp_path: Path) -> None:
    before, sentence = BROKEN[name]
    authority = Authority(tmp_path)
    settings = DeliverySettings(ca_cert=authority.ca_file)
    sender = WebhookSender(LOOPBACK, settings, resolve=resolver("127.0.0.1"))
    with receiving(breaks_record(before), authority.server_context()) as receiver:
        assert said(bounded(post(receiver.url), sender)).startswith(sentence)


class Failing(socket.socket):
    """A socket whose network went away."""

    def recv(self, *_: object) -> bytes:
        raise OSError(errno.EHOSTUNREACH, "No route to host")


def test_a_read_that_fails_otherwise_than_by_a_reset() -> None:
    """The sentence does not blame the receiver for what the network did."""
    endpoint = Endpoint("http", "hooks.example.com", 80, "/")
    with Failing() as gone:
        stream = PinnedStream(gone, endpoint, Watch(30.0))
        with pytest.raises(DeliveryStopped) as caught:
            stream.read(100)
    said_of_it = (caught.value.code, caught.value.detail)
    assert said_of_it == ("RC511", "the connection broke while waiting for the answer")
