"""``CLIENT[/KEY|/WEBHOOK]`` on the command line, and what is asked of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import ClientState, Desired
from reconciler.domain.kinds.credentials import (
    CREDENTIAL_KINDS,
    KEY,
    CredentialKind,
    list_kinds,
)
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import endpoint
from reconciler.domain.secrecy import holds_secret, mask_secrets
from reconciler.domain.values import names
from reconciler.errors import NOWHERE, Address, UsageError
from reconciler.planning.actions.inputs import Question
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest, kind_of
from reconciler.report.text.escape import clip

_INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#/-]{0,62}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MAX_REASON = 200
NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Target:
    """A client, or one key or webhook of it.

    ``kind`` None: it is not said which of the two ``item`` is. ``text`` is how it was written.
    """

    client: str
    item: str | None = None
    kind: CredentialKind | None = None
    text: str = ""


def parse_target(text: str, item: str = "KEY or CLIENT/WEBHOOK") -> Target:
    """``client``, ``client/item``, or an address: ``client/NAME/key/KEY``,
    ``client/NAME/webhook/WEBHOOK``.

    ``item`` is what is told of the form. Raises ``UsageError``.

    >>> target = parse_target("paystack-payouts/primary")
    >>> target.client, target.item, target.kind
    ('paystack-payouts', 'primary', None)
    """
    client, _, rest = text.partition("/")
    target = Target(client, rest if "/" in text else None, text=text)
    address = Address.read(text) if text.count("/") != 1 else NOWHERE
    kind = CREDENTIAL_KINDS.get(address.word)
    if kind is not None and address.part in ("", kind.part):
        target = Target(address.client, address.item, kind, text)
    for part in (target.client, target.item):
        if part is not None and not names.is_name(part):
            remedy = (
                "write for example"
                f" paystack-payouts/{'settlements' if item == 'WEBHOOK' else 'primary'}"
            )
            raise UsageError("RC011", f"{text!r} is not CLIENT or CLIENT/{item}", remedy)
    return target


def webhook_addresses(texts: Sequence[str], desired: Desired) -> frozenset[str]:
    """The addresses of the declared webhooks that ``CLIENT`` or ``CLIENT/WEBHOOK`` name.

    Raises ``UsageError``.
    """
    found: set[str] = set()
    for text in texts:
        target = parse_target(text, "WEBHOOK")
        client, name = target.client, target.item
        declared = desired.clients.get(client)
        if declared is None:
            remedy = names.one_of(desired.clients, "declare one under clients/")
            raise UsageError("RC007", f"client {client} is not declared", remedy)
        known = [webhook.name for webhook in declared.webhooks]
        if not known or name not in (None, *known):
            what = f"no webhook {name}" if name else "no webhook"
            raise UsageError(
                "RC025",
                f"client {client} declares {what}",
                names.one_of(known, "declare one first"),
            )
        found |= {names.webhook_address(client, one) for one in known if name in (None, one)}
    return frozenset(found)


def rotation_question(
    desired: Desired,
    observed: Observed,
    target: Target,
    reason: str,
) -> Question:
    """A plan for the keys of one client, or one of them, or the signing secret of one webhook.
    Other changes of its declaration wait for apply.

    Raises ``UsageError`` for a client, key or webhook that is not declared and registered.
    """
    reason, client = parse_reason(reason), target.client
    declared, record = desired.clients.get(client), observed.records.get(client)
    if declared is None or record is None:
        both = set(desired.clients) & set(observed.records)
        remedy = names.one_of(
            both, "no client is declared and registered yet: run reconciler apply first"
        )
        raise UsageError("RC361", f"client {client} is not declared and registered", remedy)
    if declared.state is not ClientState.ACTIVE:
        message = f"client {client} is declared {declared.state.value}"
        raise UsageError("RC363", message, "only active clients get new versions")
    kind, addresses = KEY, {KEY.address(client, one.name) for one in declared.keys}
    if (item := target.item) is not None:
        known = {
            kind: [name for one, name, _ in declared.lives() if one is kind]
            for kind in list_kinds()
        }
        kind = kind_of(client, item, target.kind, known)
        addresses = {kind.address(client, item)}
        if endpoint(record.spec, item) == endpoint(declared.spec, item):
            # a webhook proves itself with the new secret
            addresses.add(kind.owner_address(client, item))
    return Question(
        desired,
        only=frozenset({client}),
        addresses=frozenset(addresses),
        rotations={client: RotationRequest(client, target.item, reason, kind)},
    )


def parse_revocation(
    target: str,
    reason: str,
    incident: str | None,
) -> RevocationRequest:
    """Raises ``UsageError`` for a target or an incident that is none; never because of the
    reason."""
    asked = parse_target(target)
    if incident is not None and not _INCIDENT.match(incident):
        raise UsageError(
            "RC013", f"--incident {incident!r} is not an id", "write for example INC-1234"
        )
    recorded = incident and mask_secrets(incident)
    return RevocationRequest(asked.client, asked.item, clean_reason(reason), recorded, asked.kind)


def clean_reason(text: str) -> str:
    """What of a reason goes into the evidence: one line of at most 200 characters, without secrets.
    Whoever revokes in an emergency is not sent back to find other words."""
    line = " ".join(_CONTROL.sub(" ", mask_secrets(text)).split())
    return clip(line, MAX_REASON) or NO_REASON


def parse_reason(text: str) -> str:
    """A line of 1 to 200 characters, fit for the evidence. Raises ``UsageError``."""
    if not text.strip() or len(text) > MAX_REASON or _CONTROL.search(text):
        raise UsageError(
            "RC012", "--reason must be a line of 1 to 200 characters", "say why in a few words"
        )
    if holds_secret(text):
        raise UsageError(
            "RC012",
            "--reason holds what looks like a secret",
            "leave it out: others read the report",
        )
    return text.strip()
