"""Renders findings: like a compiler for people, and in the formats that programs read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from reconciler.domain.plan.plan import FORMAT_VERSION
from reconciler.domain.values.canonical import Json, escape_json
from reconciler.engine.planfile.document import finding_document
from reconciler.errors import Finding, Level
from reconciler.report.forges.annotations import annotation, write_annotations
from reconciler.report.forges.code_quality import code_quality
from reconciler.report.forges.junit import junit_of_findings
from reconciler.report.forges.results import finding_result
from reconciler.report.forges.sarif import sarif_log
from reconciler.report.plan.words import place_of
from reconciler.report.text.escape import terminal, terminal_width
from reconciler.report.text.paint import Paint

_STYLES = {Level.ERROR: "alarm", Level.WARNING: "change", Level.NOTE: "bold"}
_SHOWN = 100  # characters of a source line; a longer one is cut around the caret


def findings_text(findings: Iterable[Finding], *, colour: bool = False) -> str:
    """One block a finding (``error[RC134] file:line:column``, the line, a caret, the cause, the
    remedy) and a last line with the numbers."""
    found = list(findings)
    paint = Paint(colour)
    counts = [
        f"{number} {name[:-1] if number == 1 else name}"
        for name, number in _summary(found).items()
        if number
    ]
    return (
        "\n\n".join(
            [*(_block(finding, paint) for finding in found), ", ".join(counts) or "no findings"]
        )
        + "\n"
    )


def findings_json(findings: Iterable[Finding]) -> str:
    """``{format_version, kind: "validation", valid, summary: {errors, warnings, notes}, findings:
    […]}``"""
    found = list(findings)
    document = {
        "format_version": FORMAT_VERSION,
        "kind": "validation",
        "valid": not any(finding.level is Level.ERROR for finding in found),
        "summary": _summary(found),
        "findings": finding_documents(found),
    }
    # ASCII: what a person wrote in a file reaches a terminal through here as well.
    return escape_json(json.dumps(document, indent=2)) + "\n"


def finding_documents(findings: Iterable[Finding]) -> list[dict[str, Json]]:
    """Findings in JSON; ``file``, ``line`` and ``column`` are null together, when no file is to
    blame."""
    return [finding_document(finding) for finding in findings]


def findings_github(findings: Iterable[Finding], *, folder: str = "") -> str:
    """One workflow command a finding: GitHub shows it next to the line. ``folder`` is where the
    project lies in its repository, here and below."""
    return write_annotations(
        [
            (
                finding.level,
                annotation(
                    finding.level, finding.code, _with_remedy(finding), finding.source, folder
                ),
            )
            for finding in findings
        ]
    )


def findings_sarif(findings: Iterable[Finding], *, folder: str = "") -> str:
    return sarif_log([finding_result(finding) for finding in findings], "validate", folder)


def findings_gitlab(findings: Iterable[Finding], *, folder: str = "") -> str:
    return code_quality([finding_result(finding) for finding in findings], folder)


def findings_junit(findings: Iterable[Finding], now: datetime) -> str:
    return junit_of_findings(list(findings), now)


def _summary(findings: Iterable[Finding]) -> dict[str, int]:
    counts = Counter(finding.level for finding in findings)
    return {f"{level.value}s": counts[level] for level in Level}


def _block(finding: Finding, paint: Paint) -> str:
    head = paint(_STYLES[finding.level], f"{finding.level.value}[{terminal(finding.code)}]")
    source = finding.source
    lines = [f"{head} {terminal(place_of(finding))}".rstrip()]
    if source and finding.excerpt is not None:
        lines += _excerpt(finding.excerpt, source.line, source.column, paint)
    lines.append(f"  {terminal(finding.message)}")
    if finding.remedy:
        lines.append(f"  remedy: {terminal(finding.remedy)}")
    return "\n".join(lines)


def _excerpt(
    line: str,
    number: int,
    column: int,
    paint: Paint,
) -> list[str]:
    """The source line with its number, and a caret below ``column`` (in characters, from 1)."""
    place = min(column - 1, len(line))
    start = max(0, place - _SHOWN // 2) if len(line) > _SHOWN else 0
    before, after = line[start:place], line[place : start + _SHOWN]
    head, tail = "…" if start else "", "…" if start + _SHOWN < len(line) else ""
    shown = f"{number:>5} | {head}{terminal(before + after)}{tail}".rstrip()
    space = " " * (len(head) + terminal_width(before))
    return [shown, f"      | {space}{paint('alarm', '^')}"]


def _with_remedy(finding: Finding) -> str:
    return f"{finding.message}\nremedy: {finding.remedy}" if finding.remedy else finding.message
