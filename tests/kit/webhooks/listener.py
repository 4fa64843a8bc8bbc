"""A running ``reconciler listen``, as a user starts it, and deliveries to it."""

from __future__ import annotations

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.domain.declared.schemes import Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.signing import sign
from tests.kit.programs.commands import COMMAND, environ
from tests.kit.programs.started import started

EVENT = b'{"type":"order.paid"}'


@dataclass
class Listener:
    """A running ``listen`` whose first line was read.

    ``printed`` is what it printed, once it ended.
    """

    running: subprocess.Popen[str]
    first: str
    port: int

    def send(
        self,
        headers: Mapping[str, str],
        body: bytes = EVENT,
        path: str = "/hook",
        method: str = "POST",
    ) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, dict(headers), method=method
        )  # a URL of ours
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def signed(
        self, scheme: Scheme, *secrets: str, age: int = 0, body: bytes = EVENT, **more: str
    ) -> int:
        held = [Secret(one) for one in secrets]
        return self.send(
            {**dict(sign(scheme, held, "msg_abc", int(time.time()) - age, body)), **more}, body
        )

    def end(self, number: signal.Signals | None = None) -> tuple[str, str]:
        """Its output; it ended with 0."""
        if number is not None:
            self.running.send_signal(number)
        out, err = self.running.communicate(timeout=30)
        assert self.running.returncode == 0, err
        return self.first + out, err


@contextmanager
def listening(
    directory: Path, *arguments: str, stdin: str = "", before: Sequence[str] = (), **variables: str
) -> Iterator[Listener]:
    """``reconciler listen`` at a free port, which it told. ``before``: a command that starts it."""
    with started(
        [*before, *COMMAND, "listen", "--port", "0", *arguments],
        cwd=directory,
        env=environ(COLUMNS="140", **variables),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(stdin)
        running.stdin.close()
        running.stdin = None
        try:
            first = running.stdout.readline()
            assert "http://127.0.0.1:" in first, running.communicate(timeout=20)[1]
            yield Listener(
                running, first, int(first.split("http://127.0.0.1:")[1].split(",")[0].rstrip('"'))
            )
        finally:
            running.kill()
