"""The policy's rules as a guard: who breaks one, and whether that blocks this plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.domain.declared.desired import ClientState, CustomRule, RuleLevel
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.record import ClientStatus
from reconciler.domain.plan.judgement import RuleJudgement
from reconciler.domain.plan.plan import Action
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import NOWHERE, Level
from reconciler.planning.guards.situation import Block, Situation
from reconciler.planning.rules.custom_rules import (
    DECLARED_ONLY,
    LIVE,
    find_answers,
    find_blamed,
    is_ending,
    judge_rules,
    live_facts,
    write_remedy,
)

_LIVES_ON = "; the plan is not blocked: it changes nothing of this client that a rule holds back"


def policy_rules(situation: Situation) -> Iterable[Block]:
    """A rule of level ``deny`` blocks a declared change of the client that breaks it. A client that
    is left as it is keeps its rotations and repairs, whatever the policy became meanwhile: that it
    breaks a rule is told."""
    changed = frozenset(_list_changed(situation))
    for violation in situation.desired.violations:
        if situation.only is not None and violation.client not in situation.only:
            continue
        blocks = violation.level is RuleLevel.DENY and violation.client in changed
        more = _LIVES_ON if violation.level is RuleLevel.DENY and not blocks else ""
        yield Block(
            violation.rule,
            violation.code,
            violation.client,
            violation.message + more,
            violation.remedy,
            Level.ERROR if blocks else Level.WARNING,
            violation.address,
            violation.source,
        )
    yield from _custom(situation, changed)


def _list_changed(situation: Situation) -> Iterator[str]:
    """Clients of which this plan changes what is declared.

    To suspend one is never held back by a rule.
    """
    for action in situation.list_declared_changes():
        client = situation.desired.clients.get(action.client)
        suspended = client is not None and client.state is ClientState.SUSPENDED
        if not suspended and not _only_reissues(action):
            yield action.client


def _only_reissues(action: Action) -> bool:
    """Whether nothing changes but the answer to a revocation, or what is declared for other
    environments."""
    if action.kind is not ActionKind.UPDATE_CLIENT or action.before is None or action.after is None:
        return False
    fields = {*action.before, *action.after}
    if not fields <= {"keys", "webhooks", "base_digest"}:
        return False
    return _without_numbers(action.before) == _without_numbers(action.after)


def _without_numbers(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {
        name: _without_numbers(one)
        for name, one in value.items()
        if name not in ("reissueAfter", "base_digest")
    }


def _custom(situation: Situation, changed: frozenset[str]) -> Iterator[Block]:
    desired = situation.desired
    here = [
        rule
        for rule in desired.policy.custom_rules
        if not rule.environments or desired.environment.name in rule.environments
    ]
    if not any(rule.level is not RuleLevel.OFF for rule in here):
        return
    rows = list(_rows(situation))
    for rule, judgement in judge_rules(here, rows, DECLARED_ONLY | LIVE, situation.inputs.judge):
        if judgement.faults:
            yield _faulty(rule, judgement, bool(changed))
        for row, code, sentence in find_answers(rule, judgement, rows):
            yield _block(rule, code, str(row["client"]), sentence, situation, changed)


def _faulty(rule: CustomRule, judgement: RuleJudgement, any_change: bool) -> Block:  # noqa: FBT001
    """An expression that is none allows nothing: changes wait until it is mended."""
    level = Level.ERROR if rule.level is RuleLevel.DENY and any_change else Level.WARNING
    message = (
        f"rule `{rule.name}` is no expression that can be evaluated: {judgement.faults[0].message}"
    )
    return Block(
        rule.name,
        "RC232",
        None,
        message,
        "reconciler validate shows the place",
        level,
        NOWHERE,
        rule.source,
    )


def _block(
    rule: CustomRule,
    code: str,
    client: str,
    sentence: str,
    situation: Situation,
    changed: frozenset[str],
) -> Block:
    blocks = rule.level is RuleLevel.DENY and client in changed
    more = _LIVES_ON if rule.level is RuleLevel.DENY and not blocks else ""
    declared = situation.desired.clients.get(client)
    return Block(
        rule.name,
        code,
        client,
        sentence + more,
        write_remedy(rule, code),
        Level.ERROR if blocks else Level.WARNING,
        NOWHERE,
        find_blamed(rule, code, declared.source if declared else None),
    )


def _rows(situation: Situation) -> Iterator[JsonObject]:
    """Every declared client, and every one that this plan ends, as expressions see them."""
    desired = situation.desired
    table = ScopeTable(desired.scopes)
    actions: dict[str, list[Action]] = {}
    for action in situation.actions:
        if action.kind is not ActionKind.NO_OP:
            actions.setdefault(action.client, []).append(action)
    ended = {action.client for action in situation.of_kind(ActionKind.RETIRE_CLIENT)}
    for name in sorted({*desired.clients, *ended}):
        if situation.only is not None and name not in situation.only:
            continue
        client, record = desired.clients.get(name), situation.record_of(name)
        # What an edited record says is not trusted.
        known = (
            record is not None and record.status is not ClientStatus.RETIRED and not record.edited
        )
        before = record.spec if record is not None and known else None
        after = None if client is None or is_ending(client) else client.spec
        if before is not None or after is not None:
            yield live_facts(
                name, desired.environment.name, (before, after), actions.get(name, ()), table
            )
