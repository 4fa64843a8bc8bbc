"""The sheets of a pack for an auditor, one function each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from reconciler.domain.kinds.actions import ActionKind, Verb
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.values.canonical import iso, iso_or_none
from reconciler.errors import Address
from reconciler.evidence.history.lives import CredentialLife, VersionLife
from reconciler.evidence.history.reports import ReportedCredential
from reconciler.evidence.history.runs import LoggedChange, LoggedRun, read_verb
from reconciler.report.evidence.controls import list_controls
from reconciler.report.evidence.pack import DeclaredAccess, Pack, Sheet
from reconciler.report.evidence.words import describe_fate, describe_person, describe_run

_NOBODY = DeclaredAccess()
Row = tuple[str, ...]


def make_sheets(pack: Pack) -> tuple[Sheet, ...]:
    """All sheets, in the order of the page. The map of controls is last: it counts the rows of the
    others."""
    sheets = (
        _runs(pack),
        _changes(pack),
        _keys(pack),
        _rotations(pack),
        _revocations(pack),
        _webhooks(pack),
        _deliveries(pack),
        _access(pack),
        _exceptions(pack),
    )
    return (*sheets, list_controls(sheets))


def _runs(pack: Pack) -> Sheet:
    return Sheet(
        "runs",
        "Runs",
        "Every entry of the log. Who approved, and in which pull request, is what the merged"
        " commits say of themselves.",
        (
            *("Entry", "Closed", "Kind", "Command", "By", "Commit", "Not in the commit"),
            *("Pull requests", "Approved by", "Commits by", "Changes", "Report", "Note"),
        ),
        [_run_row(run) for run in pack.runs],
    )


def _run_row(run: LoggedRun) -> Row:
    note = "made before the log began" if run.before else describe_run(run)
    return (
        str(run.number),
        iso(run.closed),
        run.kind,
        run.command,
        describe_person(run),
        run.commit or "",
        _list(run.dirty),
        _list(run.review.requests),
        _list(run.review.approved_by),
        _list(run.review.authors),
        str(len(run.changes)),
        _list(f"{one.name} ({describe_fate(one)})" for one in run.reports),
        note,
    )


def _changes(pack: Pack) -> Sheet:
    rows = [
        (
            str(run.number),
            iso(one.at),
            one.client,
            one.address,
            one.kind,
            _number(one.version),
            one.reason,
            one.why,
            one.result,
            describe_person(run),
            run.commit or "",
        )
        for run, one in _walk(pack)
    ]
    head = ("Entry", "At", "Client", "Address", "Change", "Version", "Reason", "Why", "Result")
    return Sheet(
        "changes",
        "Changes",
        "Every change of every client: what, when, why, by whom.",
        (*head, "By", "Commit"),
        rows,
    )


def _keys(pack: Pack) -> Sheet:
    return Sheet(
        "keys",
        "Key registry",
        "Every version of every key and signing secret that was usable in the period, with its"
        " state at the end of it. The secret itself is nowhere; its SHA-256 identifies it.",
        (
            *("Client", "Credential", "Version", "State", "Id", "SHA-256", "Issued", "Active from"),
            *("Retiring from", "Grace until", "Expires", "Revoked", "Destroyed", "Reason"),
            *("Made by entry", "Ended by entry"),
        ),
        [_key_row(pack, life, one) for life in pack.lives for one in _in_period(pack, life)],
    )


def _in_period(pack: Pack, life: CredentialLife) -> list[VersionLife]:
    first = pack.period.first
    return [
        one
        for one in life.in_order()
        if (one.active_from is not None or one.issued_at is not None)
        and (first is None or one.state_at(first) not in ("revoked", "forgotten"))
    ]


def _key_row(pack: Pack, life: CredentialLife, one: VersionLife) -> Row:
    return (
        life.client,
        life.address,
        str(one.number),
        one.state_at(pack.end),
        one.id,
        one.sha256,
        _at(one.issued_at),
        _at(one.active_from),
        _at(one.retiring_from),
        _at(one.grace_until),
        _at(one.expires_at),
        _at(one.revoked_at),
        _at(one.destroyed_at),
        one.reason,
        _number(one.entry),
        _number(one.ended_by),
    )


def _rotations(pack: Pack) -> Sheet:
    lives = _by_address(pack)
    rows = []
    for run, one in _walk(pack):
        if read_verb(one.kind) == Verb.ROTATE and one.version is not None:
            life = lives.get((one.record, one.address.word, one.address.item))
            rows.append((str(run.number), iso(one.at), *_rotation(life, one), describe_person(run)))
    return Sheet(
        "rotations",
        "Rotations",
        "Every replacement of a version by the next one, and how long the former one had been in"
        " force.",
        (
            *("Entry", "At", "Client", "Credential", "From version", "To version"),
            *("Days in force", "Former valid until", "Reason", "Why", "By"),
        ),
        rows,
    )


def _rotation(life: CredentialLife | None, one: LoggedChange) -> Row:
    version = None if life is None else life.versions.get(one.version or 0)
    replaced = None if version is None else version.replaced
    former = life.versions.get(replaced) if life is not None and replaced is not None else None
    begun = None if former is None else former.active_from
    days = "" if begun is None else str((one.at - begun).days)
    until = "" if former is None else _at(former.grace_until)
    place = (one.client, str(one.address), _number(replaced), _number(one.version))
    return (*place, days, until, one.reason, one.why)


def _revocations(pack: Pack) -> Sheet:
    lives = _by_address(pack)
    rows = []
    for run, one in _walk(pack):
        if read_verb(one.kind) == Verb.REVOKE or one.kind == ActionKind.RETIRE_CLIENT:
            life = lives.get((one.record, one.address.word, one.address.item))
            version = None if life is None else life.versions.get(one.version or 0)
            rows.append(
                (
                    str(run.number),
                    iso(one.at),
                    one.client,
                    one.address,
                    one.kind,
                    _number(one.version),
                    version.id if version is not None else "",
                    version.sha256 if version is not None else "",
                    one.reason,
                    one.why,
                    _at(version.destroyed_at) if version is not None else "",
                    "",  # until gates measure it
                    describe_person(run),
                )
            )
    return Sheet(
        "revocations",
        "Revocations",
        "Everything that ended for ever. Time to dead, from the revocation to the refusal at every"
        " gate, is empty where nothing measured it.",
        (
            *("Entry", "At", "Client", "Address", "Change", "Version", "Id", "SHA-256"),
            *("Reason", "Why", "Destroyed", "Time to dead", "By"),
        ),
        rows,
    )


def _webhooks(pack: Pack) -> Sheet:
    rows = [
        _webhook_row(pack, name, one)
        for name, known in sorted(pack.clients.items())
        for one in known.client.of_kind(SIGNING_SECRET)
    ]
    return Sheet(
        "webhooks",
        "Webhooks",
        "Every webhook as the newest report has it; signature and events as they are declared now.",
        (
            *("Client", "Webhook", "URL", "Signature", "Events", "Verified", "Last delivery"),
            *("Result", "HTTP status", "Failing since", "Failures", "Secret version", "Secret id"),
            *("Secret expires", "Entry"),
        ),
        rows,
    )


def _webhook_row(pack: Pack, client: str, one: ReportedCredential) -> Row:
    declared = pack.declared.clients.get(client, _NOBODY).webhooks.get(one.name, ("", ()))
    last = one.last_delivery or {}
    newest = reversed(one.series)
    active = next((version for version in newest if version.state == "active"), None)
    return (
        client,
        one.name,
        one.url or "",
        declared[0],
        _list(declared[1]),
        _at(one.verified_at),
        _word(last, "at"),
        _word(last, "message"),
        _word(last, "status"),
        _at(one.failing_since),
        str(one.failures),
        "" if active is None else str(active.version),
        "" if active is None else active.id,
        "" if active is None else _at(active.expires_at),
        str(pack.clients[client].entry),
    )


def _deliveries(pack: Pack) -> Sheet:
    rows = [
        _delivery_row(run, delivery, attempt)
        for run in pack.runs
        if run.told is not None
        for delivery in run.told.deliveries
        for attempt in _attempts(delivery)
    ]
    return Sheet(
        "deliveries",
        "Test deliveries",
        "Every attempt that the proof of a webhook made: genuine deliveries, which must be"
        " accepted, and forged ones, which must be refused.",
        (
            *("Entry", "At", "Client", "Webhook", "URL", "Proven", "Probe", "Event", "Delivery"),
            *("Attempt", "HTTP status", "Milliseconds", "Code", "Result"),
        ),
        rows,
    )


def _attempts(delivery: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The attempts of a delivery; the delivery itself where a report does not have them."""
    found = delivery.get("attempts")
    attempts: list[Mapping[str, Any]] = []
    if isinstance(found, list):
        attempts = [one for one in found if isinstance(one, dict)]
    return attempts or [{}]


