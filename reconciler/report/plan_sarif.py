"""A plan for code scanning: its findings, and its actions of high and critical risk."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.domain.canonical import Json
from reconciler.domain.plan import Plan
from reconciler.report.escape import terminal
from reconciler.report.results import plan_results
from reconciler.report.sarif import sarif_log


def plan_sarif(plan: Plan, folder: str = "", titles: Mapping[str, str] | None = None) -> str:
    """Rules are finding codes (``RC310``), which ``titles`` names, and reasons with a risk
    (``DeclarationChanged/high``). The run's properties say of which plan it is."""
    which: dict[str, Json] = {"digest": terminal(plan.digest)}
    return sarif_log(plan_results(plan, titles), f"plan/{plan.environment}", folder, which)
