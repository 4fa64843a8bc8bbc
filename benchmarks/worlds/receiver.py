"""A webhook receiver of many clients on loopback, as lean as a receiver in Python can be.

    python benchmarks/worlds/receiver.py accept
    VAULT_ADDR=... VAULT_TOKEN=... python benchmarks/worlds/receiver.py verify ENVIRONMENT

A program of its own, so that it shares no interpreter with what is measured. ``accept`` takes
everything. ``verify`` does what a partner does: it accepts what is genuine and refuses all else. The
webhook ``settlements`` of a client has the path ``/payouts/<client>``; its signing secret is read
from Vault with its first delivery and kept, for the benchmark rotates nothing. It answers under
several addresses of loopback, as if they were several hosts. It prints its port, and serves until
it is ended; ``GET /count`` says how many deliveries came, and begins to count anew.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from subprocess import PIPE, Popen
from urllib.parse import urlsplit

WEBHOOK = "settlements"
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 17))
TOLERANCE = 300  # seconds, as the libraries of Standard Webhooks have it

Headers = Mapping[str, str]
Judge = Callable[[str, Headers, bytes], bool]


class Receiver:
    """Where one runs: ``port`` is the same under each of ``HOSTS``."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def urls(self) -> list[str]:
        return [f"http://{host}:{self.port}" for host in HOSTS]

    def count(self) -> int:
        """How many deliveries came since this was asked last."""
        connection = http.client.HTTPConnection(HOSTS[0], self.port, timeout=30)
        try:
            connection.request("GET", "/count")
            return int(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def receiving(environment: Mapping[str, str], *arguments: str) -> Iterator[Receiver]:
    """One for the length of a ``with`` block."""
    command = [sys.executable, __file__, *arguments]
    with Popen(command, env=dict(environment), stdout=PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield Receiver(int(running.stdout.readline()))
        finally:
            running.terminate()


class Verifier:
    """Standard Webhooks, by hand: what is signed is ``id.timestamp.body``."""

    def __init__(self, environment: str) -> None:
        address = urlsplit(os.environ["VAULT_ADDR"])
        self._vault = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        self._folder = f"/v1/integrations/{environment}/secrets/data/webhooks"
        self._keys: dict[str, bytes] = {}

    def __call__(self, path: str, headers: Headers, body: bytes) -> bool:
        """Whether a delivery is genuine."""
        moment, signatures = headers.get("webhook-timestamp", ""), headers.get("webhook-signature")
        if not signatures or not moment.isdecimal():
            return False
        if abs(int(moment) - time.time()) > TOLERANCE:
            return False
        signed = b".".join((headers.get("webhook-id", "").encode(), moment.encode(), body))
        key = self._key(path.rpartition("/")[2])
        right = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        return any(hmac.compare_digest(right, one.encode()) for one in signatures.split())

    def _key(self, client: str) -> bytes:
        if client not in self._keys:
            token = {"x-vault-token": os.environ["VAULT_TOKEN"]}
            self._vault.request("GET", f"{self._folder}/{client}.{WEBHOOK}", headers=token)
            value = json.load(self._vault.getresponse())["data"]["data"]["value"]
            self._keys[client] = binascii.a2b_base64(value.removeprefix("whsec_"))
        return self._keys[client]


class Server:
    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._count = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever sends may go away
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether another may come."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status, text = "204 No Content", ""
        if method == "GET":
            status, text, self._count = "200 OK", str(self._count), 0
        else:
            self._count += 1
            if not self._judge(path, headers, body):
                status = "401 Unauthorized"
        length = "" if status.startswith("204") else f"content-length: {len(text)}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{length}\r\n{text}".encode())
        await writer.drain()
        return headers.get("connection", "").lower() != "close"


async def serve(judge: Judge) -> None:
    server = Server(judge)
    first = await asyncio.start_server(server.answer, HOSTS[0], 0, backlog=1024)
    port = first.sockets[0].getsockname()[1]
    rest = await asyncio.start_server(server.answer, HOSTS[1:], port, backlog=1024)
    print(port, flush=True)
    async with first, rest:
        await first.serve_forever()


if __name__ == "__main__":
    kind, *more = sys.argv[1:]
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(Verifier(*more) if kind == "verify" else lambda *_: True))
