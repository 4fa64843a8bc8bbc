"""The audit report for people. All foreign strings pass through ``escape.markdown``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.live.record import ClientRecord, Series, Version
from reconciler.domain.plan.plan import Outcome
from reconciler.domain.plan.run import RunResult
from reconciler.domain.values.canonical import iso
from reconciler.report.run.outcomes import pick_deliveries, pick_touched, revocations
from reconciler.report.status.client_document import webhook_url
from reconciler.report.text.escape import markdown
from reconciler.report.text.layout import count_words

HASH_DIGITS = 16


def audit_markdown(result: RunResult, records: Mapping[str, ClientRecord] | None) -> str:
    """``records``: every client of the environment after the run, None when that is not known;
    those that the run touched are shown. Hashes are shortened; the JSON has them whole."""
    counts = result.summary()
    title = f"# Run {markdown(result.run_id)} in {markdown(result.environment)}: "
    lines = [
        title + f"{counts['done']} done, {counts['failed']} failed, {counts['skipped']} skipped",
        "",
    ]
    lines += [line for sentence in _remarks(result) for line in (sentence, "")]
    lines += _table(("Fact", "Value"), _facts(result))
    lines += ["", "## Actions", "", *_table(_ACTION_HEAD, map(_action_row, result.outcomes))]
    lines += [
        "",
        "## Test deliveries",
        "",
        *_table(_DELIVERY_HEAD, map(_delivery_row, pick_deliveries(result))),
    ]
    lines += [
        "",
        "## Revocations",
        "",
        *_table(_REVOCATION_HEAD, map(_revocation_row, revocations(result))),
    ]
    if records is None:
        return (
            "\n".join([*lines, "", "## Key registry", "", "It could not be read after the run."])
            + "\n"
        )
    shown = pick_touched(result, records)
    clients = [shown[name] for name in sorted(shown)]
    lines += ["", f"## Key registry ({len(clients)} of {count_words(len(records), 'client')})", ""]
    lines += _table(_KEY_HEAD, (row for record in clients for row in _key_rows(record)))
    lines += [
        "",
        "## Webhooks",
        "",
        *_table(_WEBHOOK_HEAD, (row for record in clients for row in _webhook_rows(record))),
    ]
    return "\n".join(lines) + "\n"


def _remarks(result: RunResult) -> Iterator[str]:
    if result.recovered_by is not None:
        cut = "Cut short; written" if result.interrupted else "Written"
        yield f"{cut} by run {markdown(result.recovered_by)} from the history of the clients."
    elif result.interrupted:
        yield "Interrupted: what is skipped was not begun."
    if result.rollback_from is not None:
        yield "Rolled back on purpose: HEAD does not build on the commit that was applied before."
    if result.dirty:
        yield f"Uncommitted changes were used: {count_words(len(result.dirty), 'file')}."
    if result.omitted:
        yield (
            f"And {count_words(result.omitted, 'more action')} failed or skipped: too many to be kept"
            " on record."
        )


_ACTION_HEAD = ("Outcome", "Action", "Address", "Version", "Reason", "Why", "Result")
_DELIVERY_HEAD = ("Webhook", "URL", "Accepted", "HTTP status", "Latency", "Delivery", "Result")
_REVOCATION_HEAD = ("Address", "Version", "Id", "Hash", "Reason", "Why")
_KEY_HEAD = (
    "Client",
    "Status",
    "Key",
    "Version",
    "State",
    "Id",
    "Hash",
    "Issued",
    "Expires",
    "Grace until",
    "Ended",
)
_WEBHOOK_HEAD = ("Client", "Webhook", "URL", "Verified", "Last delivery", "Signing secrets")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table whose cells are neutralised here; ``None.`` when it would be empty."""
    body = [f"| {' | '.join(map(markdown, row))} |" for row in rows]
    if not body:
        yield "None."
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from body


def _facts(result: RunResult) -> list[tuple[str, str]]:
    return [
        ("Project", result.project),
        ("Command", result.command),
        ("By", result.actor),
        ("From", iso(result.started_at)),
        ("To", iso(result.finished_at)),
        ("Git commit", result.git_commit or "none"),
        ("Plan digest", result.plan_digest or "none"),
        *([("Not in that commit", ", ".join(result.dirty))] if result.dirty else []),
        *(
            [("Commit applied before", result.rollback_from)]
            if result.rollback_from is not None
            else []
        ),
    ]


def _action_row(outcome: Outcome) -> tuple[str, ...]:
    action = outcome.action
    return (
        outcome.status.value,
        action.kind.value,
        action.address,
        _version(outcome),
        action.reason,
        action.message,
        outcome.message,
    )


def _version(outcome: Outcome) -> str:
    return "" if outcome.version is None else str(outcome.version)


def _delivery_row(outcome: Outcome) -> tuple[str, ...]:
    detail = outcome.detail
    status = "none" if detail.get("status") is None else str(detail["status"])
    return (
        outcome.action.address,
        str(detail.get("url", "")),
        "yes" if detail.get("accepted") else "no",
        status,
        f"{detail.get('latency_ms', '?')} ms",
        str(detail["delivery"]),
        str(detail.get("result", "")),
    )


def _revocation_row(outcome: Outcome) -> tuple[str, ...]:
    action, detail = outcome.action, outcome.detail
    return (
        action.address,
        _version(outcome),
        str(detail.get("id", "")),
        _short(str(detail.get("sha256", ""))),
        action.reason,
        action.message,
    )


def _key_rows(record: ClientRecord) -> Iterator[tuple[str, ...]]:
    for kind, name, series in record.all_series():
        if not kind.part:
            shown = name if kind is KEY else f"{kind.word} {name}"
            for version in series.versions:
                yield (record.name, record.status.value, shown, *_version_cells(version))


def _version_cells(version: Version) -> tuple[str, ...]:
    grace = "" if version.grace_until is None else iso(version.grace_until)
    ended = "" if version.revoked_at is None else iso(version.revoked_at)
    return (
        str(version.number),
        version.state.value,
        version.id,
        _short(version.sha256),
        iso(version.issued_at),
        iso(version.expires_at),
        grace,
        ended,
    )


def _webhook_rows(record: ClientRecord) -> Iterator[tuple[str, ...]]:
    for name in sorted(record.webhooks):
        webhook = record.webhooks[name]
        verified = "no" if webhook.verified_at is None else iso(webhook.verified_at)
        last = webhook.last_delivery
        told = (
            ""
            if last is None
            else f"{iso(last.at)} {'proven' if last.accepted else 'not proven'}: {last.message}"
        )
        yield (
            record.name,
            name,
            webhook_url(record, name) or "",
            verified,
            told,
            _secrets(record.series_of(SIGNING_SECRET, name)),
        )


def _secrets(series: Series) -> str:
    return "; ".join(
        f"{version.number} {version.state.value} {version.id} {_short(version.sha256)} until"
        f" {iso(version.expires_at)}"
        for version in series.versions
    )


def _short(sha256: str) -> str:
    """``sha256:`` and the first 16 digits; empty for none."""
    return f"sha256:{sha256[:HASH_DIGITS]}" if sha256 else ""
