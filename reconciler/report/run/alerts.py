"""A notice as a signed webhook carries it, as Slack shows it and as a mail.

Each is bounded, however much there is.
"""

from __future__ import annotations

import json
from collections import Counter
from textwrap import wrap

from reconciler.domain.declared.alert import Alert, AlertKind, Notice
from reconciler.domain.values.canonical import Json, iso
from reconciler.report.text.escape import clip, slack, terminal

# Standard Webhooks advises bodies below 20 kB, Slack takes 50 blocks of 3,000 characters, and
# nobody reads more.
ALERT_SHOWN = 25
_LONGEST = 350  # characters of one sentence
_WORDS = {
    AlertKind.VERIFICATION_FAILED: "failed verification",
    AlertKind.REVOKED: "revocation",
    AlertKind.CANNOT_ROTATE: "expiring key that cannot be rotated",
}
_PLURALS = {
    AlertKind.VERIFICATION_FAILED: "failed verifications",
    AlertKind.REVOKED: "revocations",
    AlertKind.CANNOT_ROTATE: "expiring keys that cannot be rotated",
}


def alert_headline(notice: Notice) -> str:
    """``production: 2 revocations, 1 failed verification``: numbers, words of ours and a validated
    name."""
    counts = Counter(alert.kind for alert in notice.alerts)
    parts = [
        f"{number} {(_WORDS if number == 1 else _PLURALS)[kind]}"
        for kind in AlertKind
        if (number := counts[kind])
    ]
    return f"{notice.environment}: {', '.join(parts)}"


def _owner(notice: Notice) -> str:
    return f"owner {clip(terminal(notice.owner.shown), 80)}"


def webhook_body(notice: Notice) -> str:
    """The document of docs/alerts.md.

    ASCII: what looks like another character to a reader is shown as its escape.
    """
    owner = {
        "team": clip(notice.owner.team, _LONGEST),
        "contact": clip(notice.owner.contact, _LONGEST),
    }
    data: Json = {
        "project": notice.project,
        "environment": notice.environment,
        "run_id": notice.run_id,
        "owner": owner,
        "alerts": [_document(alert) for alert in notice.alerts[:ALERT_SHOWN]],
        "omitted": max(0, len(notice.alerts) - ALERT_SHOWN),
    }
    return json.dumps(
        {"type": "reconciler.alert", "timestamp": iso(notice.at), "data": data}, allow_nan=False
    )


def _document(alert: Alert) -> dict[str, Json]:
    return {
        "kind": alert.kind.value,
        "address": clip(alert.address, _LONGEST),
        "client": clip(alert.client, _LONGEST),
        "message": clip(alert.message, _LONGEST),
        "remedy": clip(alert.remedy, _LONGEST),
        "reason": alert.reason,
        "version": alert.version,
        "incident": alert.incident,
        "urgent": alert.urgent,
    }


def slack_body(notice: Notice) -> str:
    """An incoming webhook's message:

    ``text`` is what a notification shows, ``blocks`` what a reader sees.
    """
    title = alert_headline(notice)
    blocks: list[Json] = [
        # Nothing that a stranger wrote. Slack takes 150 characters there.
        {
            "type": "header",
            "text": {"type": "plain_text", "text": clip(title, 150), "emoji": False},
        }
    ]
    blocks += [_section(_slack_alert(alert)) for alert in notice.alerts[:ALERT_SHOWN]]
    last = [f"{notice.project}, {_owner(notice)}, {_run(notice)}"]
    if len(notice.alerts) > ALERT_SHOWN:
        last.insert(0, f"and {len(notice.alerts) - ALERT_SHOWN} more")
    blocks.append(_section(slack("; ".join(last))))
    return json.dumps(
        {"text": slack(f"{notice.project} {title} ({_owner(notice)})"), "blocks": blocks},
        allow_nan=False,
    )


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _slack_alert(alert: Alert) -> str:
    """Escaping makes a character up to five times as long: the three texts stay below Slack's 3,000
    all the same."""
    parts = zip((alert.address, alert.message, alert.remedy), (120, 270, 170), strict=True)
    address, message, remedy = (
        slack(clip(terminal(" ".join(text.split())), longest)) for text, longest in parts
    )
    mark = ":rotating_light: " if alert.urgent else ""
    return f"{mark}*{alert.kind.value}* {address}\n{message}\n_What to do:_ {remedy}"


def mail_subject(notice: Notice) -> str:
    """One line without any control character; whoever writes the header encodes it (RFC 2047)."""
    return clip(f"[{notice.project}] {alert_headline(notice)} ({_owner(notice)})", 200)


def mail_text(notice: Notice) -> str:
    """Plain text for people, 78 columns, with the sentences that tell what to do."""
    lines = [alert_headline(notice), ""]
    for alert in notice.alerts[:ALERT_SHOWN]:
        lines.append(
            f"{alert.kind.value}{' (urgent)' if alert.urgent else ''}:"
            f" {terminal(clip(alert.address, _LONGEST))}"
        )
        lines += _paragraph(f"{alert.message}.")
        lines += [*_paragraph(f"What to do: {alert.remedy}."), ""]
    if len(notice.alerts) > ALERT_SHOWN:
        lines += [f"And {len(notice.alerts) - ALERT_SHOWN} more.", ""]
    lines.append(f"Project {notice.project}, {_owner(notice)}, {_run(notice)}, {iso(notice.at)}.")
    return "\n".join(lines) + "\n"


def _paragraph(text: str) -> list[str]:
    shown = terminal(" ".join(clip(text, _LONGEST).split()))
    return wrap(
        shown,
        78,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def _run(notice: Notice) -> str:
    return "the plan is blocked" if notice.run_id is None else f"run {notice.run_id}"
