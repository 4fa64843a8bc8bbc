"""What a change takes back of what plans are judged by: one check is one function and one row in
``CHECKS``.

A change that loosens a rule and profits from it in one go breaks no rule. So the terms before and
after are compared. What is made stricter is not told, and what cannot be compared (another
expression, another pattern) is told as looser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import Committed
from reconciler.domain.declared.desired import (
    ApproverRule,
    CustomRule,
    DistinctApprover,
    GuardrailPolicy,
    Rule,
    RuleLevel,
    Waiver,
)
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.declared.proof import DEFAULT_DEMANDS, Demand
from reconciler.domain.declared.terms import Path, Terms
from reconciler.domain.plan.plan import Risk
from reconciler.domain.plan.scopes import covers
from reconciler.domain.values.canonical import iso
from reconciler.errors import Source
from reconciler.planning.loosening.places import PLACE_CHECKS
from reconciler.planning.loosening.values import looser_value, show_value

POLICY, CATALOGUE = "RC250", "RC251"
_LEVELS = (RuleLevel.OFF, RuleLevel.WARN, RuleLevel.DENY)
_DEMANDS = (Demand.OFF, Demand.WARN, Demand.REQUIRE)
_APPROVERS = tuple(DistinctApprover)
_RULE = TypeVar(
    "_RULE",
    Rule,
    CustomRule,
    ApproverRule,
    Waiver,
)


@dataclass(frozen=True, slots=True)
class Loosening:
    """``what`` was ``old`` and is ``new``; ``path``: where that is written. ``rule``: whoever
    breaks it profits; ``scope``: whoever gains it. ``source``: its place, where ``path`` does not
    tell."""

    code: str
    path: Path
    what: str
    old: str
    new: str
    rule: Rule | None = None
    scope: str = ""
    source: Source | None = None


LooseningCheck = Callable[[Terms, Terms, datetime], Iterator[Loosening]]


def _policy(
    path: Path,
    old: object,
    new: object,
    rule: Rule | None = None,
) -> Loosening:
    return Loosening(
        POLICY, ("GuardrailPolicy", *path), ".".join(path), show_value(old), show_value(new), rule
    )


def _here(found: Sequence[_RULE], now: Terms) -> list[_RULE]:
    """Those that hold, or would have held, in the environment of ``now``."""
    name = now.environment.name if now.environment else ""
    return [one for one in found if holds_in(one.environments, name)]


def budgets(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    for name in ("removals", "changes"):
        old, new = getattr(before.policy, name), getattr(now.policy, name)
        if new.percent > old.percent:
            yield _policy(("budgets", name, "percent"), old.percent, new.percent)
        if new.at_least > old.at_least:
            yield _policy(("budgets", name, "atLeast"), old.at_least, new.at_least)


def rules(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    after = {rule.name: rule for rule in _here(now.policy.rules, now)}
    for old in _here(before.policy.rules, now):
        new = after.get(old.name)
        level = new.level if new is not None else RuleLevel.OFF
        if _LEVELS.index(level) < _LEVELS.index(old.level):
            yield _policy(("rules", old.name, "level"), old.level, level, old)
        if new is None or RuleLevel.OFF in (old.level, level):
            continue  # no value of a rule that is off counts
        for field in sorted({*old.values, *new.values}):
            texts = looser_value(old.name, field, old.values.get(field), new.values.get(field))
            if texts is not None:
                yield _policy(("rules", old.name, field), *texts, old)


def custom_rules(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    after = _here(now.policy.custom_rules, now)
    for old in _here(before.policy.custom_rules, now):
        same = [one for one in after if one.when == old.when]
        level = max((one.level for one in same), key=_LEVELS.index, default=None)
        if level is None and old.level is not RuleLevel.OFF:
            named = any(one.name == old.name for one in after)
            yield _policy(
                ("customRules", old.name), old.level, "another expression" if named else "none"
            )
        elif level is not None and _LEVELS.index(level) < _LEVELS.index(old.level):
            yield _policy(("customRules", old.name), old.level, level)


def looser_probes(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    for name, default in DEFAULT_DEMANDS.items():
        old, new = (terms.policy.probes.get(name, default) for terms in (before, now))
        if _DEMANDS.index(new) < _DEMANDS.index(old):
            yield _policy(("probes", name), old, new)


def approvers(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    after = _here(now.policy.approvers, now)
    for old in _here(before.policy.approvers, now):
        own = [one for one in after if one.approver == old.approver]
        if not any(_asks_as_much(one, old) for one in own):
            left = "; ".join(map(_describe_rule, own)) or "nothing"
            yield Loosening(
                POLICY,
                ("GuardrailPolicy", "approvers"),
                f"approvers: what {old.approver} is asked about",
                _describe_rule(old),
                left,
            )


def _asks_as_much(new: ApproverRule, old: ApproverRule) -> bool:
    risk = new.risk is None or (old.risk is not None and Risk(new.risk).rank <= Risk(old.risk).rank)
    wide = not new.scopes or (
        bool(old.scopes) and all(any(covers(two, one) for two in new.scopes) for one in old.scopes)
    )
    return risk and wide and new.labels.items() <= old.labels.items()


def _describe_rule(rule: ApproverRule) -> str:
    parts = [f"risk {rule.risk} or more"] if rule.risk is not None else []
    parts += [f"scopes {show_value(rule.scopes)}"] if rule.scopes else []
    parts += [f"labels {show_value(rule.labels)}"] if rule.labels else []
    return ", ".join(parts) or "every change"


def teams(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    for team, handle in sorted(before.policy.teams.items()):
        if now.policy.teams.get(team) != handle:
            yield _policy(("teams", team), handle, now.policy.teams.get(team))


def demands(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    old, new = before.policy.apply, now.policy.apply
    if old.allowed_signers is not None and new.allowed_signers != old.allowed_signers:
        yield _policy(
            ("apply", "signedCommits", "allowedSigners"), old.allowed_signers, new.allowed_signers
        )
    if old.needs_commit and not new.needs_commit and old.committed is not new.committed:
        yield _policy(("apply", "committed"), Committed.REQUIRE, Committed.WARN)
    if _APPROVERS.index(new.distinct_approver) < _APPROVERS.index(old.distinct_approver):
        yield _policy(("apply", "distinctApprover"), old.distinct_approver, new.distinct_approver)


def waivers(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    """Those that hold and excuse more than the ones before, or for longer."""
    today, former = iso(at)[:10], _here(before.policy.waivers, now)
    for new in _here(now.policy.waivers, now):
        likewise = [
            one for one in former if one.guard == new.guard and one.client in ("*", new.client)
        ]
        longest = max((one.until for one in likewise), default="")
        if today < new.until and longest < new.until:
            whom = "every client" if new.client == "*" else new.client
            yield Loosening(
                POLICY,
                ("GuardrailPolicy", "waivers"),
                f"waivers: {new.guard} for {whom}",
                f"until {longest}" if longest else "none",
                f"until {new.until}",
                source=new.source,
            )


def lowered_risks(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    for scope, old in sorted(before.scopes.items()):
        new = now.scopes.get(scope)
        if new is not None and Risk(new).rank < Risk(old).rank:
            path = ("ScopeCatalog", "scopes", scope, "risk")
            yield Loosening(CATALOGUE, path, f"the risk of {scope}", old, new, scope=scope)


def no_catalogue(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    if before.scopes and not now.scopes:
        count = f"{len(before.scopes)} scope{'' if len(before.scopes) == 1 else 's'}"
        yield Loosening(
            CATALOGUE, ("ScopeCatalog",), "the catalogue", count, "none: no scope is checked"
        )


def environment(before: Terms, now: Terms, at: datetime) -> Iterator[Loosening]:
    """What reconciler.yaml says: its own table."""
    for code, path, what, old, new in (
        found for place in PLACE_CHECKS for found in place(before, now, at)
    ):
        yield Loosening(
            code,
            path,
            what,
            old,
            new,
        )


CHECKS: list[LooseningCheck] = [
    budgets,
    rules,
    custom_rules,
    looser_probes,
    approvers,
    teams,
    demands,
    waivers,
    lowered_risks,
    no_catalogue,
    environment,
]


def find_loosenings(before: Terms, now: Terms, at: datetime) -> list[Loosening]:
    """Everything of ``before`` that ``now``, for the same environment, takes back. ``at``: freezes
    and waivers that are over by then count no more."""
    return [found for check in CHECKS for found in check(before, now, at)]


def find_added_scopes(before: Terms, now: Terms) -> Mapping[str, str]:
    """Scopes, with their risk, that the catalogue did not have; none where there was no
    catalogue."""
    return {
        scope: risk
        for scope, risk in now.scopes.items()
        if before.scopes and scope not in before.scopes
    }


def take_strictest(before: Terms, now: Terms) -> tuple[Mapping[str, str], GuardrailPolicy] | None:
    """The catalogue with the higher of both risks, and the policy with the approvers and rules of
    both: who was to be asked before a change is asked about it, and a label that decided something
    before decides it still. None where these are today's, or nobody is ever asked."""
    scopes = {
        scope: max(
            filter(None, (before.scopes.get(scope), now.scopes.get(scope))),
            key=lambda risk: Risk(risk).rank,
        )
        for scope in {*before.scopes, *now.scopes}
    }
    policy = replace(
        now.policy,
        approvers=_of_both(before.policy.approvers, now.policy.approvers, now),
        rules=_of_both(before.policy.rules, now.policy.rules, now),
        custom_rules=_of_both(before.policy.custom_rules, now.policy.custom_rules, now),
    )
    return (
        (scopes, policy)
        if policy.approvers and (scopes, policy) != (now.scopes, now.policy)
        else None
    )


def _of_both(before: Sequence[_RULE], now: Sequence[_RULE], here: Terms) -> tuple[_RULE, ...]:
    former = [one for one in _here(before, here) if one not in now]
    return tuple(former) + tuple(now)
