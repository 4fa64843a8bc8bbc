"""A webhook receiver of many clients: it accepts genuine deliveries and refuses all others.

    VAULT_ADDR=... VAULT_TOKEN=... python benchmarks/receiver.py bench

A program of its own, so that it shares no interpreter with what is measured. It prints its URL and
serves until it is ended. The webhook ``settlements`` of a client has the path
``/payouts/<client>``. Its signing secret is read from Vault with the first delivery, and kept: the
benchmark rotates nothing."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from urllib.parse import urlsplit

from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.verification import verify

WEBHOOK = "settlements"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        secret = self.server.secret(self.path.rpartition("/")[2])
        check = verify(STANDARD_WEBHOOKS, [secret], headers, body, datetime.now(UTC))
        self.send_response_only(204 if check.accepted else 401)
        self.send_header("content-length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, environment: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._folder = f"/v1/integrations/{environment}/secrets/data/webhooks"
        self._secrets: dict[str, Secret] = {}

    def secret(self, client: str) -> Secret:
        if client not in self._secrets:
            self._secrets[client] = self._read(f"{self._folder}/{client}.{WEBHOOK}")
        return self._secrets[client]

    def _read(self, path: str) -> Secret:
        address = urlsplit(os.environ["VAULT_ADDR"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request("GET", path, headers={"x-vault-token": os.environ["VAULT_TOKEN"]})
            return Secret(json.load(connection.getresponse())["data"]["data"]["value"])
        finally:
            connection.close()


@contextmanager
def careful_receiver(environment: str, variables: dict[str, str]) -> Iterator[str]:
    """Its URL, for the length of a ``with`` block. ``variables`` give it the address and a token
    that may read."""
    command = [sys.executable, __file__, environment]
    with Popen(command, env=variables, stdout=PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.terminate()


if __name__ == "__main__":
    server = Server(sys.argv[1])
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
