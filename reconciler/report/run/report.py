"""What a run did, for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.domain.plan.run import RunResult
from reconciler.domain.values.canonical import Json, iso
from reconciler.engine.planfile.document import finding_document
from reconciler.errors import Finding, Level, ReconcilerError
from reconciler.report.text.document import document
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import (
    DEFAULT_WIDTH,
    columns,
    count_words,
    shorten_paths,
    wrap_lines,
)
from reconciler.report.text.paint import Paint

_STYLES = {
    OutcomeStatus.DONE: "good",
    OutcomeStatus.FAILED: "alarm",
    OutcomeStatus.SKIPPED: "change",
}
_OTHER = (
    "The report of run {} was there and is not what its history in Vault says: it is written anew."
)
_LOOK = (
    "Somebody changed it, or Vault was lost before its run had ended: `git log -p` of the audit"
    " folder shows which."
)
_AGAIN = "Run the same command again: it finishes what is left and repeats nothing."


def run_json(result: RunResult, problem: ReconcilerError | None = None) -> str:
    """The apply contract. ``problem``: why its report is not where it belongs."""
    told = (
        None
        if problem is None
        else {"code": problem.code, "message": problem.message, "remedy": problem.remedy}
    )
    return document(
        "run",
        {
            **run_head(result),
            "outcomes": (
                outcome_document(outcome) | {"code": outcome.code, "stage": outcome.stage.value}
                for outcome in result.outcomes
            ),
            "summary": result.summary(),
            "recovered": list(result.recovered),
            "findings": [finding_document(finding) for finding in _findings(result)],
            "audit": {"path": result.audit_path, "commit": result.audit_commit},
            "problem": told,
        },
    )


def _findings(result: RunResult) -> list[Finding]:
    return [
        Finding("RC631", Level.WARNING, _OTHER.format(run_id), remedy=_LOOK)
        for run_id in result.rewritten
    ]


def run_head(result: RunResult) -> dict[str, Json]:
    """Which run it was; what every document about a run begins with."""
    return {
        "run_id": result.run_id,
        "environment": result.environment,
        "project": result.project,
        "command": result.command,
        "actor": result.actor,
        "git_commit": result.git_commit,
        "dirty": list(result.dirty),
        "rollback_from": result.rollback_from,
        "plan_digest": result.plan_digest,
        "started_at": iso(result.started_at),
        "finished_at": iso(result.finished_at),
        "interrupted": result.interrupted,
    }


def outcome_document(outcome: Outcome) -> dict[str, Json]:
    """``message`` says what became of the action, ``why`` what it was planned for. In a report it
    is the same whoever writes it, so it holds nothing that only the run itself knows."""
    action = outcome.action
    return {
        "address": action.address,
        "kind": action.kind.value,
        "status": outcome.status.value,
        "message": outcome.message,
        "client": action.client,
        "item": action.item,
        "version": outcome.version,
        "reason": action.reason,
        "why": action.message,
        "detail": dict(outcome.detail),
    }


def run_text(result: RunResult, *, width: int = DEFAULT_WIDTH, colour: bool = False) -> str:
    """One line an outcome, in the order of the run; what went wrong is explained; the verdict is
    last."""
    paint = Paint(colour)
    lines = list(_outcomes(result.outcomes, width, paint))
    lines += [""] if lines else []
    lines += [paint("good" if result.complete else "alarm", _verdict(result))]
    if not result.complete:
        lines += wrap_lines(_AGAIN, width)
    for run_id in result.recovered:
        lines += wrap_lines(f"The report of run {run_id} is committed too.", width)
    lines += [line for sentence in _standing(result) for line in wrap_lines(sentence, width)]
    for finding in _findings(result):
        lines += wrap_lines(f"{finding.code}: {finding.message} {finding.remedy}", width)
    lines += wrap_lines(_evidence(result), width)
    return "\n".join(lines) + "\n"


def _outcomes(outcomes: tuple[Outcome, ...], width: int, paint: Paint) -> Iterator[str]:
    if not outcomes:
        return
    rows = [
        (
            outcome.status.value,
            outcome.action.kind.value,
            outcome.action.address,
            outcome.action.reason,
        )
        for outcome in outcomes
    ]

    def paint_cell(row: int, column: int, text: str) -> str:
        return paint(_STYLES[outcomes[row].status], text) if column == 0 else text

    for outcome, line in zip(outcomes, columns(rows, paint_cell), strict=True):
        yield line
        if outcome.status is not OutcomeStatus.DONE:
            yield from wrap_lines(outcome.message, width, "    ")


def _verdict(result: RunResult) -> str:
    counts = result.summary()
    where = f"{terminal(result.environment)}, run {terminal(result.run_id)}"
    if not result.outcomes:
        return f"Nothing to do ({where})."
    parts = [count_words(counts["done"], "action") + " done"]
    parts += [f"{counts[status]} {status}" for status in ("failed", "skipped") if counts[status]]
    stopped = "Interrupted: " if result.interrupted else ""
    return f"{stopped}{', '.join(parts)} ({where})."


def _standing(result: RunResult) -> Iterator[str]:
    if result.rollback_from is not None:
        yield f"Rolled back on purpose: commit {result.rollback_from[:12]} was applied before."
    if result.dirty:
        where = (
            f"commit {result.git_commit[:12]} does not hold"
            if result.git_commit
            else "no commit holds"
        )
        yield terminal(
            f"Uncommitted changes were used ({where} them): {shorten_paths(result.dirty)}."
        )


def _evidence(result: RunResult) -> str:
    commit = (
        "not committed" if result.audit_commit is None else f"commit {result.audit_commit[:12]}"
    )
    if result.audit_path is None:
        if not result.recovered:
            return "No audit report was written."
        # "": they were there already
        return f"Audit reports of earlier runs: {commit}." if result.audit_commit else ""
    return f"Audit report: {result.audit_path}, {commit}."
