"""With which secrets deliveries are verified, and by which scheme: what options and the declaration
say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TextIO

from reconciler.adapters.receiving.secret_sources import STDIN, VAULT, SecretSource, local_source
from reconciler.app.project import load_desired, load_environment
from reconciler.app.wiring import connect_live
from reconciler.app.workplace import Workplace
from reconciler.domain.declared.desired import DesiredClient, DesiredWebhook
from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS, Scheme
from reconciler.domain.kinds.credentials import SIGNING_SECRET
from reconciler.domain.values.duration import parse_duration
from reconciler.domain.values.names import is_name, one_of
from reconciler.errors import UsageError
from reconciler.webhooks.signature.receiving import HeldSecret

# A sender waits for our answer while Vault is read again.
_VAULT_PATIENCE = timedelta(seconds=3)
_HELP = "reconciler listen --help shows what it takes"

# Only a webhook that is named by ENV/CLIENT/WEBHOOK needs a project.
Find = Callable[[], Workplace]


def secret_sources(
    find: Find,
    given: Sequence[str],
    stack: ExitStack,
    environ: Mapping[str, str],
    stdin: TextIO,
) -> list[SecretSource]:
    """Where the secrets come from; connections to Vault live as long as ``stack``.

    Raises ``ReconcilerError``.
    """
    if given.count(STDIN) > 1:
        raise _usage_error(
            "stdin can be read once: give --secret-from - once, with one secret a line"
        )
    return [
        (
            _vault_source(find, text, stack)
            if text.startswith(VAULT)
            else local_source(text, environ, stdin)
        )
        for text in given
    ]


def choose_scheme(
    find: Find,
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
        raise _usage_error("leave out --scheme: the webhook that is named declares its scheme")
    schemes = [_find_declared(find, target)[1].scheme for target in declared]
    if any(one != schemes[0] for one in schemes):
        raise _usage_error(
            "the webhooks that are named are signed by different schemes: listen to one at a time"
        )
    scheme = schemes[0] if schemes else SCHEMES[name] if name else STANDARD_WEBHOOKS
    if tolerance is None:
        return scheme
    if not scheme.timed:
        raise _usage_error(f"leave out --tolerance: the scheme {scheme.name} has no timestamp")
    try:
        length = parse_duration(tolerance)
    except ValueError as error:
        raise _usage_error(f"--tolerance: {error}") from None
    if not length:
        raise _usage_error("--tolerance must be longer than nothing")
    return replace(scheme, tolerance=length)


def _find_declared(find: Find, target: str) -> tuple[DesiredClient, DesiredWebhook]:
    """A webhook by ``ENV/CLIENT/WEBHOOK``.

    Raises ``UsageError`` RC034 and what loading the declaration raises.
    """
    environment, client, webhook = _parts(target)
    desired = load_desired(find().root, environment)
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


def _vault_source(
    find: Find,
    text: str,
    stack: ExitStack,
) -> SecretSource:
    """The versions that can be read, with the token of this environment.

    A deliverer's is enough.
    """
    from reconciler.adapters.vault.signing_secrets import readable_versions

    target = text.removeprefix(VAULT)
    client, webhook = _find_declared(find, target)
    workplace = find()
    _, environment = load_environment(workplace.root, _parts(target)[0])
    vault = replace(environment.vault, timeout=_VAULT_PATIENCE, patience=_VAULT_PATIENCE)
    live = stack.enter_context(connect_live(workplace, replace(environment, vault=vault)))

    def read() -> list[HeldSecret]:
        # A renamed client keeps the paths of its first name.
        for name in filter(None, (client.name, client.renamed_from)):
            found = readable_versions(live, SIGNING_SECRET.path(name, webhook.name))
            if found:
                return [HeldSecret(secret, text, number) for number, secret in found]
        return []

    return SecretSource(text, read, changes=True)


def _usage_error(message: str) -> UsageError:
    return UsageError("RC021", message, _HELP)
