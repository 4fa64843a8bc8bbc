"""GitHub workflow commands: a line of the log that GitHub shows at the line of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconciler.domain.plan.plan import Plan
from reconciler.errors import Level, Source
from reconciler.report.forges.results import (
    APPROVAL,
    RESULT_SHOWN,
    bound_results,
    plan_results,
    position,
    summarise_left_out,
)
from reconciler.report.plan.words import highest_risk, verdict
from reconciler.report.text.escape import clip, workflow_command_data, workflow_command_property

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
PER_STEP = 10  # annotations of one level that GitHub shows for a step
_LONGEST = 2000  # characters of a message; GitHub refuses very long ones


def annotation(
    level: Level,
    title: str,
    message: str,
    source: Source | None = None,
    folder: str = "",
) -> str:
    """One command, one line. ``folder`` is where the project lies in its repository. Without a
    ``title`` GitHub shows its own."""
    properties = {"title": title} if title else {}
    if source is not None:
        place = position(source, folder)
        properties |= {"file": place.file, "line": str(place.line), "col": str(place.column)}
    written = ",".join(
        f"{name}={workflow_command_property(value)}" for name, value in properties.items()
    )
    command = f"{_COMMANDS[level]} {written}".rstrip()
    return f"::{command}::{workflow_command_data(clip(message, _LONGEST))}\n"


def plan_github(plan: Plan, folder: str = "") -> str:
    """The verdict, then what blocks and what is dangerous, worst first: of each level GitHub shows
    ten for a step."""
    level = Level.ERROR if plan.blocked else RESULT_SHOWN.get(highest_risk(plan), Level.NOTE)
    lines = [(level, annotation(level, f"Plan for {plan.environment}", verdict(plan)))]
    for result in bound_results(plan_results(plan)):
        named = result.rule.risk is not None or result.rule.id == APPROVAL
        title = result.rule.title if named else result.rule.id
        lines.append(
            (result.level, annotation(result.level, title, result.message, result.source, folder))
        )
    return write_annotations(lines)


def write_annotations(lines: Sequence[tuple[Level, str]]) -> str:
    """The annotations, each with its level, in their order. Of a level of which GitHub will not
    show all, the last one that it shows counts those that follow: they are in the log all the
    same."""
    numbers, seen, text = Counter(level for level, _ in lines), Counter[Level](), []
    for level, line in lines:
        seen[level] += 1
        if seen[level] == PER_STEP and numbers[level] > PER_STEP:
            rest = summarise_left_out({level: numbers[level] - PER_STEP + 1})
            text.append(annotation(level, rest.rule.title, rest.message))
        text.append(line)
    return "".join(text)
