"""A plan for the terminal: what is dangerous first, the verdict last, where the eye is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Approval, Plan, Risk
from reconciler.domain.values.canonical import iso
from reconciler.errors import Finding
from reconciler.report.plan.changed import find_changed_fields
from reconciler.report.plan.words import (
    LEVEL_STYLES,
    LEVELS,
    STYLES,
    by_risk,
    counts,
    scopes_by_risk,
    sign_of,
    subject,
    verdict,
)
from reconciler.report.status.unfinished import unfinished_text
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import DEFAULT_WIDTH, columns, count_words, wrap_lines
from reconciler.report.text.paint import Paint

# More changed fields, or scopes, than these are told by their number unless the reader asks for
# all.
_SHOWN = 6
# Details stand under the kind of their action: behind the risk and the sign.
_RISK_WIDTH = max(map(len, Risk))
_INDENT = " " * (_RISK_WIDTH + 5)
_FOLLOWING = _INDENT + "  "
_RISK_STYLES = {"medium": "change", "high": "remove", "critical": "alarm"}


def plan_text(
    plan: Plan,
    *,
    width: int = DEFAULT_WIDTH,
    colour: bool = False,
    verbose: bool = False,
) -> str:
    """Lines no wider than ``width`` (words are not cut).

    ``verbose`` shows every changed field and scope.
    """
    paint = Paint(colour)
    lines = [_heading(plan, paint), ""]
    if plan.actions:
        lines += [*_actions(by_risk(plan.actions), width, paint, verbose=verbose), ""]
    lines += _findings(plan.findings, width, paint)
    lines += _approvals(plan.approvals, width, paint, verbose=verbose)
    lines += (
        [*unfinished_text(plan.unfinished, plan.created_at, width=width, paint=paint), ""]
        if plan.unfinished
        else []
    )
    lines += wrap_lines(verdict(plan), width)
    lines[-1] = paint("alarm" if plan.blocked else "good", lines[-1])
    if plan.changes:
        lines += wrap_lines(f"{counts(plan)}.", width)
    return "\n".join(lines) + "\n"


def _heading(plan: Plan, paint: Paint) -> str:
    commit = f", commit {plan.git_commit[:12]}" if plan.git_commit else ""
    title = paint("bold", f"Plan for {terminal(plan.environment)}")
    return f"{title} of {terminal(plan.project)} at {iso(plan.created_at)}{terminal(commit)}"


def _actions(
    actions: Sequence[Action],
    width: int,
    paint: Paint,
    *,
    verbose: bool,
) -> Iterator[str]:
    """Ordered by risk, with a blank line where it changes."""
    rows = [
        [
            action.risk.value.ljust(_RISK_WIDTH),
            sign_of(action),
            action.kind.value,
            subject(action),
            action.reason,
        ]
        for action in actions
    ]

    def paint_cell(row: int, column: int, text: str) -> str:
        if column in (1, 2):
            return paint(STYLES[sign_of(actions[row])], text)
        return paint(_RISK_STYLES.get(text.strip(), "dim") if column == 0 else "plain", text)

    last = None
    for action, line in zip(actions, columns(rows, paint_cell), strict=True):
        if last not in (None, action.risk):
            yield ""
        last = action.risk
        yield line
        yield from wrap_lines(action.message, width, _INDENT)
        if action.kind is not ActionKind.NO_OP:
            yield from _details(action, width, verbose=verbose)


def _details(action: Action, width: int, *, verbose: bool) -> Iterator[str]:
    """Why it has its risk, what the client may do then, what changes: in the order in which it
    matters."""
    for sentence in action.risk_reasons:
        yield from wrap_lines(f"risk: {sentence}", width, _INDENT, _FOLLOWING)
    if action.permissions is not None:
        sides = (
            ("granted", action.permissions.granted),
            ("withdrawn", action.permissions.withdrawn),
        )
        for side, scopes in sides:
            if scopes:
                listed = _shorten(scopes_by_risk(scopes), "scope", verbose=verbose)
                yield from wrap_lines(f"{side}: {', '.join(listed)}", width, _INDENT, _FOLLOWING)
    fields = [
        f"{field.path}: {field.before} → {field.after}" for field in find_changed_fields(action)
    ]
    for field in _shorten(fields, "field", verbose=verbose):
        yield from wrap_lines(field, width, _INDENT, _FOLLOWING)


def _shorten(texts: Sequence[str], what: str, *, verbose: bool) -> list[str]:
    if verbose or len(texts) <= _SHOWN:
        return list(texts)
    more = count_words(
        len(texts) - _SHOWN, f"more {what}", "more addresses" if what == "address" else None
    )
    return [*texts[:_SHOWN], f"and {more} (-v shows them)"]


def _approvals(
    approvals: Sequence[Approval],
    width: int,
    paint: Paint,
    *,
    verbose: bool,
) -> Iterator[str]:
    """Who must agree, why, and to what."""
    for one in approvals:
        why = "; ".join(_shorten(one.reasons, "reason", verbose=verbose))
        first, *rest = wrap_lines(f"approval by {one.approver}: {why}", width, "", "  ")
        yield first.replace("approval", paint("bold", "approval"), 1)
        yield from rest
        addresses = _shorten(one.addresses, "address", verbose=verbose)
        yield from wrap_lines(f"for {', '.join(addresses)}", width, "  ", "    ")
    if approvals:
        yield ""


def _findings(findings: Sequence[Finding], width: int, paint: Paint) -> Iterator[str]:
    ordered = sorted(
        findings, key=lambda finding: (LEVELS.index(finding.level), finding.code, finding.address)
    )
    for finding in ordered:
        label = terminal(f"{finding.level.value} {finding.code}")
        place = (
            f"{finding.source.file}:{finding.source.line}:{finding.source.column}: "
            if finding.source
            else ""
        )
        subject = (
            f"{finding.address}: "
            if finding.address and finding.address not in finding.message
            else ""
        )
        first, *rest = wrap_lines(f"{label} {place}{subject}{finding.message}", width, "", "  ")
        # a code that somebody else made up may have been wrapped itself
        whole = first.startswith(label)
        yield (
            paint(LEVEL_STYLES[finding.level], label) + first.removeprefix(label)
            if whole
            else first
        )
        yield from rest
        if finding.remedy:
            yield from wrap_lines(f"remedy: {finding.remedy}", width, "  ", "    ")
    if findings:
        yield ""
