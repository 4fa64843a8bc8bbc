"""GitLab's code quality report: the part of Code Climate's format that GitLab reads."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.domain.plan.plan import Plan, Risk
from reconciler.domain.values.canonical import Json, escape_json
from reconciler.errors import Level
from reconciler.report.forges.results import (
    Result,
    bound_results,
    fingerprints,
    plan_results,
    position,
)
from reconciler.report.text.escape import terminal

_BY_RISK = {Risk.CRITICAL: "critical", Risk.HIGH: "major", Risk.MEDIUM: "minor", Risk.LOW: "info"}
_BY_LEVEL = {Level.ERROR: "blocker", Level.WARNING: "minor", Level.NOTE: "info"}


def code_quality(results: Sequence[Result], folder: str = "") -> str:
    """A JSON list, of as many entries as a forge can show.

    ``folder`` is where the project lies in its repository.
    """
    kept = bound_results(results)
    entries = [
        _entry(one, mark, folder) for one, mark in zip(kept, fingerprints(kept), strict=True)
    ]
    return escape_json(json.dumps(entries, indent=2)) + "\n"


def _entry(result: Result, fingerprint: str, folder: str) -> dict[str, Json]:
    place, risk = position(result.source, folder), result.rule.risk
    return {
        "description": terminal(result.message),
        "check_name": terminal(result.rule.id),
        "fingerprint": fingerprint,
        "severity": _BY_LEVEL[result.level] if risk is None else _BY_RISK[risk],
        "location": {"path": terminal(place.file), "lines": {"begin": place.line}},
    }


def plan_gitlab(plan: Plan, folder: str = "") -> str:
    return code_quality(plan_results(plan), folder)
