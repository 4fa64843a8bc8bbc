"""A plan for code scanning: findings by code, actions by reason."""

from __future__ import annotations

import re

from reconciler.domain.plan import Action, Level, Plan, Risk
from reconciler.report.sarif import Result, Rule, finding_result, sarif_log

# An action is no mistake: it is never an error. Low and medium ones are there to be looked up.
_LEVELS = {Risk.LOW: Level.NOTE, Risk.MEDIUM: Level.NOTE, Risk.HIGH: Level.WARNING, Risk.CRITICAL: Level.WARNING}


def plan_sarif(plan: Plan) -> str:
    """Rules are finding codes (``RC310``) and reasons (``RenewalDue``)."""
    findings = [finding_result(finding) for finding in plan.findings]
    return sarif_log([*findings, *map(_action_result, plan.changes)], f"plan/{plan.environment}")


def _action_result(action: Action) -> Result:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", action.reason).capitalize()
    message = f"{action.kind.value} {action.address}: {action.message} ({action.risk.value} risk)"
    rule = Rule(action.reason, words, Level.NOTE, f"docs/reasons.md explains {action.reason}")
    return Result(rule, _LEVELS[action.risk], message, action.address)
