"""What a plan tells of webhooks that are not called any more, or that a rotation is about to
break."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.domain.declared.desired import Desired, DesiredClient
from reconciler.domain.declared.proof import Probe
from reconciler.domain.live.record import VersionState, WebhookRecord, endpoint
from reconciler.domain.values import names
from reconciler.domain.values.canonical import iso
from reconciler.errors import Finding, Level
from reconciler.planning.actions.inputs import Pairs
from reconciler.planning.actions.proof import is_gone


def proof_findings(
    desired: Desired, pairs: Pairs, only: Collection[str] | None
) -> Iterator[Finding]:
    """Endpoints that answered 410, and receivers that do not know the new secret of a rotation
    yet."""
    for name, client in desired.clients.items():
        record = pairs.get(name)
        if record is None or (only is not None and name not in only):
            continue
        for webhook in client.webhooks:
            known = record.webhooks.get(webhook.name)
            if known is not None and endpoint(record.spec, webhook.name) == endpoint(
                client.spec, webhook.name
            ):
                address = names.webhook_address(name, webhook.name)
                yield from _gone(client, known, address)
                yield from _old_secret_only(client, known, address)


def _gone(client: DesiredClient, known: WebhookRecord, address: str) -> Iterator[Finding]:
    if not is_gone(known) or known.last_delivery is None:
        return
    target = address.removeprefix("client/").replace("/webhook/", "/")
    yield Finding(
        "RC365",
        Level.WARNING,
        f"the receiver answered 410 (gone) on {iso(known.last_delivery.at)} and is not called any"
        " more",
        address,
        "declare the new URL or remove the webhook; to have it called once more, run reconciler"
        f" apply -e ENV --verify {target}",
        client.source,
    )


def _old_secret_only(
    client: DesiredClient, known: WebhookRecord, address: str
) -> Iterator[Finding]:
    """A rotation must not break a receiver; its grace is the time to find out."""
    last = known.last_delivery
    told = {one.probe: one.passed for one in last.probes} if last is not None else {}
    retiring = [
        one for one in known.secret.in_state(VersionState.RETIRING) if one.grace_until is not None
    ]
    if told.get(Probe.NEW_SECRET) is not False or not retiring:
        return
    until = iso(max(one.grace_until for one in retiring if one.grace_until is not None))
    yield Finding(
        "RC366",
        Level.WARNING,
        f"the receiver does not know the new signing secret yet; the old one ends {until}",
        address,
        "let it read the new secret from Vault before that, then prove it: reconciler test shows"
        " whether it does",
        client.source,
    )
