"""A webhook receiver on loopback, as a partner would build one: for ``reconciler demo``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from reconciler.adapters.receiving.loopback import LoopbackAnswer, LoopbackRequest, LoopbackServer
from reconciler.dataclass import dataclass
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS, Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.verification import SignatureCheck, verify

_BODY_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery as it came in; ``status`` is what was answered. Header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    check: SignatureCheck
    status: int


class LoopbackReceiver:
    """Verifies signatures by ``scheme`` against the secrets that ``secrets()`` gives at that
    moment.

    Answers 204 to a genuine delivery, 401 to any other, and the status of ``reject`` while that is
    set.
    """

    def __init__(
        self,
        secrets: Callable[[], Sequence[Secret]],
        scheme: Scheme = STANDARD_WEBHOOKS,
        *,
        port: int = 0,
    ) -> None:
        self._secrets = secrets
        self._scheme = scheme
        self._rejection: int | None = None
        self._arrivals: list[Arrival] = []
        self._lock = threading.Lock()
        self._server = LoopbackServer(self._answer, port=port, body_limit=_BODY_LIMIT)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``; any path below it is received."""
        return self._server.url

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """What has arrived so far, in order."""
        with self._lock:
            return tuple(self._arrivals)

    def reject(self, status: int | None = 500) -> None:
        """Answer everything with ``status`` from now on; None verifies again."""
        self._rejection = status

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop and free the port. May be called twice."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Judge and keep one delivery; the status to answer."""
        check = verify(self._scheme, self._secrets(), headers, body, datetime.now(UTC))
        status = self._rejection or (204 if check.accepted else 401)
        with self._lock:
            self._arrivals.append(
                Arrival(
                    path,
                    headers,
                    body,
                    check,
                    status,
                )
            )
        return status

    def _answer(self, request: LoopbackRequest) -> LoopbackAnswer:
        if request.method != "POST":
            return LoopbackAnswer(405, allow="POST")
        return LoopbackAnswer(self.receive(request.path, request.headers, request.body))
