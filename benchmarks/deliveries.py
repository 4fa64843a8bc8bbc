"""Times deliveries to a receiver on loopback against bare ``http.client`` posting the same
requests.

    python benchmarks/deliveries.py --deliveries 2000 --concurrency 8 --rounds 5

Both open a connection for each request and send it from the same number of threads to the same
receiver, which is a program of its own. They take turns: baseline, ours, baseline, ours, ... See
README.md.
"""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.printing import Rounds, print_ratio
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.webhooks.wire.http import HttpRequest, HttpResponse

BODY = b'{"type": "payout.settled", "data": {"reference": "' + b"x" * 400 + b'"}}'
HEADERS = (
    ("content-type", "application/json"),
    ("webhook-id", "msg_1"),
    ("webhook-signature", "v1," + "x" * 44),
)
# Accepts, reads what is there, answers and closes: as little as a receiver can do.
RECEIVER = """
import asyncio

async def answer(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    length = next(line for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    writer.write(b"HTTP/1.1 204 No Content\\r\\nconnection: close\\r\\n\\r\\n")
    await writer.drain()
    writer.close()

async def serve():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()

asyncio.run(serve())
"""


@contextmanager
def receiver() -> Iterator[int]:
    """The port of a receiver in a program of its own: it shares no interpreter with what is
    measured."""
    with subprocess.Popen(
        [sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            yield int(running.stdout.readline())
        finally:
            running.terminate()


def bare(port: int) -> Callable[[int], int]:
    """The baseline: no deadline over everything, no judgement of addresses, no cap."""

    def post(_number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", "/payouts", BODY, {**dict(HEADERS), "connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    return post


def ours(port: int, concurrency: int) -> Callable[[int], int]:
    settings = DeliverySettings(concurrency=concurrency, per_host=concurrency)
    sender = WebhookSender(("127.0.0.0/8",), settings)
    request = HttpRequest("POST", f"http://127.0.0.1:{port}/payouts", HEADERS, BODY, 30.0)

    def post(_number: int) -> int:
        answer = sender.send(request)
        return answer.status if isinstance(answer, HttpResponse) else 0

    return post


def timed(post: Callable[[int], int], deliveries: int, concurrency: int) -> float:
    """Seconds for all of them. Raises ``RuntimeError`` unless each was accepted."""
    with ThreadPoolExecutor(concurrency) as pool:
        start = time.perf_counter()
        statuses = set(pool.map(post, range(deliveries)))
        seconds = time.perf_counter() - start
    if statuses != {204}:
        raise RuntimeError(f"not every request was accepted: {sorted(statuses)}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--deliveries", type=int, default=2000, help="how many a round (default: 2000)"
    )
    parser.add_argument("--concurrency", type=int, default=8, help="how many at once (default: 8)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="turns of each, after one to warm up (default: 5)"
    )
    options = parser.parse_args()
    count, threads = options.deliveries, options.concurrency
    baselines, sent = [], []
    with receiver() as port:
        baseline, deliver = bare(port), ours(port, threads)
        for turn in range(options.rounds + 1):
            pair = timed(baseline, count, threads), timed(deliver, count, threads)
            if turn:  # the first turn only warms up
                baselines.append(pair[0])
                sent.append(pair[1])
    first, second = Rounds("bare http.client", baselines), Rounds("reconciler's sender", sent)
    print_ratio(first, second, f"{count} deliveries, {threads} at once")
    rates = count / second.median, count / first.median
    print(f"          deliveries a second {rates[0]:23.0f}    (baseline {rates[1]:.0f})")


if __name__ == "__main__":
    main()
