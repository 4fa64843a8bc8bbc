"""What somebody asks the history of a log for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.evidence.history import parse_day, parse_start, read_reviews, trace_log
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.app.evidence.history import WorkTreeLog
    from reconciler.app.workplace import Workplace
    from reconciler.evidence.history.runs import LoggedRun
    from reconciler.report.evidence.usable import Moment, Usable


def choose_history(
    workplace: Workplace,
    log: WorkTreeLog,
    *,
    client: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
) -> list[LoggedRun]:
    """The runs that are asked for, with what their commits say, the newest last.

    Raises ``UsageError`` RC675 for a date that is none, RC676 for a kind, RC361 for a client that
    the log does not know; ``AuditError``.
    """
    from datetime import timedelta

    from reconciler.evidence.history.runs import choose_runs, list_kind_words

    if kind is not None and kind not in list_kind_words():
        raise UsageError(
            "RC676",
            f"{kind!r} is no kind of change and no kind of entry",
            f"write one of {', '.join(list_kind_words())}",
        )
    if client is not None:
        _refuse_unknown(log, client)
    first = None if since is None else parse_start(since)
    end = None if until is None else parse_day(until, "--until")[1] + timedelta(seconds=1)
    runs = log.runs(read_reviews(workplace, log))
    return list(choose_runs(runs, client=client, kind=kind, since=first, until=end))


def find_usable_at(log: WorkTreeLog, at: str, client: str | None) -> tuple[Moment, list[Usable]]:
    """The question that ``at`` is, and the versions that were valid then.

    Raises ``UsageError`` RC675, RC361; ``AuditError``.
    """
    from reconciler.evidence.history.lives import find_usable
    from reconciler.report.evidence.usable import Moment

    first, last = parse_day(at, "--at")
    if client is not None:
        _refuse_unknown(log, client)
    begun, known = log.statements[0].opened, log.last.closed
    moment = Moment(log.environment, first, last, begun, known)
    return moment, list(find_usable(trace_log(log), first, last, client))


def _refuse_unknown(log: WorkTreeLog, client: str) -> None:
    from reconciler.domain.values.names import one_of

    logged = {
        name
        for one in log.statements
        for event in one.events
        for name in (event.client, event.record)
    }
    if client in logged:
        return
    known = {name for run in log.runs() for one in run.changes for name in (one.client, one.record)}
    if client not in known:
        raise UsageError(
            "RC361",
            f"the log of {log.environment} does not know client {client}",
            one_of(sorted(known), "it knows none yet"),
        )
