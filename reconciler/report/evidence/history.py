"""The history that a log tells: text, JSON and Markdown, the newest last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.domain.values.canonical import Json, iso
from reconciler.evidence.history.reports import RunReport
from reconciler.evidence.history.runs import LoggedChange, LoggedRun
from reconciler.report.evidence.words import (
    describe_person,
    describe_review,
    describe_run,
    list_missing,
)
from reconciler.report.text.document import document
from reconciler.report.text.escape import markdown
from reconciler.report.text.layout import DEFAULT_WIDTH, columns, count_words, wrap_lines

_NOTHING = "Nothing in the log is about that."


def say_unverified(environment: str) -> str:
    """What every rendering ends with."""
    return f"Signatures were not verified: reconciler audit verify -e {environment} does that."


def history_json(environment: str, runs: Sequence[LoggedRun]) -> str:
    """``{format_version, kind: "history", environment, entries: [{number, at, …, changes}],
    notes}``"""
    return document(
        "history",
        {
            "environment": environment,
            "verified": False,
            "entries": (run_document(run) for run in runs),
            "notes": list_missing(runs),
        },
    )


def run_document(run: LoggedRun) -> dict[str, Json]:
    """One run with its changes. ``actor`` is null where no report tells it."""
    return {
        "number": int(run.number),
        "log": run.number.log or None,
        "at": iso(run.closed),
        "kind": run.kind,
        "before_log": run.before,
        "run_id": run.run,
        "command": run.command,
        "actor": run.actor,
        "git_commit": run.commit,
        "dirty": list(run.dirty),
        "requests": list(run.review.requests),
        "approved_by": list(run.review.approved_by),
        "authors": list(run.review.authors),
        "note": describe_run(run),
        "reports": [_report_document(one) for one in run.reports],
        "changes": [_change_document(one) for one in run.changes],
    }


def _report_document(report: RunReport) -> dict[str, Json]:
    return {"name": report.name, "state": report.fate.value, "entry": report.entry}


def _change_document(change: LoggedChange) -> dict[str, Json]:
    detail: dict[str, Any] = {name: change.detail.get(name) for name in ("id", "sha256")}
    return {
        "at": iso(change.at),
        "client": change.client,
        "kind": change.kind,
        "address": change.address,
        "version": change.version,
        "reason": change.reason,
        "why": change.why,
        "result": change.result,
        "id": detail["id"] if isinstance(detail["id"], str) else None,
        "sha256": detail["sha256"] if isinstance(detail["sha256"], str) else None,
    }


def history_text(environment: str, runs: Sequence[LoggedRun], *, width: int = DEFAULT_WIDTH) -> str:
    """A paragraph for each run: who, from which commit, and below it a line a change with its
    reason."""
    lines = [line for run in runs for line in (*_tell_run(run, width), "")]
    lines = lines or [_NOTHING, ""]
    for sentence in (*list_missing(runs), _sum_up(environment, runs)):
        lines += wrap_lines(sentence, width)
    return "\n".join(lines) + "\n"


def _tell_run(run: LoggedRun, width: int) -> Iterator[str]:
    who = describe_person(run)
    what = run.command if run.kind == "run" else f"{run.kind} ({run.command})"
    number = f"{run.number}, from before the log" if run.before else str(run.number)
    head = f"{number}  {iso(run.closed)}  {what}{f'  {who}' if who else ''}"
    yield from wrap_lines(head, width, following="    ")
    source = [f"commit {run.commit[:12]}"] if run.commit else []
    source += [f"and {count_words(len(run.dirty), 'file')} not in it"] if run.dirty else []
    source += [review] if (review := describe_review(run)) else []
    source += [note] if (note := describe_run(run)) else []
    if source:
        yield from wrap_lines("; ".join(source), width, "    ")
    if run.changes:
        rows = [(one.kind, str(one.address), _version(one), one.reason) for one in run.changes]
        for change, line in zip(run.changes, columns(rows), strict=True):
            yield f"    {line}"
            if change.why:
                yield from wrap_lines(change.why, width, "        ")


def _version(change: LoggedChange) -> str:
    return "" if change.version is None else f"version {change.version}"


def _sum_up(environment: str, runs: Sequence[LoggedRun]) -> str:
    count = sum(len(run.changes) for run in runs)
    entries = len({str(run.number) for run in runs})
    return (
        f"{count_words(entries, 'entry', 'entries')}, {count_words(count, 'change')}."
        f" {say_unverified(environment)}"
    )


_HEAD = (
    "Entry",
    "When",
    "What",
    "Address",
    "Version",
    "Reason",
    "Why",
    "By",
    "Commit",
    "Pull request",
    "Approved by",
)


def history_markdown(environment: str, runs: Sequence[LoggedRun]) -> str:
    """One table with a row a change; of an entry without any, one that says what it is."""
    lines = [f"# History of {markdown(environment)}", ""]
    rows = [row for run in runs for row in _rows(run)]
    if rows:
        lines += [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
        lines += [f"| {' | '.join(map(markdown, row))} |" for row in rows]
    else:
        lines.append(_NOTHING)
    for sentence in (*list_missing(runs), _sum_up(environment, runs)):
        lines += ["", markdown(sentence)]
    return "\n".join(lines) + "\n"


def _rows(run: LoggedRun) -> Iterator[tuple[str, ...]]:
    number = f"{run.number} (before)" if run.before else str(run.number)
    source = (
        describe_person(run),
        (run.commit or "")[:12],
        ", ".join(run.review.requests),
        ", ".join(run.review.approved_by),
    )
    for one in run.changes:
        version = "" if one.version is None else str(one.version)
        what = (one.kind, str(one.address), version, one.reason, one.why)
        yield (number, iso(one.at), *what, *source)
    if not run.changes:
        yield (number, iso(run.closed), run.kind, "", "", "", describe_run(run), *source)
