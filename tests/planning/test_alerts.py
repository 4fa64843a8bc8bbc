"""What owners are told: case tables, one for each kind of alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.domain.declared.alert import AlertKind
from reconciler.domain.declared.owners import Owner, is_mail_address, read_owner
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.record import Delivery, WebhookRecord
from reconciler.domain.plan.plan import Action, Outcome, OutcomeStatus, Plan, Problem, Risk, Stage
from reconciler.domain.plan.run import RunResult
from reconciler.errors import NOWHERE, Address, Finding, Level
from reconciler.planning.notes.alerts import (
    group_by_owner,
    is_news,
    make_blocked_alerts,
    make_run_alerts,
)
from tests.report.samples import record

DONE, FAILED, SKIPPED = OutcomeStatus
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "https://hooks.example.com/payouts"


def delivered(at: datetime, *, accepted: bool = False, url: str = URL) -> Delivery:
    return Delivery("msg_a", at, url, accepted, 500, 3, "RC517: no", "" if accepted else "RC517")


def webhook(last: timedelta | None, since: timedelta | None, **more: Any) -> WebhookRecord:
    """Recorded as of noon: the last delivery and the first failure so long ago."""
    return WebhookRecord(
        last_delivery=None if last is None else delivered(NOON - last, **more),
        failing_since=None if since is None else NOON - since,
    )


@pytest.mark.parametrize(
    ("why", "known", "told"),
    [
        ("nothing is known of it", None, True),
        ("it was never delivered to", webhook(None, None), True),
        ("it was accepted the last time", webhook(HOUR, None, accepted=True), True),
        ("it failed an hour ago, for the first time", webhook(HOUR, HOUR), False),
        ("it failed a day ago, for the first time", webhook(DAY, DAY), True),
        (
            "a second less than a day ago",
            webhook(DAY - timedelta(seconds=1), DAY - timedelta(seconds=1)),
            False,
        ),
        ("since yesterday, told this hour's predecessor", webhook(HOUR, DAY), True),
        ("since 25 hours, the last one an hour ago", webhook(HOUR, DAY + HOUR), False),
        ("since 26 hours, the last one an hour ago", webhook(HOUR, DAY + 2 * HOUR), False),
        ("since ten days, the last one three days ago", webhook(3 * DAY, 10 * DAY), True),
        (
            "since ten days and half an hour, hourly",
            webhook(HOUR, 10 * DAY + timedelta(minutes=30)),
            True,
        ),
        ("since ten days and two hours, hourly", webhook(HOUR, 10 * DAY + 2 * HOUR), False),
        (
            "another URL failed an hour ago",
            webhook(HOUR, HOUR, url="https://old.example.com"),
            True,
        ),
        ("a record without the first failure, an hour ago", webhook(HOUR, None), False),
        ("a record without the first failure, a day ago", webhook(DAY, None), True),
    ],
)
def test_a_failing_webhook_is_told_at_once_and_then_once_a_day(
    why: str, known: WebhookRecord | None, told: bool
) -> None:
    assert is_news(known, URL, NOON) is told, why


@pytest.mark.parametrize(
    "every", [timedelta(minutes=7), HOUR, timedelta(hours=5), timedelta(hours=23)]
)
def test_in_a_week_of_failures_it_is_told_once_a_day_however_often_it_runs(
    every: timedelta,
) -> None:
    first, known, told = NOON, None, []
    at = first
    while at < first + 7 * DAY:
        if is_news(known, URL, at):
            told.append(at)
        known = WebhookRecord(last_delivery=delivered(at), failing_since=first)
        at += every
    assert [(at - first) // DAY for at in told] == list(range(7))


def action(kind: ActionKind, reason: str = "RenewalDue", **more: Any) -> Action:
    part = "webhook/settlements" if kind is ActionKind.VERIFY_WEBHOOK else "key/primary"
    return Action(
        kind, Address.read(f"client/paystack-payouts/{part}"), reason, more.pop("message", "due since noon"), Risk.LOW,
        "paystack-payouts", part.split("/")[1], **more,
    )  # fmt: skip


def result(*outcomes: Outcome) -> RunResult:
    return RunResult(
        "run-1", "production", "acme", "apply", "Ada Auditor", None, "", NOON, NOON, outcomes,
    )  # fmt: skip


ASKED = {"hold": "compromise", "incident": "INC-7"}
REFUSED = {"accepted": False, "url": URL, "delivery": "msg_a"}
CASES: Mapping[str, tuple[Outcome, list[tuple[AlertKind, str]]]] = {
    "a refused delivery": (
        Outcome(action(ActionKind.VERIFY_WEBHOOK), FAILED, "RC517: it answered 500; check its log", REFUSED),
        [(AlertKind.VERIFICATION_FAILED, f"{URL} did not prove itself: RC517: it answered 500; check its log")],
    ),
    "an accepted delivery": (
        Outcome(action(ActionKind.VERIFY_WEBHOOK), DONE, "accepted with 204", {"accepted": True, "url": URL}), []
    ),
    "a verification that Vault prevented": (
        Outcome(action(ActionKind.VERIFY_WEBHOOK), FAILED, "RC401: no connection"), []
    ),
    "an emergency": (
        Outcome(
            action(ActionKind.REVOKE_KEY, "RevocationRequested", message="asked for: compromise (INC-7)", version=3,
                   after=ASKED), DONE, "version 3 is revoked and destroyed",
        ),
        [(AlertKind.REVOKED, "version 3 was revoked by Ada Auditor: asked for: compromise (INC-7)")],
    ),
    "an emergency whose secret is there still": (
        Outcome(
            action(ActionKind.REVOKE_KEY, "RevocationRequested", message="leak", version=3, after=ASKED),
            FAILED, "revoked, but its secret is not destroyed yet: RC402: sealed",
            problem=Problem("RC402", "sealed"), reached=Stage.ON_RECORD,
        ),
        [(AlertKind.REVOKED,
          "version 3 was revoked by Ada Auditor: leak; its secret is not destroyed yet: RC402: sealed")],
    ),
    "a revocation whose destruction is not on record": (
        Outcome(
            action(ActionKind.REVOKE_KEY, "GraceOver", message="the grace ended", version=1),
            SKIPPED, "revoked and destroyed; the next run puts it on record (x)",
            reached=Stage.ON_RECORD,
        ),
        [(AlertKind.REVOKED,
          "version 1 was revoked: the grace ended; revoked and destroyed; the next run puts it on record (x)")],
    ),
    "a revocation that failed and says it was revoked": (
        Outcome(action(ActionKind.REVOKE_KEY, "GraceOver", version=1), FAILED, "revoked by somebody else"), []
    ),
    "a hold without any version": (
        Outcome(action(ActionKind.REVOKE_SECRET, "RevocationRequested", message="asked for: leak", after=ASKED),
                DONE, "nothing is issued"),
        [(AlertKind.REVOKED, "it was revoked by Ada Auditor: asked for: leak")],
    ),
    "the end of a grace": (
        Outcome(action(ActionKind.REVOKE_KEY, "GraceOver", message="the grace ended", version=1), DONE, "done"),
        [(AlertKind.REVOKED, "version 1 was revoked: the grace ended")],
    ),
    "a revocation that was lost": (
        Outcome(action(ActionKind.REVOKE_KEY, "GraceOver", version=1), SKIPPED, "another run was faster"), []
    ),
    "a failed rotation": (
        Outcome(action(ActionKind.ROTATE_KEY), FAILED, "RC402: sealed"),
        [(AlertKind.CANNOT_ROTATE, "due since noon, and its rotation failed: RC402: sealed")],
    ),
    "a skipped rotation": (
        Outcome(action(ActionKind.ROTATE_SECRET, "Expired"), SKIPPED, "interrupted before it was begun"),
        [(AlertKind.CANNOT_ROTATE, "due since noon, and its rotation was skipped: interrupted before it was begun")],
    ),
    "a rotation that was made": (Outcome(action(ActionKind.ROTATE_KEY), DONE, "version 2 is active"), []),
    "a rotation that a person asked for": (
        Outcome(action(ActionKind.ROTATE_KEY, "RotationRequested"), FAILED, "RC402: sealed"), []
    ),
    "a first issue": (Outcome(action(ActionKind.ISSUE_KEY, "NotIssued"), FAILED, "RC402: sealed"), []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_an_outcome_is_told_as(name: str) -> None:
    outcome, told = CASES[name]
    alerts = make_run_alerts(result(outcome), {})
    assert [(alert.kind, alert.message) for alert in alerts] == told
    assert all(alert.remedy and alert.address == outcome.action.address for alert in alerts)


def test_an_emergency_names_its_incident_and_comes_first() -> None:
    outcomes = (
        CASES["a failed rotation"][0],
        CASES["the end of a grace"][0],
        CASES["an emergency"][0],
    )
    alerts = make_run_alerts(result(*outcomes), {})
    assert [(alert.kind.value, alert.urgent) for alert in alerts] == [
        ("revoked", True), ("cannot-rotate", False), ("revoked", False),
    ]  # fmt: skip
    assert (alerts[0].incident, alerts[0].version) == ("INC-7", 3)
    assert "reissueAfter" in alerts[0].remedy


def test_a_run_without_outcomes_tells_nothing() -> None:
    assert make_run_alerts(result(), {}) == ()


def plan(*actions: Action, blocks: bool = True) -> tuple[Plan, tuple[Finding, ...]]:
    finding = Finding("RC320", Level.ERROR, "too many clients", NOWHERE, "apply in smaller steps")
    findings = (Finding("RC355", Level.WARNING, "a policy"), *([finding] if blocks else []))
    return Plan(
        "production", "acme", NOON, NOON, None, actions, findings, {}, {}, "sha256:0", 0
    ), findings


@pytest.mark.parametrize(
    ("actions", "blocks", "told"),
    [
        ((action(ActionKind.ROTATE_KEY),), True, 1),
        (
            (action(ActionKind.ROTATE_KEY), action(ActionKind.ROTATE_SECRET, "LifetimeShortened")),
            True,
            2,
        ),
        ((action(ActionKind.ROTATE_KEY),), False, 0),
        (
            (
                action(ActionKind.ROTATE_KEY, "SecretMissing"),
                action(ActionKind.ISSUE_KEY, "NotIssued"),
            ),
            True,
            0,
        ),
        ((action(ActionKind.NO_OP),), True, 0),
    ],
)
def test_a_blocked_plan_tells_the_rotations_that_it_holds(
    actions: tuple[Action, ...], blocks: bool, told: int
) -> None:
    alerts = make_blocked_alerts(*plan(*actions, blocks=blocks))
    assert len(alerts) == told
    for alert in alerts:
        assert alert.kind is AlertKind.CANNOT_ROTATE
        assert "RC320: too many clients" in alert.message
        assert alert.remedy == "apply in smaller steps"


def test_two_hundred_failures_of_two_owners_are_two_notices() -> None:
    outcome = CASES["a refused delivery"][0]
    outcomes = tuple(
        replace(
            outcome,
            action=replace(
                outcome.action,
                client=f"c-{number}",
                address=Address.read(f"client/c-{number}/webhook/a"),
            ),
        )
        for number in range(200)
    )
    records = {
        f"c-{number}": replace(
            record("x"), name=f"c-{number}", spec={"owner": {"team": f"team-{number % 2}"}}
        )
        for number in range(200)
    }
    alerts = make_run_alerts(result(*outcomes), records)
    told = group_by_owner("acme", "production", alerts, NOON, "run-1", {}, records)
    assert [(one.owner.team, len(one.alerts)) for one in told] == [("team-0", 100), ("team-1", 100)]


@pytest.mark.parametrize(
    ("spec", "owner"),
    [
        ({}, Owner()),
        ({"owner": "x"}, Owner()),
        ({"owner": {"team": 7, "contact": None}}, Owner("7", "")),
        ({"owner": {"team": "a", "contact": "a@example.com"}}, Owner("a", "a@example.com")),
    ],
)
def test_the_owner_of_a_specification(spec: dict[str, Any], owner: Owner) -> None:
    assert read_owner(spec) == owner


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("payments@example.com", True),
        ("p.a+b@mail.example.co", True),
        ("#payments", False),
        ("https://chat.example.com/payments", False),
        ("Payments <payments@example.com>", False),
        ("a@example.com, b@example.com", False),
        ("a@example.com\r\nBcc: b@example.com", False),
        ("a@example.com\n", False),
        ("a@example", True),
        ("a@-example.com", False),
        ("a@example.com.", False),
        ("ä@example.com", False),
        ("@example.com", False),
        (f"a@{'x' * 260}.com", False),
        ("", False),
    ],
)
def test_what_is_a_mail_address(text: str, right: bool) -> None:
    assert is_mail_address(text) is right
