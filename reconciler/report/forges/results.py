"""What deserves a place of its own in a forge: one list for SARIF, annotations and code quality."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.plan.plan import Action, Approval, Plan, Risk
from reconciler.domain.values.canonical import digest
from reconciler.errors import NOWHERE, Address, Finding, Level, Source
from reconciler.errors.codes import CODES
from reconciler.report.plan.words import LEVELS, by_level, by_risk, permission_changes
from reconciler.report.text.layout import count_words, list_words

# Forges refuse a result without a file; what no file is to blame for is shown at the project.
_PROJECT_FILE = "reconciler.yaml"
# Low and medium actions are in the comment and on the page; here they would drown the dangerous
# ones.
RESULT_SHOWN = {Risk.HIGH: Level.WARNING, Risk.CRITICAL: Level.ERROR}
_LARGEST = 2**31 - 1
# GitHub refuses a run of code scanning with more results.
MOST = 25_000
APPROVAL, LEFT_OUT = OURS = ("approval", "left-out")  # rules that are neither a code nor a reason
_NAMED = 5  # addresses and reasons of one approver


@dataclass(frozen=True, slots=True)
class ResultRule:
    """``id`` is a code, or a reason with a risk; ``title`` a few words on it; ``help`` where to
    read or what to do."""

    id: str
    title: str
    level: Level
    help: str
    risk: Risk | None = None  # None: not a matter of risk


@dataclass(frozen=True, slots=True)
class Result:
    """One thing to show. ``address`` may be empty.

    ``identity`` is what makes it the same thing in the next run.
    """

    rule: ResultRule
    level: Level
    message: str
    identity: tuple[str, ...]
    address: Address = NOWHERE
    source: Source | None = None


def finding_result(finding: Finding) -> Result:
    """Named as the table of codes does; a saved plan may have a code that is none of ours."""
    row = CODES.get(finding.code)
    title = row.name if row else f"Finding ({finding.code})"
    message = f"{finding.message}. Remedy: {finding.remedy}" if finding.remedy else finding.message
    rule = ResultRule(finding.code, title, finding.level, f"docs/errors.md explains {finding.code}")
    # Numbers in a message are lines, dates, counts and commits: they change while the matter is the
    # same.
    file = finding.source.file if finding.source else ""
    identity = (
        finding.code,
        finding.address,
        file,
        re.sub(r"\bcommit [0-9a-f]{12}\b|[0-9]+", "0", finding.message),
    )
    return Result(
        rule,
        finding.level,
        message,
        identity,
        finding.address,
        finding.source,
    )


def action_result(action: Action, source: Source | None) -> Result:
    """An action of high or critical risk, at the declaration of its client.

    Raises ``KeyError`` for another.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", action.reason).capitalize()
    risk = action.risk.value
    rule = ResultRule(
        f"{action.reason}/{risk}",
        f"{words} ({risk} risk)",
        RESULT_SHOWN[action.risk],
        "An apply would do this; the message says why that is dangerous. docs/reasons.md explains"
        f" {action.reason}.",
        action.risk,
    )
    identity = (action.reason, action.kind.value, action.address)
    return Result(
        rule,
        rule.level,
        action_sentence(action),
        identity,
        action.address,
        source,
    )


def action_sentence(action: Action) -> str:
    """What would be done, why, and why that is dangerous."""
    reasons = f": {'; '.join(action.risk_reasons)}" if action.risk_reasons else ""
    risk = f"{action.risk.value} risk{reasons}"
    parts = [f"{action.kind.value} {action.address}: {action.message} ({risk})"]
    changed = permission_changes(action)
    parts += (
        [f"May from now on: {_scopes(changed, '+')}"]
        if any(sign == "+" for sign, _, _ in changed)
        else []
    )
    parts += (
        [f"May no longer: {_scopes(changed, '-')}"]
        if any(sign == "-" for sign, _, _ in changed)
        else []
    )
    return ". ".join(parts)


def _scopes(changed: Iterable[tuple[str, str, Risk]], wanted: str) -> str:
    return ", ".join(f"{scope} ({risk.value})" for sign, scope, risk in changed if sign == wanted)


