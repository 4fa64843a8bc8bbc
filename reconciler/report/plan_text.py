"""A plan for the terminal: grouped by client, the verdict last, where the eye is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.domain.canonical import iso
from reconciler.domain.plan import Action, ActionKind, Finding, Plan
from reconciler.report.changed import changed_fields
from reconciler.report.escape import terminal
from reconciler.report.layout import DEFAULT_WIDTH, columns, wrapped
from reconciler.report.paint import Paint
from reconciler.report.plan_words import LEVEL_STYLES, LEVELS, STYLES, counts, sign, target, verdict
from reconciler.report.unfinished import unfinished_text

# More changed fields than these are told by their number unless the reader asks for all.
FIELDS_SHOWN = 6
_RISK_STYLES = {"high": "remove", "critical": "alarm"}


def plan_text(plan: Plan, *, width: int = DEFAULT_WIDTH, colour: bool = False, verbose: bool = False) -> str:
    """Lines no wider than ``width`` (words are not cut). ``verbose`` shows every changed field."""
    paint = Paint(colour)
    lines = [_heading(plan, paint), ""]
    for client in sorted({action.client for action in plan.actions}):
        lines.append(paint("bold", terminal(client)))
        own = [action for action in plan.actions if action.client == client]
        lines += _actions(own, width, paint, verbose=verbose)
        lines.append("")
    lines += _findings(plan.findings, width, paint)
    lines += (
        [*unfinished_text(plan.unfinished, plan.created_at, width=width, paint=paint), ""] if plan.unfinished else []
    )
    lines += wrapped(verdict(plan), width)
    lines[-1] = paint("alarm" if plan.blocked else "good", lines[-1])
    if plan.changes:
        lines += wrapped(f"{counts(plan)}.", width)
    return "\n".join(lines) + "\n"


def _heading(plan: Plan, paint: Paint) -> str:
    commit = f", commit {plan.git_commit[:12]}" if plan.git_commit else ""
    title = paint("bold", f"Plan for {terminal(plan.environment)}")
    return f"{title} of {terminal(plan.project)} at {iso(plan.created_at)}{terminal(commit)}"


def _actions(actions: Sequence[Action], width: int, paint: Paint, *, verbose: bool) -> Iterator[str]:
    rows = [[sign(action), action.kind.value, target(action), action.reason, action.risk.value] for action in actions]

    def painted(row: int, column: int, text: str) -> str:
        if column in (0, 1):
            return paint(STYLES[sign(actions[row])], text)
        return paint(_RISK_STYLES.get(text, "dim") if column == 4 else "plain", text)

    for action, line in zip(actions, columns(rows, painted), strict=True):
        yield f"  {line}"
        yield from wrapped(action.message, width, " " * 7)
        if action.kind is not ActionKind.NO_OP:
            yield from _fields(action, width, verbose=verbose)


def _fields(action: Action, width: int, *, verbose: bool) -> Iterator[str]:
    fields = changed_fields(action)
    shown = fields if verbose else fields[:FIELDS_SHOWN]
    for field in shown:
        yield from wrapped(f"{field.path}: {field.before} → {field.after}", width, " " * 7, " " * 9)
    if len(shown) < len(fields):
        yield f"       and {len(fields) - len(shown)} more fields (-v shows them)"


def _findings(findings: Sequence[Finding], width: int, paint: Paint) -> Iterator[str]:
    ordered = sorted(findings, key=lambda finding: (LEVELS.index(finding.level), finding.code, finding.address))
    for finding in ordered:
        label = terminal(f"{finding.level.value} {finding.code}")
        place = f"{finding.source.file}:{finding.source.line}:{finding.source.column}: " if finding.source else ""
        subject = f"{finding.address}: " if finding.address and finding.address not in finding.message else ""
        first, *rest = wrapped(f"{label} {place}{subject}{finding.message}", width, "", "  ")
        whole = first.startswith(label)  # a code that somebody else made up may have been wrapped itself
        yield paint(LEVEL_STYLES[finding.level], label) + first.removeprefix(label) if whole else first
        yield from rest
        if finding.remedy:
            yield from wrapped(f"remedy: {finding.remedy}", width, "  ", "    ")
    if findings:
        yield ""
