"""JUnit XML, as GitLab, Jenkins and others read it: what blocks is a failure.

It is valid for the strictest schema in use (that of Ant's reporter): no attribute on
``testsuites``, one failure at most in a case, all attributes that it demands, times without a zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from reconciler.domain.plan.plan import Plan
from reconciler.domain.values.canonical import iso
from reconciler.domain.values.names import client_address
from reconciler.errors import Finding, Level
from reconciler.report.forges.results import MOST, action_sentence, approval_sentence
from reconciler.report.plan.words import LEVELS, by_level, by_risk, place_of, verdict
from reconciler.report.text.escape import clip, markup, terminal

_DECLARATION = "declaration"
# bytes; GitLab refuses a file of more than 30 MB, and its parser a text of more than 10
_OUT = 5_000_000
_ATTRIBUTE = 500  # characters; the whole is in the text of the failure


def plan_junit(plan: Plan) -> str:
    """A case for each client that the plan touches or a finding is about, and one for each other
    code of a finding."""
    cases: dict[str, list[Finding]] = {f"client/{name}": [] for name in sorted(plan.revisions)}
    cases |= {f"client/{action.client}": [] for action in plan.actions}
    for finding in by_level(plan.findings):
        client = finding.address.client
        case = client_address(client) if client else finding.code
        cases.setdefault(case, []).append(finding)
    properties = {
        "project": plan.project,
        "git_commit": plan.git_commit or "none",
        "digest": plan.digest,
        "verdict": verdict(plan),
    }
    properties |= (
        {"approvers": ", ".join(one.approver for one in plan.approvals)} if plan.approvals else {}
    )
    lines = [approval_sentence(one) for one in plan.approvals]
    lines += [action_sentence(action) for action in by_risk(plan.actions)]
    lines += [_describe(finding) for finding in by_level(plan.findings)]
    return _document(f"plan/{plan.environment}", plan.created_at, cases, properties, lines)


def junit_of_findings(findings: Iterable[Finding], now: datetime) -> str:
    """A case for each file with a finding, and one for the declaration as a whole."""
    cases: dict[str, list[Finding]] = {_DECLARATION: []}
    lines = []
    for finding in findings:
        cases.setdefault(finding.source.file if finding.source else _DECLARATION, []).append(
            finding
        )
        lines.append(_describe(finding))
    return _document("validate", now, cases, {}, lines)


def _document(
    suite: str,
    at: datetime,
    every: Mapping[str, Sequence[Finding]],
    properties: Mapping[str, str],
    out: Iterable[str],
) -> str:
    cases, lines_out = _bound_cases(every), _bound_lines(out)
    failed = sum(any(finding.level is Level.ERROR for finding in found) for found in cases.values())
    attributes = {
        "id": "0",
        "package": "reconciler",
        "name": suite,
        "timestamp": iso(at.astimezone(UTC)).removesuffix("Z"),
        "hostname": "localhost",
        "tests": str(len(cases)),
        "failures": str(failed),
        "errors": "0",
        "skipped": "0",
        "time": "0",
    }
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<testsuites>",
        f"<testsuite{_attributes(attributes)}>",
    ]
    lines.append("<properties>")
    lines += [
        f"<property{_attributes({'name': name, 'value': value})}/>"
        for name, value in properties.items()
    ]
    lines.append("</properties>")
    for name, found in cases.items():
        lines += _case(suite.replace("/", "."), name, found)
    lines.append("<system-out>" + "\n".join(markup(line) for line in lines_out) + "</system-out>")
    lines += ["<system-err></system-err>", "</testsuite>", "</testsuites>"]
    return "\n".join(lines) + "\n"


def _bound_cases(cases: Mapping[str, Sequence[Finding]]) -> Mapping[str, Sequence[Finding]]:
    """At most as many as a forge reads, in their order: the worst ones stay, and one more counts
    the others."""
    if len(cases) <= MOST:
        return cases
    worst = sorted(
        cases,
        key=lambda name: min((LEVELS.index(one.level) for one in cases[name]), default=len(LEVELS)),
    )
    kept = set(worst[: MOST - 1])
    return {name: found for name, found in cases.items() if name in kept} | {
        f"{len(cases) - len(kept)} more": []
    }


def _bound_lines(lines: Iterable[str]) -> Iterator[str]:
    """As many as a forge's parser takes, and a last one that counts the others."""
    left, omitted = _OUT, 0
    for line in lines:
        left -= len(line.encode(errors="replace")) + 1
        if left < 0:
            omitted += 1
        else:
            yield line
    if omitted:
        yield f"and {omitted} more lines: the formats text and json show everything"


def _case(suite: str, name: str, found: Sequence[Finding]) -> list[str]:
    start = f"<testcase{_attributes({'classname': suite, 'name': name, 'time': '0'})}"
    errors = [finding for finding in found if finding.level is Level.ERROR]
    if not errors:
        return [f"{start}/>"]
    failure = _attributes({"message": errors[0].message, "type": errors[0].code})
    return [
        f"{start}><failure{failure}>",
        *(markup(_describe(finding)) for finding in found),
        "</failure></testcase>",
    ]


def _describe(finding: Finding) -> str:
    place = place_of(finding)
    where = f"{place}: " if place else ""
    remedy = f". Remedy: {finding.remedy}" if finding.remedy else ""
    return f"{finding.level.value} {finding.code} {where}{finding.message}{remedy}"


def _attributes(values: Mapping[str, str]) -> str:
    """Attributes of one element; the schema wants them without white space at the ends or twice in
    a row."""
    return "".join(
        f' {name}="{markup(clip(" ".join(terminal(value).split()), _ATTRIBUTE)) or "-"}"'
        for name, value in values.items()
    )
