"""Rules of one's own: what their expressions see of a client, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.domain.declared.desired import ClientState, CustomRule, DesiredClient, RuleLevel
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.declared.proof import DECLARED_PROBES
from reconciler.domain.plan.judgement import Judge, RuleJudgement
from reconciler.domain.plan.plan import Action, highest
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import Source

# Variables that need no Vault, and those that do. docs/policy.md describes each.
DECLARED_ONLY = frozenset({"after", "client", "environment", "permissions"})
LIVE = frozenset({"before", "granted", "withdrawn", "risk", "actions"})
_EMPTY: Mapping[str, Any] = {
    "labels": {},
    "owner": {},
    "justification": "",
    "template": "",
    "allowedCidrs": [],
    "scopes": [],
    "keys": {},
    "webhooks": {},
}


def collect_declared_facts(
    client: DesiredClient, environment: str, table: ScopeTable
) -> JsonObject:
    """What an expression sees of a declared client without Vault."""
    return {
        "client": client.name,
        "environment": environment,
        "after": fill_in(client.spec),
        "permissions": _find_granted(table, (), client.spec.get("scopes") or ()),
    }


def live_facts(
    name: str,
    environment: str,
    sides: tuple[JsonObject | None, JsonObject | None],
    actions: Iterable[Action],
    table: ScopeTable,
) -> JsonObject:
    """What an expression sees of a client with what is on record. ``sides``: specification before
    and after, None where there is none."""
    before, after = sides
    old, new = ((side or {}).get("scopes") or () for side in sides)
    planned = list(actions)
    return {
        "client": name,
        "environment": environment,
        "before": None if before is None else fill_in(before),
        "after": None if after is None else fill_in(after),
        "permissions": _find_granted(table, (), new),
        "granted": _find_granted(table, old, new),
        "withdrawn": _find_granted(table, new, old),
        "risk": highest(action.risk for action in planned).value if planned else "none",
        "actions": [
            {
                "kind": one.kind.value,
                "address": one.address,
                "reason": one.reason,
                "risk": one.risk.value,
            }
            for one in planned
        ],
    }


def is_ending(client: DesiredClient | None) -> bool:
    """Whether nothing of a client is left once it is as declared."""
    return client is None or client.state is ClientState.RETIRED


def fill_in(spec: JsonObject) -> JsonObject:
    """A specification in which every field is there that an expression may name."""
    keys = {name: _fill_lifecycle(key) for name, key in (spec.get("keys") or {}).items()}
    webhooks = {name: _webhook(webhook) for name, webhook in (spec.get("webhooks") or {}).items()}
    owner = {"team": "", "contact": "", **(spec.get("owner") or {})}
    return {**_EMPTY, **spec, "owner": owner, "keys": keys, "webhooks": webhooks}


def _fill_lifecycle(lifecycle: JsonObject) -> JsonObject:
    return {"window": "", "reissueAfter": 0, **lifecycle}


def _webhook(webhook: JsonObject) -> JsonObject:
    probes = {**dict.fromkeys(DECLARED_PROBES, "off"), **(webhook.get("probes") or {})}
    return {
        "url": "",
        "events": [],
        **webhook,
        "secret": _fill_lifecycle(webhook.get("secret") or {}),
        "probes": probes,
    }


def _find_granted(
    table: ScopeTable, before: Collection[str], after: Collection[str]
) -> dict[str, str]:
    """What one may do with the scopes ``after`` and not with ``before``, with the risk of each."""
    change = table.change(before, after)
    return {scope: risk.value for scope, risk in change.granted.items()} if change else {}


def judge_rules(
    rules: Sequence[CustomRule],
    rows: Sequence[JsonObject],
    known: Collection[str],
    judge: Judge | None,
) -> list[tuple[CustomRule, RuleJudgement]]:
    """Every rule that is on with what became of it. Without a judge none can be told."""
    active = [rule for rule in rules if rule.level is not RuleLevel.OFF]
    if judge is None:
        unknown = RuleJudgement(
            verdicts=("this program was given nothing to evaluate expressions with",) * len(rows)
        )
        return [(rule, unknown) for rule in active]
    return (
        list(zip(active, judge([rule.when for rule in active], rows, known), strict=True))
        if active
        else []
    )


def find_answers(
    rule: CustomRule, judgement: RuleJudgement, rows: Sequence[JsonObject]
) -> Iterator[tuple[JsonObject, str, str]]:
    """(row, code, sentence) for every client that breaks the rule, or of which that cannot be told.

    A rule that looks at the declaration alone is not asked about a client that ends.
    """
    about_ends = bool(judgement.needs & LIVE)
    for row, verdict in zip(rows, judgement.verdicts, strict=False):
        if verdict is False or not holds_in(rule.environments, row["environment"]):
            continue
        if row["after"] is None and not about_ends:
            continue
        if verdict is True:
            yield row, "RC230", rule.message
        else:
            yield row, "RC231", f"rule `{rule.name}` cannot be evaluated: {verdict}"


def find_blamed(rule: CustomRule, code: str, client: Source | None) -> Source | None:
    """Where the mistake is: in the client that breaks the rule, or in an expression that gives no
    answer."""
    return rule.source if code == "RC231" or client is None else client


def write_remedy(rule: CustomRule, code: str) -> str:
    """What to do about an answer."""
    if code == "RC231":
        return (
            f"correct `when` of customRules {rule.name} in policy.yaml: rule out every case that it"
            " does not expect, such as before != null && …, or, where it took too much time or"
            " memory, loop over less"
        )
    return f"change the declaration, or add a waiver of rule {rule.name} to policy.yaml"
