"""Deliveries: verifications against the same requests without anything around them, and our sender
against a bare one."""

from __future__ import annotations

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.programs import BenchmarkError, run_timed
from benchmarks.measuring.turns import Turns, take_turns
from benchmarks.rows.row import Bench
from benchmarks.worlds.place import Kind
from benchmarks.worlds.receiver import Receiver, receiving
from reconciler.domain.declared.desired import DeliverySettings

VERIFICATIONS = 1000  # at most
SENT = 2000  # at most; two a client
AT_ONCE = 8


def measure_verifications(bench: Bench) -> Turns:
    """``reconciler test``: each webhook has to accept two events and to refuse five probes."""
    kind = Kind(min(bench.clients, VERIFICATIONS), webhooks=True, probes=True)
    place = bench.applied(kind)
    receiver = place.receiver
    assert receiver is not None
    receiver.count()
    place.command("test")
    count, threads = receiver.count(), str(DeliverySettings().concurrency)
    if count < 7 * kind.clients:
        raise BenchmarkError(f"{count} deliveries of {kind.clients} webhooks are too few")

    def bare() -> Sample:
        urls = post_to(receiver)
        return run_timed("deliver", place.environment, "sender", str(count), threads, *urls)

    return take_turns("verify", bench.few, bare, lambda: place.command("test").sample)


def measure_sender(bench: Bench) -> Turns:
    count = str(min(2 * bench.clients, SENT))
    with receiving(bench.desk, "accept") as receiver:
        urls = post_to(receiver)

        def send(kind: str) -> Sample:
            return run_timed("deliver", bench.desk, kind, count, str(AT_ONCE), *urls)

        return take_turns("sender", bench.rounds, lambda: send("bare"), lambda: send("sender"))


def post_to(receiver: Receiver) -> list[str]:
    """One path at each of its hosts: they are taken in turns, so that the sender's limit for a host
    holds nothing up."""
    return [f"{url}/payouts/client-000000" for url in receiver.urls]
