"""The receiver of ``reconciler listen``: judges what arrives on loopback and hands it over to be
shown, in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from reconciler.adapters.receiving.loopback import LoopbackAnswer, LoopbackRequest, LoopbackServer
from reconciler.adapters.receiving.secret_sources import SecretSource
from reconciler.dataclass import dataclass
from reconciler.domain.declared.schemes import Scheme
from reconciler.domain.secrecy import beginning
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import ReconcilerError
from reconciler.webhooks.signature.receiving import (
    NOT_VERIFIED,
    HeldSecret,
    Judgement,
    Received,
    judge_delivery,
    unusable_secret,
)

BODY_LIMIT = 1024 * 1024
# What waits to be shown. When nobody reads our output, senders wait, too, instead of memory filling
# up.
_WAITING = 32
_HELP = """\
This is `reconciler listen`. It verifies webhook deliveries that are sent here by POST, to any path, and shows them
where it was started. It answers 204 to a genuine delivery and 401 to any other.
"""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about what was no delivery, or about the secrets."""

    text: str


class Listening:
    """A receiver with the secrets of ``sources``. What changes is read again when a delivery does
    not verify, so a rotation is picked up. ``status``: the answer to every delivery, None: as a
    right receiver answers.

    Raises ``ReconcilerError`` RC031 and RC032 for secrets that cannot be read or used, RC033 for a
    port.
    """

    def __init__(
        self,
        scheme: Scheme,
        sources: Sequence[SecretSource],
        *,
        port: int,
        status: int | None,
    ) -> None:
        self.scheme = scheme
        self._sources = sources
        self._status = status
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._waiting: queue.Queue[Received | Note] = queue.Queue(_WAITING)
        self._number = 0
        self._proven = False
        self._by_source = {number: _usable(scheme, source) for number, source in enumerate(sources)}
        self._ever: dict[str, Secret] = {}
        self._remember()
        try:
            self._server = LoopbackServer(
                self._answer, port=port, body_limit=BODY_LIMIT, refused=self._note_refusal
            )
        except OSError as error:
            remedy = (
                "end the program that uses it, or choose another: --port N, or --port 0 for any"
                " free one"
            )
            raise ReconcilerError(
                "RC033", f"port {port} cannot be used: {error.strerror}", remedy
            ) from None

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def held(self) -> tuple[HeldSecret, ...]:
        """The secrets in the order of their sources."""
        return tuple(one for number in sorted(self._by_source) for one in self._by_source[number])

    @property
    def ever_held(self) -> tuple[Secret, ...]:
        """Also those of before a rotation: none of them may be shown."""
        return tuple(self._ever.values())

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Free the port; may be called twice.

        What was answered can still be asked for with ``next``.
        """
        self._server.stop()
        self._closing.set()

    def next(self, seconds: float) -> Received | Note | None:
        """What arrived next, None when nothing did for so long."""
        try:
            return self._waiting.get(timeout=seconds)
        except queue.Empty:
            return None

    def _answer(self, request: LoopbackRequest) -> LoopbackAnswer:
        if request.method in ("GET", "HEAD"):
            return LoopbackAnswer(200, _HELP)
        if request.method != "POST":
            self._tell(
                Note(
                    f"{request.method} {beginning(request.path, 200)}: answered 405, deliveries"
                    " come by POST"
                )
            )
            return LoopbackAnswer(405, allow="POST")
        with self._lock:
            return LoopbackAnswer(self._receive(request))

    def _receive(self, request: LoopbackRequest) -> int:
        judgement = self._judge(request)
        if judgement.reason in (NOT_VERIFIED, "SignatureMismatch") and self._read_again():
            judgement = self._judge(request)
        self._proven = self._proven or (judgement.accepted is True and judgement.test)
        status = self._status or (204 if judgement.accepted else 401)
        self._number += 1
        self._tell(
            Received(
                self._number,
                datetime.now(UTC),
                request.method,
                request.path,
                request.headers,
                request.body,
                judgement,
                status,
            )
        )
        return status

    def _judge(self, request: LoopbackRequest) -> Judgement:
        now = datetime.now(UTC)  # a receiver has no clock but its own
        return judge_delivery(
            self.scheme, self.held, request.headers, request.body, now, proven=self._proven
        )

    def _read_again(self) -> bool:
        """Whether there are other secrets now.

        What cannot be read stays as it was, and that is told.
        """
        before = [one.secret.sha256() for one in self.held]
        for number, source in enumerate(self._sources):
            if source.changes:
                try:
                    self._by_source[number] = _usable(self.scheme, source)
                except ReconcilerError as error:
                    self._tell(
                        Note(f"{source.name} cannot be read again: {error.code}: {error.message}")
                    )
        self._remember()
        return [one.secret.sha256() for one in self.held] != before

    def _remember(self) -> None:
        self._ever.update({one.secret.sha256(): one.secret for one in self.held})

    def _note_refusal(self, status: int, why: str) -> None:
        self._tell(Note(f"a request was answered {status}: {why}"))

    def _tell(self, what: Received | Note) -> None:
        while not self._closing.is_set():
            with suppress(queue.Full):
                self._waiting.put(what, timeout=0.2)
                return


def _usable(scheme: Scheme, source: SecretSource) -> list[HeldSecret]:
    """Raises ``ReconcilerError`` RC032 for the first secret that the scheme cannot use."""
    found = source.read()
    for why in _faults(scheme, found):
        raise ReconcilerError(
            "RC032",
            f"the secret of {source.name} cannot be used with the scheme {scheme.name}: {why}",
            "give it as it is in Vault, or name the sender's scheme with --scheme",
        )
    return found


def _faults(scheme: Scheme, held: Iterable[HeldSecret]) -> Iterable[str]:
    return (why for one in held if (why := unusable_secret(scheme, one.secret)))