def approval_result(approval: Approval, plan: Plan) -> Result:
    """Who must agree, at the declaration of the first client that it is about."""
    rule = ResultRule(APPROVAL, "Must be approved", Level.NOTE, "docs/policy.md explains approvers")
    address = approval.addresses[0] if approval.addresses else NOWHERE
    source = plan.sources.get(address.client)
    return Result(
        rule,
        rule.level,
        approval_sentence(approval),
        (APPROVAL, approval.approver),
        address,
        source,
    )


def approval_sentence(approval: Approval) -> str:
    """Who must agree, why, and to what.

    Words of ours come first: so no line of a log begins with those of a person.
    """
    what, why = _first(approval.addresses), _first(approval.reasons, "; ")
    return f"approval by {approval.approver} is needed for {what}: {why}"


def _first(texts: Sequence[str], between: str = ", ") -> str:
    more = [f"and {len(texts) - _NAMED} more"] if len(texts) > _NAMED else []
    return between.join([*texts[:_NAMED], *more])


def plan_results(plan: Plan) -> list[Result]:
    """What blocks first, then who must agree, then actions of critical and high risk, then the
    other findings."""
    findings = by_level(plan.findings)
    errors = [_at_its_client(one, plan) for one in findings if one.level is Level.ERROR]
    others = [_at_its_client(one, plan) for one in findings if one.level is not Level.ERROR]
    risky = [action for action in by_risk(plan.changes) if action.risk in RESULT_SHOWN]
    asked = [approval_result(one, plan) for one in plan.approvals]
    return [
        *errors,
        *asked,
        *(action_result(action, plan.sources.get(action.client)) for action in risky),
        *others,
    ]


def _at_its_client(finding: Finding, plan: Plan) -> Result:
    """A finding that names no line is shown where its client is declared."""
    result = finding_result(finding)
    client = finding.address.client
    return replace(result, source=result.source or plan.sources.get(client))


def bound_results(results: Sequence[Result], most: int = MOST) -> list[Result]:
    """At most ``most`` results, in their order: the worst ones stay, and the last one counts the
    others."""
    if len(results) <= most:
        return list(results)
    worst = sorted(range(len(results)), key=lambda index: _rank(results[index]))
    kept, left = sorted(worst[: most - 1]), worst[most - 1 :]
    return [
        *(results[index] for index in kept),
        summarise_left_out(Counter(results[index].level for index in left)),
    ]


def _rank(result: Result) -> int:
    """Who must agree is asked whatever else there is to show."""
    return -1 if result.rule.id == APPROVAL else LEVELS.index(result.level)


def summarise_left_out(levels: Mapping[Level, int]) -> Result:
    """One result for all that there was no room for: so many of each level."""
    worst = next(level for level in LEVELS if levels.get(level))
    told = [count_words(levels[level], level.value) for level in LEVELS if levels.get(level)]
    rule = ResultRule(
        LEFT_OUT, "Not shown here", worst, "docs/review.md says how much a forge shows"
    )
    message = (
        f"{count_words(sum(levels.values()), 'more result')}, for which there is no room here:"
        f" {list_words(told)}"
    )
    return Result(rule, worst, f"{message}. The formats text and json show everything", (LEFT_OUT,))


def fingerprints(results: Sequence[Result]) -> list[str]:
    """One for each result, in order: hex digits, a colon and a number. It is the same in the next
    run for the same thing, whatever moved in the file, whenever that is and in whichever order; the
    number tells twins apart."""
    seen: Counter[str] = Counter()
    found = [""] * len(results)
    for index in sorted(
        range(len(results)), key=lambda index: (results[index].identity, results[index].message)
    ):
        identity = digest(list(results[index].identity)).removeprefix("sha256:")[:32]
        seen[identity] += 1
        found[index] = f"{identity}:{seen[identity]}"
    return found


def position(source: Source | None, folder: str = "") -> Source:
    """Where a forge shows it: a path from the root of the repository, never out of it.

    ``folder``: the project's.
    """
    asked = source or Source(_PROJECT_FILE, 1, 1)
    parts = [*PurePosixPath(folder).parts, *PurePosixPath(asked.file).parts]
    inside = [part for part in parts if part.strip("/") and part != ".."]
    line, column = (min(max(number, 1), _LARGEST) for number in (asked.line, asked.column))
    return Source("/".join(inside) or _PROJECT_FILE, line, column)
