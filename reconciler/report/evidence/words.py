"""Words that several renderings of a log share."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.evidence.history.reports import Fate, RunReport
from reconciler.evidence.history.runs import LoggedRun, list_untold
from reconciler.evidence.statement import REMOVALS
from reconciler.report.text.layout import count_words, list_words, shorten_paths

# Reports that are named one by one.
MOST_NAMES = 3
_FATES = {
    Fate.ERASED: "erased, as an entry of the log says",
    Fate.ARCHIVED: "archived, as an entry of the log says",
    Fate.MISSING: "missing",
    Fate.CHANGED: "not what the log says of it",
    Fate.UNREADABLE: "of a format that this version does not read",
}
_WITHOUT = {
    Fate.ERASED: "what these runs did is shown without names and reasons in words",
    Fate.ARCHIVED: "what these runs did is shown without names and reasons in words, which the"
    " archive has",
    Fate.MISSING: "what these runs did is shown without names and reasons in words",
    Fate.CHANGED: "nothing in them is shown",
    Fate.UNREADABLE: "nothing in them is shown",
}


def describe_person(run: LoggedRun) -> str:
    """Who ran it; what to think where no report tells."""
    if run.actor is not None:
        return run.actor
    fate = next((one.fate for one in run.reports), None)
    return {
        Fate.ERASED: "(erased)",
        Fate.ARCHIVED: "(archived)",
        Fate.MISSING: "(report missing)",
        Fate.CHANGED: "(report changed)",
        Fate.UNREADABLE: "(report unreadable)",
    }.get(fate or Fate.THERE, "")


def describe_run(run: LoggedRun) -> str:
    """What an entry without changes of clients is about; empty for a run."""
    if run.kind == "key":
        return f"the signing key hands over to version {run.successor}"
    if run.kind in REMOVALS:
        names = shorten_paths(run.removed, MOST_NAMES)
        return f"{run.kind} {count_words(len(run.removed), 'file')}: {names}"
    if run.kind == "repair" and run.number == 1:
        return "the log begins, after one that could not go on"
    return {"heartbeat": "a quiet week: the log is alive", "repair": "the log was repaired"}.get(
        run.kind, ""
    )


def describe_fate(report: RunReport) -> str:
    """``there``, ``erased in entry 12``."""
    return _place(report, report.fate.value)


def _place(report: RunReport, what: str) -> str:
    return what if report.entry is None else f"{what} in entry {report.entry}"


def list_missing(runs: Iterable[LoggedRun]) -> list[str]:
    """A sentence for each sort of report that tells nothing."""
    found = list_untold(runs)
    return [
        f"{count_words(len(reports), 'report')} {_FATES[fate]}"
        f" ({shorten_paths([_place(one, one.name) for one in reports], MOST_NAMES)}):"
        f" {_WITHOUT[fate]}."
        for fate, reports in sorted(found.items())
    ]


def describe_review(run: LoggedRun) -> str:
    """``pull request 12, approved by Grace Hopper``; empty where commits say nothing."""
    review, parts = run.review, []
    if review.requests:
        word = "pull request" if len(review.requests) == 1 else "pull requests"
        parts.append(f"{word} {list_words(review.requests)}")
    if review.approved_by:
        parts.append(f"approved by {list_words(review.approved_by)}")
    return ", ".join(parts)
