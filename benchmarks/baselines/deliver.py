"""Sends the same request again and again, and prints what that took as JSON.

    python benchmarks/baselines/deliver.py bare|sender COUNT THREADS URL...

``bare``: threads on ``http.client``, one connection a request; no deadline over everything, no
judgement of addresses, no cap. ``sender``: our own sender, which has these, and nothing of what
stands above it. The URLs are taken in turns. Whatever is answered counts, as long as it is 204 or
401: a careful receiver refuses these signatures.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

BODY = b'{"type": "payout.settled", "data": {"reference": "' + b"x" * 400 + b'"}}'
HEADERS = (
    ("content-type", "application/json"),
    ("webhook-id", "msg_1"),
    ("webhook-timestamp", "1700000000"),
    ("webhook-signature", "v1," + "x" * 44),
)
EXPECTED = {204, 401}

Post = Callable[[str], int]


def post_bare(url: str) -> int:
    """POST once with ``http.client``; the status."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("POST", parts.path, BODY, {**dict(HEADERS), "connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def make_sender(threads: int) -> Post:
    """POST with the sender of ``apply``, its usual limit for each host included."""
    from reconciler.adapters.delivery.sender import WebhookSender  # noqa: PLC0415 - not by `bare`
    from reconciler.domain.declared.desired import DeliverySettings  # noqa: PLC0415
    from reconciler.webhooks.wire.http import HttpRequest, HttpResponse  # noqa: PLC0415

    sender = WebhookSender(("127.0.0.0/8",), DeliverySettings(concurrency=threads))

    def post(url: str) -> int:
        answer = sender.send(HttpRequest("POST", url, HEADERS, BODY, 30.0))
        return answer.status if isinstance(answer, HttpResponse) else 0

    return post


def deliver(
    post: Post,
    count: int,
    threads: int,
    urls: list[str],
) -> None:
    """Send ``count`` requests. Raises ``RuntimeError`` unless each was answered as expected."""
    with ThreadPoolExecutor(threads) as pool:
        statuses = set(pool.map(lambda number: post(urls[number % len(urls)]), range(count)))
    if not statuses <= EXPECTED:
        raise RuntimeError(f"not every request was answered: {sorted(statuses)}")


def main(kind: str, count: str, threads: str, *urls: str) -> None:
    post = post_bare if kind == "bare" else make_sender(int(threads))
    wall, cpu = time.perf_counter(), time.process_time()
    deliver(post, int(count), int(threads), list(urls))
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
