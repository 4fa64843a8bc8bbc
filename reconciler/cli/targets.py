"""``CLIENT[/KEY]`` on the command line, and what is asked of it."""

from __future__ import annotations

import re

from reconciler.domain import keytext, names
from reconciler.domain.desired import Desired
from reconciler.domain.observed import Observed
from reconciler.engine.engine import Question
from reconciler.errors import UsageError
from reconciler.planning.reasons import RevocationRequest, RotationRequest

_ADDRESS = re.compile(r"client/([^/]+)(?:/key/([^/]+))?\Z")
_INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#/-]{0,62}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MAX_REASON = 200


def parse_target(text: str) -> tuple[str, str | None]:
    """``client``, ``client/key`` or an address ``client/NAME/key/KEY``. Raises ``UsageError``."""
    match = _ADDRESS.match(text) if text.count("/") != 1 else None
    client, _, rest = text.partition("/")
    key: str | None = rest if "/" in text else None
    if match:
        client, key = match[1], match[2]
    for part in (client, key):
        if part is not None and not names.is_name(part):
            remedy = "write for example paystack-payouts/primary"
            raise UsageError("RC011", f"{text!r} is not CLIENT or CLIENT/KEY", remedy)
    return client, key


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
