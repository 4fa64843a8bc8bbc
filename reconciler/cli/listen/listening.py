"""The loop of ``listen``: shows what arrives until it is asked to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconciler.adapters.receiving.listening import Listening, Note
from reconciler.adapters.receiving.secret_sources import SecretSource
from reconciler.adapters.system.signals import handling, heeds_interrupts
from reconciler.cli.output import Settings, emit, say
from reconciler.domain.declared.schemes import Scheme
from reconciler.domain.secrecy import mask_secrets
from reconciler.report.text.escape import terminal
from reconciler.report.webhooks.received_json import listening_line, received_line
from reconciler.report.webhooks.received_text import received_text, summarise_received
from reconciler.webhooks.signature.receiving import HeldSecret, Judgement, Received

_TICK_SECONDS = 0.2
_UNVERIFIED = (
    "nothing will be verified: no secret was given. Name one with --secret-from (env:NAME,"
    " file:PATH, vault:ENV/CLIENT/WEBHOOK, or - for stdin); until then every delivery is"
    " answered 401"
)


def run(
    settings: Settings,
    scheme: Scheme,
    found: Sequence[SecretSource],
    *,
    port: int,
    status: int | None,
    count: int | None,
    form: str,
) -> int:
    """Show deliveries until ``count`` of them, Ctrl-C or SIGTERM. Raises ``ReconcilerError``."""
    listening = Listening(scheme, found, port=port, status=status)
    results: list[Judgement] = []
    with _until_signal() as asked:
        try:
            listening.start()
            _introduce(settings, listening, found, form)
            for arrived in _arriving(listening, asked):
                if isinstance(arrived, Note):
                    say(settings, terminal(mask_secrets(arrived.text)))
                    continue
                emit(_show(settings, listening, arrived, form), form)
                results.append(arrived.judgement)
                if len(results) == count:
                    break
        finally:
            listening.stop()
    say(settings, f"stopped after {summarise_received(results)}")
    return 0


def _arriving(listening: Listening, asked: threading.Event) -> Iterator[Received | Note]:
    """Until it is ``asked`` to end; what was answered by then is shown, too."""
    while not asked.is_set():
        if (arrived := listening.next(_TICK_SECONDS)) is not None:
            yield arrived
    listening.stop()
    while (arrived := listening.next(0)) is not None:
        yield arrived


def _introduce(
    settings: Settings,
    listening: Listening,
    found: Sequence[SecretSource],
    form: str,
) -> None:
    held = listening.held
    if form == "json":
        emit(listening_line(listening.url, listening.scheme, held), form)
    else:
        emit(f"listening at {listening.url}, scheme {listening.scheme.name}, {_count(held)}")
    for source in found:
        if source.warning:
            say(settings, terminal(f"warning: {source.warning}"))
    if not found:
        say(settings, _UNVERIFIED)
    elif not held:
        say(settings, "no secret has been issued yet: it is read again with every delivery")
    say(settings, "Ctrl-C ends it" if heeds_interrupts() else "SIGTERM ends it")


def _count(held: Sequence[HeldSecret]) -> str:
    return f"{len(held) or 'no'} secret{'' if len(held) == 1 else 's'}"


def _show(
    settings: Settings,
    listening: Listening,
    received: Received,
    form: str,
) -> str:
    if form == "json":
        return received_line(received, listening.scheme)
    return received_text(
        received,
        listening.scheme,
        width=settings.width,
        colour=settings.colour,
        verbose=settings.verbose,
    )


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """Set by Ctrl-C and SIGTERM: here they are how it ends, and no failure."""
    asked = threading.Event()
    with handling(lambda _number, _frame: asked.set(), signal.SIGINT, signal.SIGTERM):
        yield asked
