"""What a plan tells besides its actions and what blocks it: drift, things left lying about, numbers
without effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from reconciler.domain.declared.desired import Desired, DesiredClient, Lifecycle
from reconciler.domain.declared.proof import Probe
from reconciler.domain.kinds.credentials import SIGNING_SECRET, CredentialKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import Series, VersionState, WebhookRecord, endpoint
from reconciler.domain.plan.plan import Action
from reconciler.domain.values import names
from reconciler.domain.values.canonical import iso
from reconciler.errors import NOWHERE, Address, Finding, Level
from reconciler.planning.actions.inputs import Pairs
from reconciler.planning.actions.proof import has_answered_gone
from reconciler.planning.actions.reasons import DRIFT, Reason
from reconciler.planning.guards.contradictions import find_unrecorded_versions
from reconciler.planning.guards.keeping import keeping_findings
from reconciler.planning.guards.unfinished import unless_open, who_works

_DRIFT_CODES = {
    Reason.SECRET_MISSING: "RC351",
    Reason.SECRET_OVERWRITTEN: "RC352",
    Reason.SECRET_DESTROYED: "RC353",
    Reason.RECORD_EDITED: "RC354",
    Reason.SECRET_METADATA_EDITED: "RC356",
}


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """A fixed order, whatever found them first."""
    return tuple(
        sorted(findings, key=lambda one: (one.level.value, one.code, one.address, one.message))
    )


def drift_findings(actions: Sequence[Action], observed: Observed) -> list[Finding]:
    drifted = [action for action in actions if action.reason in DRIFT]
    findings = [
        Finding(
            _DRIFT_CODES[Reason(action.reason)],
            Level.WARNING,
            action.message,
            action.address,
            "find out who changed it by hand; the plan says what is done about it",
        )
        for action in drifted
    ]
    planned = {action.client for action in drifted if action.reason == Reason.RECORD_EDITED}
    return findings + [
        Finding(
            "RC354",
            Level.WARNING,
            "the record was changed by hand; what it says is not trusted",
            names.client_address(name),
            "find out who changed it by hand; declaring the client restores its record",
        )
        for name, record in observed.records.items()
        if name not in planned
        and (record.edited or any(series.edited for _, _, series in record.all_series()))
    ]


def live_findings(observed: Observed) -> list[Finding]:
    findings = [*unsettled_findings(observed), *keeping_findings(observed)]
    findings += [
        Finding(
            "RC355",
            Level.WARNING,
            f"Vault policy {name} differs from what bootstrap writes",
            NOWHERE,
            "run reconciler bootstrap to restore it",
        )
        for name in observed.policies_edited
    ]
    findings += [
        Finding(
            "RC357",
            Level.NOTE,
            f"{path} is not ours and is left alone",
            NOWHERE,
            unless_open(observed, "remove it if nobody needs it"),
        )
        for path in observed.unmanaged
    ]
    return findings


def unsettled_findings(observed: Observed) -> Iterator[Finding]:
    """What contradicted the registry, while that changed each time it was read."""
    if not observed.unsettled:
        return
    one, *more = sorted(observed.unsettled)
    others = f" and {len(more)} more" if more else ""
    yield Finding(
        "RC308",
        Level.WARNING,
        f"{one}{others} contradicted the registry, which changed each time it was read:"
        f" {who_works(observed)}. Nothing was concluded from them",
        NOWHERE,
        "wait for that run to end, then run the same command again",
    )


def unrecorded_findings(observed: Observed) -> Iterator[Finding]:
    """Versions that can be read and that no history tells of: written by hand, or cut out of the
    record."""
    for _, record in sorted(observed.records.items()):
        for kind, item, series in record.all_series():
            path = record.secret_path(kind, item)
            info = observed.secrets.get(path)
            if info is None:
                continue
            lost = find_unrecorded_versions(series, info)
            if lost:
                numbers = ", ".join(str(number) for number in sorted(lost))
                yield Finding(
                    "RC359",
                    Level.WARNING,
                    f"version {numbers} of {path} can be read and is not on record",
                    kind.address(record.name, item),
                    unless_open(
                        observed,
                        "find out who wrote it, then destroy it with 'bao kv destroy' or 'vault kv"
                        " destroy'",
                    ),
                )


def reissue_findings(
    desired: Desired, pairs: Pairs, only: Collection[str] | None
) -> Iterator[Finding]:
    """A number that is written in advance ends no hold, now or later: say so before it is relied
    on."""
    for name, client in desired.clients.items():
        if only is None or name in only:
            for kind, item, lifecycle in client.lives():
                if lifecycle.reissue_after:
                    record = pairs.get(name)
                    series = record.series_of(kind, item) if record is not None else Series()
                    yield from _without_effect(client, kind, item, lifecycle, series)


def _without_effect(
    client: DesiredClient,
    kind: CredentialKind,
    item: str,
    lifecycle: Lifecycle,
    series: Series,
) -> Iterator[Finding]:
    number, hold = lifecycle.reissue_after, series.hold
    if number <= series.last or (hold is not None and number == hold.version):
        return
    newest = f"the newest version is {series.last}" if series.last else "there is no version yet"
    yield Finding(
        "RC364",
        Level.WARNING,
        f"reissueAfter: {number} on {kind.place.format(item)} names no version that was revoked"
        f" ({newest}): it has no effect",
        kind.address(client.name, item),
        (
            f"write reissueAfter: {hold.version} to have a new version issued"
            if hold is not None
            else "remove it; after a revocation, plan says which number to write"
        ),
        client.source,
    )


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
                yield from _find_gone(client, known, address)
                secret = record.series_of(SIGNING_SECRET, webhook.name)
                yield from _old_secret_only(client, known, secret, address)


def _find_gone(client: DesiredClient, known: WebhookRecord, address: Address) -> Iterator[Finding]:
    if not has_answered_gone(known) or known.last_delivery is None:
        return
    target = f"{address.client}/{address.item}"
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
    client: DesiredClient,
    known: WebhookRecord,
    secret: Series,
    address: Address,
) -> Iterator[Finding]:
    """A rotation must not break a receiver; its grace is the time to find out."""
    last = known.last_delivery
    told = {one.probe: one.passed for one in last.probes} if last is not None else {}
    retiring = [
        one for one in secret.in_state(VersionState.RETIRING) if one.grace_until is not None
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
