"""SARIF 2.1.0 (OASIS): the log that code scanning reads."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from reconciler import __version__
from reconciler.domain.plan.plan import Plan, Risk
from reconciler.domain.values.canonical import Json, escape_json
from reconciler.report.forges.results import (
    MOST,
    OURS,
    Result,
    ResultRule,
    bound_results,
    fingerprints,
    plan_results,
    position,
)
from reconciler.report.text.escape import terminal

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# GitHub: above 9.0 is critical, from 7.0 on high. It reads the score from the rule, and of security
# rules only. GitHub refuses an upload that is larger than this when it is compressed, in bytes.
LARGEST = 10_000_000
_SCORES = {Risk.LOW: "2.0", Risk.MEDIUM: "5.0", Risk.HIGH: "8.0", Risk.CRITICAL: "9.5"}


def plan_sarif(plan: Plan, folder: str = "") -> str:
    """Rules are finding codes (``RC310``) and reasons with a risk
    (``DeclarationChanged/high``). The run's properties say of which plan it is."""
    which: dict[str, Json] = {"digest": terminal(plan.digest)}
    return sarif_log(plan_results(plan), f"plan/{plan.environment}", folder, which)


def sarif_log(
    results: Sequence[Result],
    category: str,
    folder: str = "",
    properties: Mapping[str, Json] | None = None,
) -> str:
    """One log with one run. ``category`` (``plan/production``) tells runs of one commit apart;
    ``folder`` is where the project lies in its repository; ``properties`` are of the run.

    It is never more than GitHub takes: the worst results stay, one counts the others."""
    most = MOST
    while True:
        text = _log(bound_results(results, most), category, folder, properties)
        size = _measure_compressed(text)
        if size <= LARGEST or most == 1:
            return text
        most = max(1, min(most, len(results)) * LARGEST // size * 9 // 10)


def _measure_compressed(text: str) -> int:
    """At most so many bytes, whoever compresses it.

    What is short enough as it is need not be compressed.
    """
    return len(text) if len(text) <= LARGEST else len(gzip.compress(text.encode(), compresslevel=1))


def _log(
    results: Sequence[Result],
    category: str,
    folder: str,
    properties: Mapping[str, Json] | None,
) -> str:
    rules = {result.rule.id: result.rule for result in reversed(results)}
    names = sorted(rules, key=lambda rule_id: (rule_id not in OURS, rule_id))
    order = {rule_id: index for index, rule_id in enumerate(names)}
    driver = {
        "name": "reconciler",
        "semanticVersion": __version__,
        "rules": [_rule(rules[rule_id]) for rule_id in names],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"reconciler/{terminal(category)}/"},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(result, order[result.rule.id], fingerprint, folder)
            for result, fingerprint in zip(results, fingerprints(results), strict=True)
        ],
    }
    if properties:
        run["properties"] = dict(properties)
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return escape_json(json.dumps(log, sort_keys=True, separators=(",", ":"))) + "\n"


def _rule(rule: ResultRule) -> dict[str, Json]:
    properties: dict[str, Json] = {"tags": ["integrations"]}
    if rule.risk is not None:
        properties = {"tags": ["integrations", "security"], "security-severity": _SCORES[rule.risk]}
    return {
        "id": terminal(rule.id),
        "shortDescription": {"text": plain_sarif_text(rule.title)},
        "fullDescription": {
            "text": plain_sarif_text(rule.title)
        },  # code scanning demands it, and help
        "help": {"text": plain_sarif_text(rule.help)},
        "defaultConfiguration": {"level": rule.level.value},
        "properties": properties,
    }


def _result(
    result: Result,
    index: int,
    fingerprint: str,
    folder: str,
) -> dict[str, Json]:
    place = position(result.source, folder)
    location: dict[str, Json] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.file, errors="replace")},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }
    if result.address:
        location["logicalLocations"] = [{"fullyQualifiedName": terminal(result.address)}]
    return {
        "ruleId": terminal(result.rule.id),
        "ruleIndex": index,
        "level": result.level.value,
        "message": {"text": plain_sarif_text(result.message)},
        "locations": [location],
        # the only one that GitHub compares
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }


def plain_sarif_text(text: str) -> str:
    """``text`` as a plain SARIF message: no control characters, no embedded link (§3.11.6), no
    placeholder; and not empty, which code scanning refuses."""
    return re.sub(r"([{}])", r"\1\1", terminal(text).replace("](", "] (")) or "-"
