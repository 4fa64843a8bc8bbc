"""The words and signs that every rendering of a plan shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from reconciler.domain.kinds.actions import Verb
from reconciler.domain.plan.plan import Action, Plan, Risk, highest
from reconciler.errors import Finding, Level
from reconciler.planning.actions.reasons import DRIFT
from reconciler.report.text.layout import count_words, list_words

# + something comes to be, ~ it changes, - it ends; = it stays as it is, for a reason.
_SIGNS: Mapping[Verb, str] = {
    Verb.REGISTER: "+",
    Verb.UPDATE: "~",
    Verb.ISSUE: "+",
    Verb.ROTATE: "~",
    Verb.RETIRE: "-",
    Verb.REVOKE: "-",
    Verb.VERIFY: "~",
    Verb.ACTIVATE: "~",
    Verb.SUSPEND: "-",
    Verb.ADOPT: "~",
    Verb.ABANDON: "-",
    Verb.DESTROY: "-",
    Verb.NO_OP: "=",
}
STYLES = {"+": "create", "~": "change", "-": "remove", "!": "alarm", "=": "dim"}
RISKS = tuple(Risk)  # in rising order
LEVELS = (Level.ERROR, Level.WARNING, Level.NOTE)
LEVEL_STYLES = {Level.ERROR: "alarm", Level.WARNING: "change", Level.NOTE: "dim"}


def sign_of(action: Action) -> str:
    """``+ ~ -`` by verb, ``!`` when the action answers to drift."""
    return "!" if action.reason in DRIFT else _SIGNS[action.kind.verb]


def target(action: Action) -> str:
    """What an action acts on, inside its client:

    ``key/primary v3``; empty for the client itself.
    """
    inside = action.address.removeprefix(f"client/{action.client}").lstrip("/")
    return f"{inside} v{action.version}" if inside and action.version is not None else inside


def subject(action: Action) -> str:
    """The address, with the version that an action acts on: ``client/a/key/primary v3``."""
    return action.address if action.version is None else f"{action.address} v{action.version}"


def by_risk(actions: Iterable[Action]) -> list[Action]:
    """The order for people: the highest risk first, then by address and version, then as they are
    carried out."""
    return sorted(
        actions, key=lambda action: (-action.risk.rank, action.address, action.version or 0)
    )


def scopes_by_risk(scopes: Mapping[str, Risk]) -> list[str]:
    """One side of an action's permissions:

    ``payouts:write (critical)``, the highest risk first, then by name.
    """
    return [
        f"{name} ({risk.value})"
        for name, risk in sorted(scopes.items(), key=lambda one: (-one[1].rank, one[0]))
    ]


def by_level(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by code and address."""
    return sorted(
        findings, key=lambda finding: (LEVELS.index(finding.level), finding.code, finding.address)
    )


def place_of(finding: Finding) -> str:
    """``file:line:column``, else the address; empty for none."""
    source = finding.source
    return f"{source.file}:{source.line}:{source.column}" if source else finding.address


def risk_counts(plan: Plan) -> dict[Risk, int]:
    """How many changes are of which risk, the highest first; risks without any are left out."""
    counted_risks = Counter(action.risk for action in plan.changes)
    return {risk: counted_risks[risk] for risk in reversed(RISKS) if counted_risks[risk]}


def permission_changes(action: Action) -> list[tuple[str, str, Risk]]:
    """(``+`` or ``-``, scope, its risk): what the client may do from now on or no longer, the
    riskiest first."""
    if action.permissions is None:
        return []
    granted = (("+", scope, risk) for scope, risk in action.permissions.granted.items())
    withdrawn = (("-", scope, risk) for scope, risk in action.permissions.withdrawn.items())
    return sorted(
        [*granted, *withdrawn], key=lambda one: (one[0] != "+", -RISKS.index(one[2]), one[1])
    )


def headline(plan: Plan) -> str:
    """``5 changes on 3 clients``, ``no changes``."""
    if not plan.changes:
        return "no changes"
    clients = len({action.client for action in plan.changes})
    return f"{count_words(len(plan.changes), 'change')} on {count_words(clients, 'client')}"


def verdict(plan: Plan) -> str:
    """The sentence that a reader needs first. One sentence, no user text."""
    if plan.blocked:
        errors = sum(finding.level is Level.ERROR for finding in plan.findings)
        return (
            f"Blocked by {count_words(errors, 'finding')}: this plan can be shown, never applied"
            f" ({headline(plan)})."
        )
    if not plan.changes:
        held = len({action.client for action in plan.actions})
        why = (
            f", {held} kept as {'it is' if held == 1 else 'they are'} for the reason above"
            if held
            else ""
        )
        return f"No changes: {count_words(plan.unchanged, 'client')} as declared{why}."
    drifted = sum(action.reason in DRIFT for action in plan.changes)
    repair = f", {drifted} of them because of drift" if drifted else ""
    return f"{headline(plan).capitalize()}{repair}; highest risk {highest_risk(plan).value}."


def counts(plan: Plan) -> str:
    """``2 to issue, 1 to rotate and 1 to revoke; 9 clients unchanged``; for a plan with changes."""
    numbers = plan.summary()
    verbs = [
        f"{number} to {verb}" for verb, number in numbers.items() if number and verb != "no_op"
    ]
    return f"{list_words(verbs)}; {count_words(numbers['no_op'], 'client')} unchanged"


def highest_risk(plan: Plan) -> Risk:
    return highest(action.risk for action in plan.changes)
