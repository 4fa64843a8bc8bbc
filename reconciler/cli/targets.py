"""``CLIENT[/KEY]`` on the command line, and what is asked of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.domain import keytext, names
from reconciler.domain.desired import Desired
from reconciler.domain.observed import Observed
from reconciler.engine.engine import Question
from reconciler.errors import UsageError
from reconciler.planning.reasons import RevocationRequest, RotationRequest

_ADDRESS = re.compile(r"client/([^/]+)(?:/(?:key|webhook)/([^/]+))?\Z")
_INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#/-]{0,62}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MAX_REASON = 200


def parse_target(text: str, item: str = "KEY") -> tuple[str, str | None]:
    """``client``, ``client/item`` or an address ``client/NAME/key/KEY``; ``item`` is KEY or WEBHOOK.

    Raises ``UsageError``.
    """
    match = _ADDRESS.match(text) if text.count("/") != 1 else None
    client, _, rest = text.partition("/")
    key: str | None = rest if "/" in text else None
    if match:
        client, key = match[1], match[2]
    for part in (client, key):
        if part is not None and not names.is_name(part):
            remedy = f"write for example paystack-payouts/{'primary' if item == 'KEY' else 'settlements'}"
            raise UsageError("RC011", f"{text!r} is not CLIENT or CLIENT/{item}", remedy)
    return client, key


def webhook_addresses(texts: Sequence[str], desired: Desired) -> frozenset[str]:
    """The addresses of the declared webhooks that ``CLIENT`` or ``CLIENT/WEBHOOK`` name. Raises ``UsageError``."""
    found: set[str] = set()
    for text in texts:
        client, name = parse_target(text, "WEBHOOK")
        declared = desired.clients.get(client)
        if declared is None:
            remedy = names.one_of(desired.clients, "declare one under clients/")
            raise UsageError("RC007", f"client {client} is not declared", remedy)
        known = [webhook.name for webhook in declared.webhooks]
        if not known or name not in (None, *known):
            what = f"no webhook {name}" if name else "no webhook"
            raise UsageError("RC025", f"client {client} declares {what}", names.one_of(known, "declare one first"))
        found |= {names.webhook_address(client, one) for one in known if name in (None, one)}
    return frozenset(found)


def rotation_question(desired: Desired, observed: Observed, client: str, key: str | None, reason: str) -> Question:
    """A plan for the keys of one client alone; other changes of its declaration wait for apply.

    Raises ``UsageError`` for a client or key that is not declared and registered.
    """
    reason = parse_reason(reason)
    declared = desired.clients.get(client)
    if declared is None or client not in observed.records:
        known = set(desired.clients) & set(observed.records)
        remedy = names.one_of(known, "none is both: reconciler apply registers what is declared")
        raise UsageError("RC361", f"client {client} is not declared and registered", remedy)
    keys = [one.name for one in declared.keys]
    if key is not None and key not in keys:
        remedy = names.one_of(keys, "it declares none: declare the key and apply that first")
        raise UsageError("RC362", f"client {client} has no key {key}", remedy)
    if declared.state != "active":
        message = f"client {client} is declared {declared.state.value}"
        raise UsageError("RC363", message, "only active clients get new versions")
    wanted = [one for one in keys if key in (None, one)]
    return Question(
        desired,
        only=frozenset({client}),
        addresses=frozenset(names.key_address(client, one) for one in wanted),
        rotations={client: RotationRequest(client, key, reason)},
    )


def parse_revocation(target: str, reason: str, incident: str | None) -> RevocationRequest:
    """Raises ``UsageError`` for words that do not belong into the evidence."""
    client, key = parse_target(target)
    if incident is not None and not _INCIDENT.match(incident):
        raise UsageError("RC013", f"--incident {incident!r} is not an id", "write for example INC-1234")
    return RevocationRequest(client, key, parse_reason(reason), incident)


def parse_reason(text: str) -> str:
    """A line of 1 to 200 characters, fit for the evidence. Raises ``UsageError``."""
    if not text.strip() or len(text) > MAX_REASON or _CONTROL.search(text):
        raise UsageError("RC012", "--reason must be a line of 1 to 200 characters", "say why in a few words")
    if keytext.PATTERN.search(text):
        raise UsageError(
            "RC012", "--reason holds a key or a signing secret", "leave it out: the evidence is for others"
        )
    return text.strip()
