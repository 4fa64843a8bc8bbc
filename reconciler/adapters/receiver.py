"""A webhook receiver on loopback, as a partner would build one: for ``reconciler demo``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from reconciler.domain.schemes import STANDARD_WEBHOOKS, Scheme
from reconciler.domain.secret import Secret
from reconciler.webhooks.verification import SignatureCheck, verify

_BODY_LIMIT = 64 * 1024
_SILENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery as it came in; ``status`` is what was answered. Header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    check: SignatureCheck
    status: int


class LoopbackReceiver:
    """Verifies signatures by ``scheme`` against the secrets that ``secrets()`` gives at that moment.

    Answers 204 to a genuine delivery, 401 to any other, and the status of ``reject`` while that is set.
    """

    def __init__(
        self,
        secrets: Callable[[], Sequence[Secret]],
        scheme: Scheme = STANDARD_WEBHOOKS,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._secrets = secrets
        self._scheme = scheme
        self._rejection: int | None = None
        self._arrivals: list[Arrival] = []
        self._lock = threading.Lock()
        self._server = _Server((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``; any path below it is received."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """What has arrived so far, in order."""
        with self._lock:
            return tuple(self._arrivals)

    def reject(self, status: int | None = 500) -> None:
        """Answer everything with ``status`` from now on; None verifies again."""
        self._rejection = status

    def start(self) -> Self:
        if self._thread is None:
            self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop and free the port. May be called twice."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Judge and keep one delivery; the status to answer."""
        check = verify(self._scheme, self._secrets(), headers, body, datetime.now(UTC))
        status = self._rejection or (204 if check.accepted else 401)
        with self._lock:
            self._arrivals.append(Arrival(path, headers, body, check, status))
        return status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receiver: LoopbackReceiver) -> None:
        self.receiver = receiver
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENCE_SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= _BODY_LIMIT):
            self._answer(413)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.server.receiver.receive(self.path, headers, self.rfile.read(int(length))))

    def _answer(self, status: int) -> None:
        self.send_response_only(status)
        self.send_header("connection", "close")
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server calls
        """Quiet: the demo prints what matters."""
