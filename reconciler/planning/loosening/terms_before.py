"""A plan beside the terms of a former commit: what was loosened since, who profits, and who is
asked nevertheless.

Nothing here changes what is done, whether the plan is blocked, or its digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import ClientState, Desired, Rule
from reconciler.domain.declared.terms import Terms
from reconciler.domain.live.record import ClientStatus
from reconciler.domain.plan.plan import Approval, Plan
from reconciler.domain.plan.scopes import WILDCARD, ScopeTable
from reconciler.errors import NOWHERE, Finding, Level
from reconciler.planning.actions.inputs import Inputs
from reconciler.planning.guards.situation import Situation, is_declared
from reconciler.planning.loosening.checks import (
    Loosening,
    find_added_scopes,
    find_loosenings,
    take_strictest,
)
from reconciler.planning.notes.findings import sort_findings
from reconciler.planning.review.approvals import find_approvals
from reconciler.planning.risk.facts import name_some
from reconciler.planning.risk.judging import judge_actions, take_grounds
from reconciler.planning.rules.built_in import find_breaches

REACHED = "RC252"
_REMEDY = "have those agree who answer for it, or take it out of this change"
_WIDER = (
    "name the scopes in these clients instead of a wildcard, or have those agree who answer for the"
    " scope"
)


@dataclass(frozen=True, slots=True)
class Before:
    """The terms ``before`` and ``now``; ``name`` is what people call the former: a commit."""

    before: Terms
    now: Terms
    name: str


def compare_terms(plan: Plan, terms: Before, inputs: Inputs) -> Plan:
    """``plan``, made from ``inputs``, with what was loosened and with those who had to agree by the
    former terms."""
    found = [
        *(
            _finding(one, plan, terms, inputs.desired)
            for one in find_loosenings(terms.before, terms.now, plan.created_at)
        ),
        *_find_reached(terms, inputs),
    ]
    asked = _with_former(plan, terms, inputs)
    return replace(plan, findings=sort_findings([*plan.findings, *found]), approvals=asked)


def _finding(
    one: Loosening,
    plan: Plan,
    terms: Before,
    desired: Desired,
) -> Finding:
    written = terms.now.place(one.path) or terms.before.place(one.path)
    file = written.file if written else "the declaration"
    gainers = _gainers(one, plan, desired)
    message = f"{file} is looser than at {terms.name}: {one.what}, {one.old} → {one.new}"
    if gainers:
        gains = (
            f"{name_some(gainers)} gain{'s' if len(gainers) == 1 else ''} it"
            if one.scope
            else _breaks(gainers)
        )
        message += f"; in this plan {gains}"
    return Finding(
        one.code, Level.WARNING, message, NOWHERE, _REMEDY, one.source or terms.now.place(one.path)
    )


def _breaks(clients: Sequence[str]) -> str:
    return f"{name_some(clients)} break{'s' if len(clients) == 1 else ''} what it was"


def _gainers(one: Loosening, plan: Plan, desired: Desired) -> list[str]:
    """The clients of the plan that profit, as far as that is easily told."""
    if one.scope:
        with_it = (
            action
            for action in plan.changes
            if action.permissions and one.scope in action.permissions.granted
        )
        return sorted({action.client for action in with_it})
    return sorted(_breaking(one.rule, plan, desired)) if one.rule is not None else []


def _breaking(rule: Rule, plan: Plan, desired: Desired) -> Iterator[str]:
    table = ScopeTable(desired.scopes)
    for name in {action.client for action in plan.changes if is_declared(action)}:
        client = desired.clients.get(name)
        if client is not None and any(
            find_breaches(client, [rule], desired.environment.name, table)
        ):
            yield name


def _find_reached(terms: Before, inputs: Inputs) -> Iterator[Finding]:
    """Scopes that are new in the catalogue, and clients with a wildcard that meant nothing of them
    until now. One finding for all scopes that reach the same clients, whichever clients the plan is
    about: it has no action of them.
    """
    added = find_added_scopes(terms.before, terms.now)
    table = ScopeTable(added)
    reached: dict[str, set[str]] = {}
    for client, scopes in _by_wildcard(inputs) if added else ():
        for scope in {name for one in scopes for name in table.members(one)}:
            reached.setdefault(scope, set()).add(client)
    together: dict[tuple[str, ...], list[str]] = {}
    for scope, clients in sorted(reached.items()):
        together.setdefault(tuple(sorted(clients)), []).append(scope)
    for names, scopes in together.items():
        one = len(names) == 1
        whose = f"the effective permissions of {name_some(names)}"
        place = terms.now.place(("ScopeCatalog", "scopes", scopes[0]))
        yield Finding(
            REACHED,
            Level.WARNING,
            f"{whose} grow by {name_some([f'{scope} ({added[scope]})' for scope in scopes])}, which"
            f" {place.file if place else 'the catalogue'} did not have at {terms.name}: without a"
            f" change of {'its' if one else 'their'} own, by {'its' if one else 'their'} wildcards",
            NOWHERE,
            _WIDER,
            place,
        )


def _by_wildcard(inputs: Inputs) -> Iterator[tuple[str, list[str]]]:
    """(client, wildcards) that a client has on record and keeps by its declaration."""
    for name, record in inputs.pairs.items():
        client = inputs.desired.clients.get(name)
        if client is None or record is None or record.edited:
            continue
        if client.state is ClientState.RETIRED or record.status is ClientStatus.RETIRED:
            continue
        held = set(record.spec.get("scopes") or ()) & set(client.spec.get("scopes") or ())
        wildcards = [scope for scope in held if WILDCARD in scope]
        if wildcards:
            yield name, wildcards


def _with_former(plan: Plan, terms: Before, inputs: Inputs) -> tuple[Approval, ...]:
    """The approvals of the plan, and those of the approvers before, by the higher of both risks of
    each scope."""
    stricter = take_strictest(terms.before, terms.now)
    if stricter is None:
        return plan.approvals
    former = replace(inputs.desired, scopes=stricter[0], policy=stricter[1])
    touched = {action.client: inputs.pairs.get(action.client) for action in plan.actions}
    # What was judged is judged again: of two risks the higher one stays.
    actions = judge_actions(plan.actions, take_grounds(plan.created_at, touched, former))
    question = replace(inputs.question, desired=former, at=plan.created_at)
    asked = find_approvals(Situation(replace(inputs, question=question, guarded_at=None), actions))
    own = {one.approver: one for one in plan.approvals}
    merged = {
        one.approver: _merge_approvals(own.get(one.approver), one, terms.name) for one in asked
    }
    return tuple(approval for _, approval in sorted({**own, **merged}.items()))


def _merge_approvals(own: Approval | None, former: Approval, name: str) -> Approval:
    """Both, each reason that only the terms before have with a word that says so."""
    told, about = (own.reasons, own.addresses) if own is not None else ((), ())
    if set(former.addresses) <= set(about):
        return own or former
    more = (f"{reason}, by the terms of {name}" for reason in former.reasons if reason not in told)
    return Approval(
        former.approver, tuple(sorted({*told, *more})), tuple(sorted({*about, *former.addresses}))
    )
