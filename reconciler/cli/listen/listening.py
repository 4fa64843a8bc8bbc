"""What ``listen`` is made of: its secrets, its scheme, and the loop that shows what arrives."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import click

from reconciler.adapters.receiving.listening import Listening, Note
from reconciler.adapters.receiving.secret_sources import STDIN, VAULT, SecretSource, local_source
from reconciler.adapters.system.signals import handling, heeds_interrupts
from reconciler.cli import wiring
from reconciler.cli.output import Settings, emit, say
from reconciler.domain.declared.desired import DesiredClient, DesiredWebhook
from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS, Scheme
from reconciler.domain.secrecy import masked
from reconciler.domain.values.duration import parse_duration
from reconciler.domain.values.names import is_name, one_of
from reconciler.errors import UsageError
from reconciler.report.text.escape import terminal
from reconciler.report.webhooks.received_json import listening_line, received_line
from reconciler.report.webhooks.received_text import received_text, summary
from reconciler.webhooks.signature.receiving import HeldSecret, Judgement, Received

# A sender waits for our answer while Vault is read again.
_VAULT_PATIENCE = timedelta(seconds=3)
_TICK_SECONDS = 0.2
_UNVERIFIED = (
    "nothing will be verified: no secret was given. Name one with --secret-from (env:NAME,"
    " file:PATH, vault:ENV/CLIENT/WEBHOOK, or - for stdin); until then every delivery is"
    " answered 401"
)


def sources(settings: Settings, given: Sequence[str], stack: ExitStack) -> list[SecretSource]:
    """Where the secrets come from; connections to Vault live as long as ``stack``.

    Raises ``ReconcilerError``.
    """
    if given.count(STDIN) > 1:
        raise click.UsageError(
            "stdin can be read once: give --secret-from - once, with one secret a line"
        )
    return [
        (
            _vault_source(settings, text, stack)
            if text.startswith(VAULT)
            else local_source(text, os.environ, sys.stdin)
        )
        for text in given
    ]


def chosen_scheme(
    settings: Settings,
    name: str | None,
    webhook: str | None,
    given: Sequence[str],
    tolerance: str | None,
) -> Scheme:
    """The scheme that was named, or the one that the webhooks declare.

    Raises ``ReconcilerError``.
    """
    declared = [text.removeprefix(VAULT) for text in given if text.startswith(VAULT)] + (
        [webhook] if webhook else []
    )
    if name is not None and declared:
        raise click.UsageError("leave out --scheme: the webhook that is named declares its scheme")
    schemes = [_declared(settings, target)[1].scheme for target in declared]
    if any(one != schemes[0] for one in schemes):
        raise click.UsageError(
            "the webhooks that are named are signed by different schemes: listen to one at a time"
        )
    scheme = schemes[0] if schemes else SCHEMES[name] if name else STANDARD_WEBHOOKS
    if tolerance is None:
        return scheme
    if not scheme.timed:
        raise click.UsageError(f"leave out --tolerance: the scheme {scheme.name} has no timestamp")
    try:
        length = parse_duration(tolerance)
    except ValueError as error:
        raise click.UsageError(f"--tolerance: {error}") from None
    if not length:
        raise click.UsageError("--tolerance must be longer than nothing")
    return replace(scheme, tolerance=length)


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
                    say(settings, terminal(masked(arrived.text)))
                    continue
                emit(_shown(settings, listening, arrived, form), form)
                results.append(arrived.judgement)
                if len(results) == count:
                    break
        finally:
            listening.stop()
    say(settings, f"stopped after {summary(results)}")
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
    settings: Settings, listening: Listening, found: Sequence[SecretSource], form: str
) -> None:
    held = listening.held
    if form == "json":
        emit(listening_line(listening.url, listening.scheme, held), form)
    else:
        emit(f"listening at {listening.url}, scheme {listening.scheme.name}, {_counted(held)}")
    for source in found:
        if source.warning:
            say(settings, terminal(f"warning: {source.warning}"))
    if not found:
        say(settings, _UNVERIFIED)
    elif not held:
        say(settings, "no secret has been issued yet: it is read again with every delivery")
    say(settings, "Ctrl-C ends it" if heeds_interrupts() else "SIGTERM ends it")


def _counted(held: Sequence[HeldSecret]) -> str:
    return f"{len(held) or 'no'} secret{'' if len(held) == 1 else 's'}"


def _shown(settings: Settings, listening: Listening, received: Received, form: str) -> str:
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


def _declared(settings: Settings, target: str) -> tuple[DesiredClient, DesiredWebhook]:
    """A webhook by ``ENV/CLIENT/WEBHOOK``.

    Raises ``UsageError`` RC034 and what loading the declaration raises.
    """
    environment, client, webhook = _parts(target)
    desired = wiring.load_desired(wiring.project_root(settings), environment)
    if client not in desired.clients:
        remedy = one_of(desired.clients, "declare it, or name an environment where it exists")
        raise UsageError("RC034", f"no client {client} is declared in {environment}", remedy)
    hooks = {one.name: one for one in desired.clients[client].webhooks}
    if webhook not in hooks:
        raise UsageError(
            "RC034",
            f"client {client} declares no webhook {webhook}",
            one_of(hooks, "it declares none"),
        )
    return desired.clients[client], hooks[webhook]


def _parts(target: str) -> tuple[str, str, str]:
    parts = target.split("/")
    if len(parts) != 3 or not all(is_name(part) for part in parts):
        remedy = "write for example staging/paystack-payouts/settlements"
        raise UsageError("RC034", "a webhook is named by ENV/CLIENT/WEBHOOK", remedy)
    return parts[0], parts[1], parts[2]


def _vault_source(settings: Settings, text: str, stack: ExitStack) -> SecretSource:
    """The versions that can be read, with the token of this environment.

    A deliverer's is enough.
    """
    from reconciler.adapters.vault.signing_secrets import readable_versions

    target = text.removeprefix(VAULT)
    client, webhook = _declared(settings, target)
    _, environment = wiring.load_environment(wiring.project_root(settings), _parts(target)[0])
    vault = replace(environment.vault, timeout=_VAULT_PATIENCE, patience=_VAULT_PATIENCE)
    live = stack.enter_context(wiring.connected(replace(environment, vault=vault)))

    def read() -> list[HeldSecret]:
        # A renamed client keeps the paths of its first name.
        for name in filter(None, (client.name, client.renamed_from)):
            found = readable_versions(live, f"webhooks/{name}.{webhook.name}")
            if found:
                return [HeldSecret(secret, text, number) for number, secret in found]
        return []

    return SecretSource(text, read, changes=True)
