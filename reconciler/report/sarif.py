"""SARIF 2.1.0 (OASIS): the log that code scanning reads. ``findings`` of any origin, and rules for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from reconciler import __version__
from reconciler.domain.canonical import Json, digest, dumps
from reconciler.domain.desired import Source
from reconciler.domain.plan import Finding, Level
from reconciler.report.escape import terminal

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Code scanning refuses a result without a file; what no file is to blame for is shown at the project.
_NO_FILE = Source("reconciler.yaml", 1, 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """``id`` is a code or a reason, ``title`` a few words on it, ``help`` where to read or what to do."""

    id: str
    title: str
    level: Level
    help: str


@dataclass(frozen=True, slots=True)
class Result:
    """One thing to show. ``address`` may be empty."""

    rule: Rule
    level: Level
    message: str
    address: str = ""
    source: Source | None = None


def finding_result(finding: Finding, titles: Mapping[str, str] | None = None) -> Result:
    """``titles`` names codes; a code without a title is shown as itself."""
    title = (titles or {}).get(finding.code, finding.code)
    message = f"{finding.message}. Remedy: {finding.remedy}" if finding.remedy else finding.message
    rule = Rule(finding.code, title, finding.level, f"docs/errors.md explains {finding.code}")
    return Result(rule, finding.level, message, finding.address, finding.source)


def sarif_log(results: Iterable[Result], category: str) -> str:
    """One log with one run. ``category`` (``plan/production``) tells runs of one commit apart."""
    shown = tuple(results)
    rules = {result.rule.id: result.rule for result in reversed(shown)}
    order = {rule_id: index for index, rule_id in enumerate(sorted(rules))}
    driver = {
        "name": "reconciler",
        "semanticVersion": __version__,
        "rules": [_rule(rules[rule_id]) for rule_id in sorted(rules)],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"reconciler/{terminal(category)}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, order[result.rule.id]) for result in shown],
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(rule: Rule) -> dict[str, Json]:
    return {
        "id": rule.id,
        "shortDescription": {"text": plain(rule.title)},
        "fullDescription": {"text": plain(rule.title)},  # code scanning demands it, and help
        "help": {"text": plain(rule.help)},
        "defaultConfiguration": {"level": rule.level.value},
    }


def _result(result: Result, index: int) -> dict[str, Json]:
    source = result.source or _NO_FILE
    location: dict[str, Json] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(source.file)},
            "region": {"startLine": source.line, "startColumn": source.column},
        }
    }
    if result.address:
        location["logicalLocations"] = [{"fullyQualifiedName": terminal(result.address)}]
    # Stable while a file is edited above it: an alert is not closed and opened again.
    identity = digest([result.rule.id, result.address, source.file, "" if result.address else result.message])
    return {
        "ruleId": result.rule.id,
        "ruleIndex": index,
        "level": result.level.value,
        "message": {"text": plain(result.message)},
        "locations": [location],
        "partialFingerprints": {"reconciler/v1": identity.removeprefix("sha256:")},
    }


def plain(text: str) -> str:
    """``text`` as a plain SARIF message: no control characters, no embedded link (§3.11.6), no placeholder."""
    return re.sub(r"([{}])", r"\1\1", terminal(text).replace("](", "] ("))
