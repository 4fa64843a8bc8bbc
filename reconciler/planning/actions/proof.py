"""Whether webhooks must prove themselves and whether a client may turn active."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconciler.domain.declared.desired import ClientState, DesiredClient, DesiredWebhook
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import SIGNING_SECRET, CredentialKind
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Series,
    WebhookRecord,
    verification_digest,
)
from reconciler.domain.plan.plan import Action
from reconciler.domain.values import names
from reconciler.domain.values.canonical import iso
from reconciler.errors import Address
from reconciler.planning.actions.reasons import Cause, Reason
from reconciler.planning.actions.series import SeriesPlan

# The code of a delivery that was answered with 410.
GONE = "RC514"


def plan_proof(
    desired: DesiredClient,
    record: ClientRecord | None,
    plans: Mapping[tuple[CredentialKind, str], SeriesPlan],
    actions: Sequence[Action],
    verifications: Collection[str] = (),
) -> list[Action]:
    """``verify-webhook`` for each webhook that has to prove itself, ``activate-client`` when all
    can.

    ``actions`` are those planned so far: an endpoint that is being changed proves itself
    afterwards. ``verifications`` are the addresses of webhooks that somebody asked to have proven,
    whether they have or not.
    """
    live = None if record is None or record.status is ClientStatus.RETIRED else record
    changed = {
        action.item
        for action in actions
        if action.kind is ActionKind.UPDATE_WEBHOOK and action.after
    }
    proofs: list[Action] = []
    provable = True
    for webhook in desired.webhooks:
        series = plans[SIGNING_SECRET, webhook.name]
        if not series.usable:
            provable = False
            continue
        known = live.webhooks.get(webhook.name) if live else None
        # what the record says of it cannot be trusted
        known = None if live and live.edited else known
        requested = names.webhook_address(desired.name, webhook.name) in verifications
        cause = _must_verify(
            desired,
            webhook,
            known,
            live.series_of(SIGNING_SECRET, webhook.name) if live else Series(),
            series,
            changed=webhook.name in changed,
            requested=requested,
        )
        if cause is not None:
            proofs.append(_verify(desired, webhook, cause))
        elif known is not None and has_answered_gone(known):
            provable = False
    doubted = bool(changed) or (live is not None and live.edited)
    why = _may_activate(
        desired, live, plans, provable=provable, changed=doubted, proofs=bool(proofs)
    )
    if why is not None:
        proofs.append(
            why.action(
                ActionKind.ACTIVATE_CLIENT,
                names.client_address(desired.name),
                client=desired.name,
            )
        )
    return proofs


def has_answered_gone(known: WebhookRecord) -> bool:
    """Whether the receiver said that it does not want to be called any more: then it is not, until
    the declaration or a person says otherwise (Standard Webhooks 1.0.0: 410 disables)."""
    return known.last_delivery is not None and known.last_delivery.code == GONE


def tell_signatures(desired: DesiredClient, action: Action) -> Action:
    """``action``; a rotation whose scheme has room for one signature says what that means for the
    receiver."""
    named = (one for one in desired.webhooks if action.address == _secret_address(desired, one))
    webhook = next(named, None)
    if action.kind is not ActionKind.ROTATE_SECRET or webhook is None or webhook.scheme.several:
        return action
    message = (
        f"{action.message}; {webhook.scheme.name} has room for one signature: from now on the new"
        " secret signs alone"
    )
    return replace(action, message=message)


def _must_verify(
    desired: DesiredClient,
    webhook: DesiredWebhook,
    known: WebhookRecord | None,
    secret: Series,
    series: SeriesPlan,
    *,
    changed: bool,
    requested: bool,
) -> Cause | None:
    if known is None or (known.verified_digest is None and known.last_delivery is None):
        return Cause(Reason.NOT_VERIFIED, f"{webhook.url} has not proven itself yet")
    if changed:
        return Cause(Reason.ENDPOINT_CHANGED, f"{webhook.url} must prove itself again")
    if requested:
        return Cause(Reason.VERIFICATION_REQUESTED, f"asked for: {webhook.url} proves itself again")
    if has_answered_gone(known):
        return None
    if known.last_delivery is not None and not known.last_delivery.accepted:
        runs = "1 run" if known.failures == 1 else f"{known.failures} runs"
        since = f" (since {iso(known.failing_since)}, {runs})" if known.failing_since else ""
        return Cause(
            Reason.VERIFICATION_FAILED,
            f"{webhook.url} did not prove itself{since}: {known.last_delivery.message}",
        )
    if known.verified_digest is None:  # a run changed the endpoint and was cut short
        return Cause(Reason.NOT_VERIFIED, f"{webhook.url} has not proven itself yet")
    if series.renewed:
        alone = "" if webhook.scheme.several else " alone: it has to know it already"
        return Cause(
            Reason.SECRET_ROTATED,
            f"{webhook.url} must prove itself with the new signing secret{alone}",
        )
    if known.verified_digest != verification_digest(desired.spec, webhook.name, secret):
        return Cause(
            Reason.SECRET_ROTATED, f"the signing secret changed since {webhook.url} proved itself"
        )
    return None


def _secret_address(desired: DesiredClient, webhook: DesiredWebhook) -> Address:
    return SIGNING_SECRET.address(desired.name, webhook.name)


def _verify(desired: DesiredClient, webhook: DesiredWebhook, cause: Cause) -> Action:
    return cause.action(
        ActionKind.VERIFY_WEBHOOK,
        names.webhook_address(desired.name, webhook.name),
        client=desired.name,
        item=webhook.name,
    )


def _may_activate(
    desired: DesiredClient,
    live: ClientRecord | None,
    plans: Mapping[tuple[CredentialKind, str], SeriesPlan],
    *,
    provable: bool,
    changed: bool,
    proofs: bool,
) -> Cause | None:
    """``proofs``: some webhook proves itself first, in the same run."""
    if live is not None and live.status is ClientStatus.ACTIVE and not changed:
        return None
    needed = [plan for (kind, _), plan in plans.items() if kind.needed]
    if not provable or (needed and not any(plan.usable for plan in needed)):
        return None
    if live is not None and live.status is ClientStatus.SUSPENDED:
        if live.spec.get("state") == ClientState.SUSPENDED:
            return Cause(Reason.RESUMED, "declared active again")
        again = "it has a usable key again"  # a revocation had suspended it
        had = any(plan.usable and not plan.renewed for plan in needed)
        return Cause(Reason.READY, again if had else f"once {again}")
    if not desired.webhooks:
        return Cause(Reason.READY, "it has no webhook to prove")
    proven = "every webhook has proven itself"
    return Cause(Reason.READY, f"once {proven}" if proofs else proven)
