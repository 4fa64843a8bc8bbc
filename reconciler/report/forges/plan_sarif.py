"""A plan for code scanning: its findings, and its actions of high and critical risk."""

from __future__ import annotations

from reconciler.domain.plan.plan import Plan
from reconciler.domain.values.canonical import Json
from reconciler.report.forges.results import plan_results
from reconciler.report.forges.sarif import sarif_log
from reconciler.report.text.escape import terminal


def plan_sarif(plan: Plan, folder: str = "") -> str:
    """Rules are finding codes (``RC310``) and reasons with a risk
    (``DeclarationChanged/high``). The run's properties say of which plan it is."""
    which: dict[str, Json] = {"digest": terminal(plan.digest)}
    return sarif_log(plan_results(plan), f"plan/{plan.environment}", folder, which)