def _delivery_row(run: LoggedRun, delivery: Mapping[str, Any], attempt: Mapping[str, Any]) -> Row:
    address = Address.read(_word(delivery, "address"))
    latency = attempt.get("latency_ms")
    spent = latency if isinstance(latency, dict) else {"total": delivery.get("latency_ms")}
    return (
        str(run.number),
        _word(attempt, "at") or iso(run.closed),
        address.client,
        address.item,
        _word(delivery, "url"),
        "yes" if delivery.get("accepted") is True else "no",
        _word(attempt, "probe"),
        _word(attempt, "event"),
        _word(attempt, "id") or _word(delivery, "delivery"),
        _word(attempt, "number"),
        _word(attempt or delivery, "status"),
        _word(spent, "total"),
        _word(attempt or delivery, "code"),
        _word(attempt, "message") or _word(delivery, "result"),
    )


def _access(pack: Pack) -> Sheet:
    newest: dict[str, tuple[LoggedRun, LoggedChange]] = {}
    approved: dict[str, tuple[str, ...]] = {}
    for run, one in _walk(pack):
        newest[one.client] = run, one
        if run.review.approved_by:
            approved[one.client] = run.review.approved_by
    rows = []
    for name, known in sorted(pack.clients.items()):
        declared = pack.declared.clients.get(name, _NOBODY)
        last = newest.get(name)
        usable = sum(
            one.state in ("active", "retiring")
            for key in known.client.of_kind(KEY)
            for one in key.series
        )
        rows.append(
            (
                name,
                known.client.status,
                declared.owner,
                _list(known.client.scopes),
                str(usable),
                _list(declared.approvers),
                _list(approved.get(name, ())),
                "" if last is None else iso(last[1].at),
                "" if last is None else str(last[0].number),
                "",  # until gates tell it
            )
        )
    return Sheet(
        "access",
        "Access review",
        "Who may do what: clients and their scopes as the newest report has them; owners and who"
        " must approve as they are declared now; who approved, as commits of the period say. Last"
        " use is empty where nothing measured it.",
        (
            *("Client", "Status", "Owner", "Scopes", "Usable keys", "Must approve", "Approved by"),
            *("Last change", "Last change in entry", "Last use"),
        ),
        rows,
    )


