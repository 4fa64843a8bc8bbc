"""GitHub workflow commands: a line of the log that GitHub shows at the line of the file."""

from __future__ import annotations

from reconciler.domain.desired import Source
from reconciler.domain.plan import Level, Plan
from reconciler.report.escape import clipped, workflow_command_data, workflow_command_property
from reconciler.report.plan_words import highest_risk, verdict
from reconciler.report.results import SHOWN, plan_results, position

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
_LONGEST = 2000  # characters of a message; GitHub refuses very long ones


def annotation(level: Level, title: str, message: str, source: Source | None = None, folder: str = "") -> str:
    """One command, one line. ``folder`` is where the project lies in its repository."""
    properties = {"title": title}
    if source is not None:
        place = position(source, folder)
        properties |= {"file": place.file, "line": str(place.line), "col": str(place.column)}
    written = ",".join(f"{name}={workflow_command_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[level]} {written}::{workflow_command_data(clipped(message, _LONGEST))}\n"


def plan_github(plan: Plan, folder: str = "") -> str:
    """The verdict, then what blocks and what is dangerous, worst first: of each level GitHub shows ten for a step."""
    level = Level.ERROR if plan.blocked else SHOWN.get(highest_risk(plan), Level.NOTE)
    lines = [annotation(level, f"Plan for {plan.environment}", verdict(plan))]
    for result in plan_results(plan):
        title = result.rule.id if result.rule.risk is None else result.rule.title
        lines.append(annotation(result.level, title, result.message, result.source, folder))
    return "".join(lines)
