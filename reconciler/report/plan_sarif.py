"""A plan for code scanning: its findings, and its actions of high and critical risk."""

from __future__ import annotations

from reconciler.domain.plan import Plan
from reconciler.report.results import plan_results
from reconciler.report.sarif import sarif_log


def plan_sarif(plan: Plan, folder: str = "") -> str:
    """Rules are finding codes (``RC310``) and reasons with a risk (``DeclarationChanged/high``)."""
    return sarif_log(plan_results(plan), f"plan/{plan.environment}", folder)