def _exceptions(pack: Pack) -> Sheet:
    today = iso(pack.end)[:10]
    rows = [
        (
            one.guard,
            "every client" if one.client == "*" else one.client,
            _list(one.environments) or "every environment",
            one.reason,
            one.approver,
            one.until,
            "in force" if today < one.until else "void",
        )
        for one in pack.declared.waivers
    ]
    return Sheet(
        "exceptions",
        "Exceptions",
        "Waivers of the policy as it is declared now: what each lets through, who approved it, and"
        " the day from which it is void.",
        ("Guard or rule", "Client", "Environments", "Reason", "Approver", "Void from", "State"),
        rows,
    )


def _walk(pack: Pack) -> Iterator[tuple[LoggedRun, LoggedChange]]:
    for run in pack.runs:
        for change in run.changes:
            yield run, change


def _by_address(pack: Pack) -> dict[tuple[str, str, str], CredentialLife]:
    return {(life.record, life.kind.word, life.name): life for life in pack.lives}


def _list(words: Any) -> str:
    return ", ".join(words)


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def _at(instant: datetime | None) -> str:
    return iso_or_none(instant) or ""


def _word(told: Mapping[str, Any], name: str) -> str:
    """A field of a report as text; empty where it is not there, or is no single value."""
    value = told.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
