"""A notice for each target, with what strangers wrote in it; the documented schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.domain.declared.alert import Alert, AlertKind, Notice
from reconciler.domain.declared.owners import Owner
from reconciler.errors import Address
from reconciler.report.run.alerts import (
    ALERT_SHOWN,
    mail_subject,
    mail_text,
    slack_body,
    webhook_body,
)
from tests.report.samples import HOSTILE

Golden = Callable[[str, str], None]
ALERTS = (
    Alert(
        AlertKind.REVOKED, Address.read("client/paystack-payouts/key/primary"), "paystack-payouts",
        "version 3 was revoked by Ada Auditor <ada@example.com>: asked for: compromise (INC-7)",
        "it is refused from now on and nothing new is issued until the declaration says so",
        "RevocationRequested", 3, "INC-7", urgent=True,
    ),
    Alert(
        AlertKind.CANNOT_ROTATE, Address.read("client/legacy-erp/key/primary"), "legacy-erp",
        "due since 2026-11-20T09:00:00Z, expires 2026-12-01T00:00:00Z, and its rotation failed: RC402: sealed",
        "run reconciler apply -e production before it expires", "RenewalDue",
    ),
    Alert(
        AlertKind.VERIFICATION_FAILED, Address.read("client/legacy-erp/webhook/orders"), "legacy-erp",
        "https://hooks.example.com/orders did not prove itself: RC517: the receiver answered 500",
        "mend the receiver, then run reconciler apply -e production", "VerificationFailed",
    ),
)  # fmt: skip
NOTICE = Notice(
    "acme-integrations", "production", Owner("payments", "payments@example.com"), ALERTS,
    datetime(2026, 11, 23, 22, 45, tzinfo=UTC), "20261123t224500z-0123456789ab-cdef",
)  # fmt: skip
# On top of what breaks out of Markdown: what Slack and mail programs act upon.
ATTACKS = (
    HOSTILE,
    "<!channel> <!here> <@U123> <#C123> <https://evil.example|click> @here @channel *bold* `code`",
    "x\r\nBcc: victim@example.com\r\n\r\nbody",
    "x\nSubject: other",
    "\u2028\u202e\u200b\x00\x1b]8;;https://evil.example\x07",
    "&lt;!channel&gt;",
    "=?utf-8?q?=0d=0aBcc:_victim?=",
    "\ud800 lone",
    "é" * 5000,
)


def hostile(text: str, number: int = 1) -> Notice:
    alert = Alert(AlertKind.REVOKED, Address.read(text), text, text, text, "GraceOver")
    return replace(NOTICE, owner=Owner(text, text), alerts=(alert,) * number)


def test_the_signed_document(golden: Golden) -> None:
    golden("alert.json", json.dumps(json.loads(webhook_body(NOTICE)), indent=2) + "\n")


def test_slack(golden: Golden) -> None:
    golden("alert-slack.json", json.dumps(json.loads(slack_body(NOTICE)), indent=2) + "\n")


def test_mail(golden: Golden) -> None:
    golden("alert-mail.txt", f"Subject: {mail_subject(NOTICE)}\n\n{mail_text(NOTICE)}")


def test_a_blocked_plan_has_no_run() -> None:
    blocked = replace(NOTICE, run_id=None)
    assert json.loads(webhook_body(blocked))["data"]["run_id"] is None
    assert "the plan is blocked" in mail_text(blocked)


@pytest.mark.parametrize("text", ATTACKS)
def test_what_strangers_wrote_means_nothing_to_slack(text: str) -> None:
    message = json.loads(slack_body(hostile(text, 40)))
    assert len(message["blocks"]) <= 50
    shown = [message["text"], *(block["text"]["text"] for block in message["blocks"])]
    for block, part in zip(message["blocks"], shown[1:], strict=True):
        assert len(part) <= (150 if block["type"] == "header" else 3000)
        assert block["text"]["type"] == "plain_text" or block["text"]["verbatim"] is True
    for part in shown:
        assert "<" not in part
        assert ">" not in part
        assert not re.search(r"@\w", part)
        assert re.sub(r"&(amp|lt|gt);", "", part).count("&") == 0
        assert all(character.isprintable() or character in "\n\u200b" for character in part)


@pytest.mark.parametrize("text", ATTACKS)
def test_what_strangers_wrote_is_text_in_a_mail(text: str) -> None:
    subject = mail_subject(hostile(text))
    assert subject.isprintable()
    assert len(subject) <= 200
    body = mail_text(hostile(text))
    assert all(character.isprintable() or character == "\n" for character in body)
    assert not any(line.lower().startswith(("bcc:", "subject:")) for line in body.splitlines())


@pytest.mark.parametrize("text", ATTACKS)
def test_the_document_is_ascii_and_holds_what_was_written(text: str) -> None:
    body = webhook_body(hostile(text))
    assert body.isascii()
    assert json.loads(body)["data"]["alerts"][0]["message"].startswith(text[:100])


def test_many_alerts_are_counted_not_listed() -> None:
    many = replace(NOTICE, alerts=ALERTS[1:] * 300)
    document = json.loads(webhook_body(many))["data"]
    assert (len(document["alerts"]), document["omitted"]) == (ALERT_SHOWN, 600 - ALERT_SHOWN)
    assert f"and {600 - ALERT_SHOWN} more" in slack_body(many)
    assert f"And {600 - ALERT_SHOWN} more." in mail_text(many)
    assert "300 failed verifications" in mail_subject(many)
    assert (
        max(len(text) for text in (webhook_body(many), slack_body(many), mail_text(many))) < 20_000
    )


def documented_schema() -> Any:
    page = (Path(__file__).parents[2] / "docs/alerts.md").read_text()
    [block] = re.findall(r"```json\n(\{\n  \"\$schema\".*?)```", page, re.DOTALL)
    return json.loads(block)


@pytest.mark.parametrize("notice", [NOTICE, replace(NOTICE, run_id=None), *map(hostile, ATTACKS)])
def test_the_document_is_as_the_page_says(notice: Notice) -> None:
    schema = documented_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(webhook_body(notice)))
