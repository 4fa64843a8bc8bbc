"""Renders findings: like a compiler for people, JSON, GitHub workflow commands, SARIF 2.1.0."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.domain.plan import FORMAT_VERSION, Finding, Level
from reconciler.report.escape import terminal, terminal_width, workflow_command_data, workflow_command_property

FORMATS = ("text", "json", "github", "sarif")

_COLOURS = {Level.ERROR: "31;1", Level.WARNING: "33;1", Level.NOTE: "36;1"}
_SHOWN = 100  # characters of a source line; a longer one is cut around the caret
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_findings(
    findings: Sequence[Finding],
    form: str = "text",
    *,
    colour: bool = False,
    titles: Mapping[str, str] | None = None,
    folder: str = "",
) -> str:
    """``findings`` as ``text``, ``json``, ``github`` or ``sarif``; ends in a newline.

    ``colour`` is for text. ``titles`` names codes in SARIF. ``folder`` is where the project lies in its
    repository: GitHub and SARIF viewers want paths from there. Raises ``KeyError`` for another form.
    """
    if form == "text":
        return text(findings, colour=colour)
    if form == "github":
        return github(findings, folder=folder)
    documents = {"json": lambda: document(findings), "sarif": lambda: sarif(findings, titles=titles, folder=folder)}
    # ASCII: what a person wrote reaches a terminal through here as well.
    return json.dumps(documents[form](), indent=2) + "\n"


def summary(findings: Sequence[Finding]) -> dict[str, int]:
    counts = Counter(finding.level for finding in findings)
    return {f"{level.value}s": counts[level] for level in Level}


def text(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """One block a finding and a last line with the numbers."""
    blocks = [_block(finding, colour=colour) for finding in findings]
    counts = [f"{number} {name[:-1] if number == 1 else name}" for name, number in summary(findings).items() if number]
    return "\n\n".join([*blocks, ", ".join(counts) or "valid"]) + "\n"


def _block(finding: Finding, *, colour: bool) -> str:
    head = f"{finding.level.value}[{finding.code}]"
    if colour:
        head = f"\x1b[{_COLOURS[finding.level]}m{head}\x1b[0m"
    source = finding.source
    place = f"{source.file}:{source.line}:{source.column}" if source else finding.address
    lines = [f"{head} {terminal(place)}".rstrip()]
    if source and finding.excerpt is not None:
        lines += _excerpt(finding.excerpt, source.line, source.column)
    lines.append(f"  {terminal(finding.message)}")
    if finding.remedy:
        lines.append(f"  remedy: {terminal(finding.remedy)}")
    return "\n".join(lines)


def _excerpt(line: str, number: int, column: int) -> list[str]:
    """The source line with its number, and a caret below ``column`` (in characters, from 1)."""
    start = max(0, column - 1 - _SHOWN // 2) if len(line) > _SHOWN else 0
    before, after = line[start : column - 1], line[max(start, column - 1) : start + _SHOWN]
    dots, tail = "…" if start else "", "…" if start + _SHOWN < len(line) else ""
    gutter = f"{number:>5} | "
    space = " " * (len(dots) + terminal_width(before))
    shown = f"{gutter}{dots}{terminal(before + after)}{tail}".rstrip()
    return [shown, f"{' ' * (len(gutter) - 2)}| {space}^"]


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """What ``validate --format json`` prints."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": "validation",
        "valid": not any(finding.level is Level.ERROR for finding in findings),
        "summary": summary(findings),
        "findings": [entry(finding) for finding in findings],
    }


def entry(finding: Finding) -> dict[str, Any]:
    """One finding in JSON; ``file``, ``line`` and ``column`` are null when it has no place."""
    source = finding.source
    return {
        "code": finding.code,
        "level": finding.level.value,
        "address": finding.address,
        "message": finding.message,
        "remedy": finding.remedy,
        "file": source.file if source else None,
        "line": source.line if source else None,
        "column": source.column if source else None,
    }


def github(findings: Sequence[Finding], *, folder: str = "") -> str:
    """One workflow command a finding: GitHub shows it next to the line."""
    commands = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
    lines = []
    for finding in findings:
        properties = {"title": finding.code}
        if finding.source:
            source = finding.source
            properties |= {"file": _path(source.file, folder), "line": str(source.line), "col": str(source.column)}
        written = ",".join(f"{name}={workflow_command_property(value)}" for name, value in properties.items())
        message = "\n".join(filter(None, [finding.message, finding.remedy and f"remedy: {finding.remedy}"]))
        lines.append(f"::{commands[finding.level]} {written}::{workflow_command_data(message)}\n")
    return "".join(lines)


def sarif(findings: Sequence[Finding], *, titles: Mapping[str, str] | None = None, folder: str = "") -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run; ``titles`` maps codes to their names."""
    codes = sorted({finding.code for finding in findings})
    rules = [{"id": code, "shortDescription": {"text": (titles or {}).get(code, code)}} for code in codes]
    driver = {"name": "reconciler", "semanticVersion": __version__, "rules": rules}
    results = [_result(finding, codes.index(finding.code), folder) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rule: int, folder: str) -> dict[str, Any]:
    message = "\n".join(filter(None, [finding.message, finding.remedy and f"Remedy: {finding.remedy}"]))
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.level.value,
        "message": {"text": message},
    }
    location: dict[str, Any] = {}
    if finding.source:
        uri = quote(_path(finding.source.file, folder))
        region = {"startLine": finding.source.line, "startColumn": finding.source.column}
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": region}
    if finding.address:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.address}]
    if location:
        result["locations"] = [location]
    return result


def _path(file: str, folder: str) -> str:
    return str(PurePosixPath(folder) / file)
