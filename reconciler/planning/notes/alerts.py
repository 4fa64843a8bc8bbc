"""What owners are told of a run, or of a plan that was blocked.

Pure: the unit of change is a function for one kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from reconciler.domain.declared.alert import Alert, AlertKind, Notice
from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.declared.owners import Owner, read_owner
from reconciler.domain.kinds.actions import REVOCATIONS, ROTATIONS, ActionKind
from reconciler.domain.live.record import ClientRecord, WebhookRecord
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Plan, Stage
from reconciler.domain.plan.run import RunResult
from reconciler.domain.secrecy import beginning
from reconciler.domain.values.canonical import iso
from reconciler.errors import Finding, Level
from reconciler.planning.actions.reasons import Reason

# Why a version has to be replaced before long. A repair, or a rotation that a person asked for, is
# no expiry.
EXPIRING = frozenset({Reason.RENEWAL_DUE, Reason.LIFETIME_SHORTENED, Reason.EXPIRED})
AGAIN = timedelta(days=1)

Records = Mapping[str, ClientRecord]
Declared = Mapping[str, DesiredClient]


def make_run_alerts(result: RunResult, before: Records) -> tuple[Alert, ...]:
    """What a run is told for.

    ``before`` are the records that it began with: they know when a webhook was told.
    """
    alerts = [
        alert for outcome in result.outcomes for alert in _of_outcome(outcome, result, before)
    ]
    return tuple(sorted(alerts, key=_urgency))


def make_blocked_alerts(plan: Plan, findings: Iterable[Finding]) -> tuple[Alert, ...]:
    """The rotations that a blocked plan holds.

    ``findings`` are those that block it (``BlockedError.findings``).
    """
    errors = (one for one in findings if one.level is Level.ERROR)
    block = next(errors, None)
    held = [
        action for action in plan.changes if action.kind in ROTATIONS and action.reason in EXPIRING
    ]
    if block is None or not held:
        return ()
    return tuple(
        Alert(
            AlertKind.CANNOT_ROTATE,
            action.address,
            action.client,
            f"{action.message}, and the plan that rotates it is blocked ({block.code}:"
            f" {block.message})",
            block.remedy,
            action.reason,
        )
        for action in held
    )


def group_by_owner(
    project: str,
    environment: str,
    alerts: Sequence[Alert],
    at: datetime,
    run_id: str | None,
    declared: Declared,
    records: Records,
) -> tuple[Notice, ...]:
    """One for each owner, so that two hundred failures are not two hundred messages."""
    grouped: dict[Owner, list[Alert]] = {}
    for alert in alerts:
        grouped.setdefault(find_owner(alert.client, declared, records), []).append(alert)
    return tuple(
        Notice(
            project,
            environment,
            owner,
            tuple(own),
            at,
            run_id,
        )
        for owner, own in sorted(grouped.items())
    )


def find_owner(client: str, declared: Declared, records: Records) -> Owner:
    """As declared; of a client that is not declared any more, or in an emergency, as it was
    recorded."""
    if client in declared:
        return read_owner(declared[client].spec)
    return read_owner(records[client].spec) if client in records else Owner()


def is_news(known: WebhookRecord | None, url: str, at: datetime) -> bool:
    """Whether a failure at ``at`` is told: the first one, and then the first of each day that it
    goes on.

    ``known`` is the webhook as it was recorded before that. Days count from the first failure, so
    nothing has to be kept of what was told: a day ends between the delivery before and this one, or
    it does not.
    """
    last = known.last_delivery if known is not None else None
    if known is None or last is None or last.accepted or last.url != url:
        return True
    since = known.failing_since or last.at
    return (at - since) // AGAIN > (last.at - since) // AGAIN


def _of_outcome(outcome: Outcome, result: RunResult, before: Records) -> Iterator[Alert]:
    kind = outcome.action.kind
    if kind is ActionKind.VERIFY_WEBHOOK:
        yield from _failed_verification(outcome, result, before)
    elif kind in REVOCATIONS:
        yield from _revocation(outcome, result)
    elif kind in ROTATIONS:
        yield from _missed_rotation(outcome, result)


def _failed_verification(outcome: Outcome, result: RunResult, before: Records) -> Iterator[Alert]:
    """Only what was delivered, or could not be: of a verification that Vault's failure prevented
    nothing is known."""
    if outcome.detail.get("accepted") is not False:
        return
    record = before.get(outcome.action.client)
    known = record.webhooks.get(str(outcome.action.item)) if record is not None else None
    url = str(outcome.detail.get("url", ""))
    if not is_news(known, url, result.finished_at):
        return
    since = known.failing_since if known is not None else None
    failing = f" (failing since {iso(since)})" if since is not None else ""
    yield Alert(
        AlertKind.VERIFICATION_FAILED,
        outcome.action.address,
        outcome.action.client,
        f"{beginning(url, 100)} did not prove itself{failing}: {outcome.message}",
        f"fix the receiver, then run reconciler apply -e {result.environment}: it is tried again"
        " with every apply",
        outcome.action.reason,
    )


def _revocation(outcome: Outcome, result: RunResult) -> Iterator[Alert]:
    """Whatever became of the secret: a version that is revoked on record is refused by every
    gateway."""
    if outcome.stage not in (Stage.ON_RECORD, Stage.DONE):
        return
    action = outcome.action
    asked = action.after or {}
    urgent, incident = "hold" in asked, asked.get("incident")
    what = "it" if outcome.version is None else f"version {outcome.version}"
    by = f" by {result.actor}" if urgent else ""
    left = ""
    if outcome.stage is Stage.ON_RECORD:
        left = (
            f"; its secret is not destroyed yet: {outcome.problem}"
            if outcome.problem
            else f"; {outcome.message}"
        )
    yield Alert(
        AlertKind.REVOKED,
        action.address,
        action.client,
        f"{what} was revoked{by}: {action.message}{left}",
        (
            "it is refused from now on and nothing new is issued until the declaration says so:"
            f" reconciler plan -e {result.environment} tells which reissueAfter to write"
            if urgent
            else "nothing is to be done where the version that replaced it is in use"
        ),
        action.reason,
        outcome.version,
        None if incident is None else str(incident),
        urgent,
    )


def _missed_rotation(outcome: Outcome, result: RunResult) -> Iterator[Alert]:
    if outcome.status is OutcomeStatus.DONE or outcome.action.reason not in EXPIRING:
        return
    action = outcome.action
    became = "failed" if outcome.status is OutcomeStatus.FAILED else "was skipped"
    yield Alert(
        AlertKind.CANNOT_ROTATE,
        action.address,
        action.client,
        f"{action.message}, and its rotation {became}: {outcome.message}",
        f"run reconciler apply -e {result.environment} before it expires; reconciler status shows"
        " where it stands",
        action.reason,
    )


def _urgency(alert: Alert) -> tuple[bool, int, str, int]:
    """What a person revoked comes first, then what breaks by itself, routine last."""
    order = (AlertKind.CANNOT_ROTATE, AlertKind.VERIFICATION_FAILED, AlertKind.REVOKED)
    return not alert.urgent, order.index(alert.kind), alert.address, alert.version or 0
