"""A plan for a pull request: the verdict first, one table by risk, details folded, provenance last.

Every string of a person or a server goes through ``escape.markdown``; what is written literally here is fixed
text, and no line begins with a foreign string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.domain.canonical import iso
from reconciler.domain.plan import Action, Finding, Plan
from reconciler.report.changed import changed_fields
from reconciler.report.escape import markdown
from reconciler.report.plan_words import LEVELS, RISKS, counts, headline, sign, target, verdict
from reconciler.report.unfinished import unfinished_markdown

# A comment on GitHub holds 65,536 characters; a row takes about 150. The plan file has all of them.
ROWS_SHOWN = 200


def plan_markdown(plan: Plan, *, rows: int = ROWS_SHOWN) -> str:
    """At most ``rows`` actions and as many findings; what is left out is counted."""
    lines = [f"## Plan for {markdown(plan.environment)}: {headline(plan)}", "", f"**{verdict(plan)}**", ""]
    if plan.changes:
        lines += [f"{counts(plan)}.", ""]
    lines += _findings(plan.findings, rows)
    actions = sorted(plan.actions, key=lambda action: (-RISKS.index(action.risk), action.client))
    lines += _table(actions[:rows])
    lines += _left_out(len(actions) - rows, "action")
    lines += _details(actions[:rows])
    lines += unfinished_markdown(plan.unfinished, rows)
    lines += _provenance(plan)
    return "\n".join(lines) + "\n"


def _table(actions: Sequence[Action]) -> Iterator[str]:
    if not actions:
        return
    yield "| | Risk | Client | Action | Target | Reason | Why |"
    yield "|---|---|---|---|---|---|---|"
    for action in actions:
        cells = [
            f"`{sign(action)}`", action.risk.value, markdown(action.client), action.kind.value,
            markdown(target(action)), markdown(action.reason), markdown(action.message),
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""


def _findings(findings: Sequence[Finding], rows: int) -> Iterator[str]:
    if not findings:
        return
    ordered = sorted(findings, key=lambda finding: (LEVELS.index(finding.level), finding.code, finding.address))
    yield "| Level | Code | Where | What | Remedy |"
    yield "|---|---|---|---|---|"
    for finding in ordered[:rows]:
        source = finding.source
        place = f"{source.file}:{source.line}:{source.column}" if source else finding.address
        cells = [finding.level.value, markdown(finding.code), *map(markdown, (place, finding.message, finding.remedy))]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from _left_out(len(ordered) - rows, "finding")


def _left_out(number: int, what: str) -> Iterator[str]:
    if number > 0:
        yield f"And {number} more {what}{'s' if number > 1 else ''}: the plan file has all of them."
        yield ""


def _details(actions: Sequence[Action]) -> Iterator[str]:
    changed = [(action, fields) for action in actions if (fields := changed_fields(action))]
    if not changed:
        return
    yield "<details><summary>What changes, field by field</summary>"
    yield ""
    yield "| Address | Field | Before | After |"
    yield "|---|---|---|---|"
    for action, fields in changed:
        for field in fields:
            cells = map(markdown, (action.address, field.path, field.before, field.after))
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield "</details>"
    yield ""


def _provenance(plan: Plan) -> Iterator[str]:
    commit = markdown(plan.git_commit) if plan.git_commit else "none"
    yield "---"
    yield (
        f"Plan <code>{markdown(plan.digest)}</code> of {markdown(plan.project)} at commit <code>{commit}</code>, "
        f"made {iso(plan.created_at)}, void after {iso(plan.expires_at)}."
    )
