"""Writes secrets with bare ``http.client``, and then sends deliveries the same way.

    VAULT_ADDR=... VAULT_TOKEN=... python benchmarks/baselines/write.py SECRETS [DELIVERIES URL...]

Sixteen threads with a connection each, one check-and-set write a secret, to a mount that this
program makes and removes. It is what an apply cannot do without: no registry, no lease, no reading.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from benchmarks.baselines.deliver import deliver, post_bare

THREADS = 16
ADDRESS = urlsplit(os.environ["VAULT_ADDR"])
HEADERS = {"x-vault-token": os.environ["VAULT_TOKEN"], "content-type": "application/json"}


def connect() -> http.client.HTTPConnection:
    return http.client.HTTPConnection(ADDRESS.hostname or "", ADDRESS.port, timeout=30)


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    document: object = None,
) -> None:
    """Raises ``RuntimeError`` unless the server did it."""
    body = None if document is None else json.dumps(document)
    connection.request(method, f"/v1/{path}", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    if answer.status not in {200, 204}:
        raise RuntimeError(f"{method} {path}: {answer.status}")


@contextmanager
def bare_mount() -> Iterator[str]:
    """The name of a KV v2 mount of its own, which is gone at the end."""
    name = f"bare-{secrets.token_hex(4)}"
    with closing(connect()) as connection:
        ask(connection, "POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": "2"}})
        ask(connection, "GET", f"{name}/config")  # it answers once the mount is ready
        yield name
        ask(connection, "DELETE", f"sys/mounts/{name}")


def write(mount: str, numbers: range) -> None:
    with closing(connect()) as connection:
        for number in numbers:
            key = f"bench_bench_{secrets.token_hex(6)}_{secrets.token_hex(24)}x"
            data = {"value": key, "id": {secrets.token_hex(6): ""}}
            document = {"options": {"cas": 0}, "data": data}
            ask(connection, "POST", f"{mount}/data/keys/client-{number:06}.primary", document)


def main(count: str, deliveries: str = "0", *urls: str) -> None:
    with bare_mount() as mount, ThreadPoolExecutor(THREADS) as pool:
        parts = [range(first, int(count), THREADS) for first in range(THREADS)]
        list(pool.map(lambda numbers: write(mount, numbers), parts))
    if urls:
        deliver(post_bare, int(deliveries), THREADS, list(urls))


if __name__ == "__main__":
    main(*sys.argv[1:])
