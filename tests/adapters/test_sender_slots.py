"""How many go out at once, to one receiver and over all; and how the time of each is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.delivery import watch as sender_watch
from reconciler.adapters.delivery.resolve import Answers
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.adapters.delivery.slots import Slots
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.webhooks.wire.http import HttpResponse
from tests.kit.programs.waiting import until
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.receivers import Handler, answers, receiving
from tests.kit.webhooks.sending import LOOPBACK, post, resolver, said

PATIENCE_SECONDS = 60


class Crowd:
    """Counts who is inside a receiver; ``gather`` waits until ``size`` are, so that they are there
    together."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size)
        self._lock = threading.Lock()
        self._inside = self.most = 0

    def gather(self, handler: Handler) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._barrier.wait(PATIENCE_SECONDS)
        with self._lock:
            self._inside -= 1  # before the answer: whoever has it may let the next one in
        handler.reply(204)


def test_at_most_so_many_to_one_receiver() -> None:
    crowd = Crowd(3)
    sender = WebhookSender(LOOPBACK, DeliverySettings(concurrency=30, per_host=3))
    with receiving(crowd.gather) as receiver, ThreadPoolExecutor(12) as pool:
        spelt = [f"http://{host}:{receiver.port}/" for host in ("127.0.0.1", "127.0.0.1")]
        said_of = list(pool.map(lambda index: said(sender.send(post(spelt[index % 2]))), range(12)))
    assert said_of == ["204"] * 12
    assert crowd.most == 3


def test_at_most_so_many_over_all_receivers() -> None:
    crowd = Crowd(4)
    # Both receivers together would let eight in. Any four may be there together: the last four may
    # be one receiver's.
    sender = WebhookSender(LOOPBACK, DeliverySettings(concurrency=4, per_host=4))
    with (
        receiving(crowd.gather) as one,
        receiving(crowd.gather) as other,
        ThreadPoolExecutor(16) as pool,
    ):
        urls = [(one.url, other.url)[index % 2] for index in range(16)]
        assert list(pool.map(lambda url: said(sender.send(post(url))), urls)) == ["204"] * 16
    assert crowd.most == 4
    assert sender.concurrency == 4


def test_the_last_slot_is_the_last() -> None:
    slots = Slots(overall=2, per_host=2)
    with slots.take("a.example:443"), slots.take("b.example:443"):
        assert not slots._overall.acquire(blocking=False)
    with slots.take("a.example:443"), slots.take("a.example:443"):
        assert not slots._hosts["a.example:443"][0].acquire(blocking=False)
    assert slots._overall.acquire(blocking=False)


@contextmanager
def held(sender: WebhookSender) -> Iterator[tuple[str, threading.Event]]:
    """The URL of a receiver that has one request in hand until the event is set, while a second one
    waits."""
    arrived, released = threading.Event(), threading.Event()

    def hold(handler: Handler) -> None:
        arrived.set()
        released.wait(PATIENCE_SECONDS)
        handler.reply(204)

    with receiving(hold) as receiver, ThreadPoolExecutor(2) as pool:
        first = pool.submit(sender.send, post(receiver.url, deadline=1e6))
        assert arrived.wait(PATIENCE_SECONDS)
        second = pool.submit(sender.send, post(receiver.url, deadline=50))
        host = f"127.0.0.1:{receiver.port}"
        until(lambda: sender._slots._hosts[host][1] == 2, every=0.01)
        try:
            yield receiver.url, released
        finally:
            released.set()
        assert (said(first.result()), said(second.result())) == ("204", "204")


class Clock:
    """Stands in for ``time.monotonic`` where the sender looks at the clock."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sender_watch, "monotonic", made.monotonic)
    return made


def test_waiting_for_a_slot_does_not_use_up_the_deadline(clock: Clock) -> None:
    """The one that waits has fifty seconds; a thousand pass before its turn comes."""
    sender = WebhookSender(LOOPBACK, DeliverySettings(per_host=1))
    with held(sender) as (_, released):
        clock.seconds += 1000
        released.set()


def test_a_slow_receiver_does_not_keep_others_waiting() -> None:
    """One is in hand there and one waits for it, and of two slots one is free."""
    sender = WebhookSender(LOOPBACK, DeliverySettings(concurrency=2, per_host=1))
    with held(sender), receiving(answers(200)) as other:
        assert said(sender.send(post(other.url))) == "200"


def test_hosts_are_forgotten() -> None:
    sender = WebhookSender(LOOPBACK)
    with receiving(answers(200)) as receiver:
        assert said(sender.send(post(receiver.url))) == "200"
    assert said(sender.send(post(receiver.url))).startswith("RC505: ")
    assert sender._slots._hosts == {}


def test_each_step_is_told_in_milliseconds_from_the_start(clock: Clock, tmp_path: Path) -> None:
    """The clock goes on only where a step is under way: the resolver, the handshake, the
    receiver."""
    authority = Authority(tmp_path)
    context = authority.server_context("hooks.example.com")

    def slow_resolver(host: str, port: int) -> Answers:
        clock.seconds += 1
        return resolver("127.0.0.1")(host, port)

    def slow_handshake(_socket: object, _name: str | None, _context: ssl.SSLContext) -> None:
        clock.seconds += 2

    def slow_answer(handler: Handler) -> None:
        clock.seconds += 4
        handler.reply(200, b"x" * 10)

    context.sni_callback = slow_handshake
    sender = WebhookSender(LOOPBACK, DeliverySettings(authority.ca_file), resolve=slow_resolver)
    with receiving(slow_answer, context) as receiver:
        answer = sender.send(post(f"https://hooks.example.com:{receiver.port}/", deadline=1000))
    assert isinstance(answer, HttpResponse)
    told = answer.latency
    assert (told.resolve, told.connect, told.tls, told.first_byte, told.total) == (
        1000,
        1000,
        3000,
        7000,
        7000,
    )


def test_what_was_not_needed_or_not_reached_has_no_time(clock: Clock) -> None:
    with receiving(answers(200)) as receiver:
        told = WebhookSender(LOOPBACK).send(post(receiver.url)).latency
        assert (told.resolve, told.connect, told.tls, told.first_byte) == (None, 0, None, 0)
        told = WebhookSender(LOOPBACK).send(post(receiver.url.replace("http:", "https:"))).latency
        assert (told.resolve, told.connect, told.tls, told.first_byte) == (None, 0, None, None)
    named = (
        WebhookSender((), resolve=resolver("127.0.0.1"))
        .send(post("https://hooks.example.com/"))
        .latency
    )
    assert (named.resolve, named.connect, named.tls, named.first_byte) == (0, None, None, None)
