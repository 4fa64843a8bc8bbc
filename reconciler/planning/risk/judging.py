"""How dangerous each action of a plan is, and why: one rule is one function and one row in
``RISK_RULES``.

A rule yields sentences that name what a reviewer can check, or none. What an action's risk is
follows from the rules that fired and from its cause; nothing else in this program judges it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds.actions import (
    ISSUES,
    REVOCATIONS,
    ROTATIONS,
    SPECIFYING,
    ActionKind,
    Verb,
    list_kinds_that,
)
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Action, Permissions, Risk
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.planning.risk import clients, endpoints, lives, reach
from reconciler.planning.risk.facts import Facts, Grounds, RiskRule, to_texts

_REGISTER, _UPDATE = (ActionKind.REGISTER_CLIENT,), (ActionKind.UPDATE_CLIENT,)
_WEBHOOK = (ActionKind.UPDATE_WEBHOOK,)
_SPECIFIED = (*_REGISTER, *_UPDATE)
_ENDPOINTS = (*_REGISTER, *_WEBHOOK)


@dataclass(frozen=True, slots=True)
class RiskRow:
    """A rule, the risk of what it finds, the kinds of action that it looks at.

    ``name``: its row in docs/risk.md.
    """

    risk: Risk
    name: str
    kinds: tuple[ActionKind, ...]
    rule: RiskRule


RISK_RULES: tuple[RiskRow, ...] = (
    RiskRow(Risk.CRITICAL, "emergency", REVOCATIONS, lives.emergency),
    RiskRow(Risk.CRITICAL, "last-key-revoked", (ActionKind.REVOKE_KEY,), lives.last_key_revoked),
    RiskRow(Risk.CRITICAL, "versions-edited", (*ROTATIONS, *REVOCATIONS), lives.versions_edited),
    RiskRow(Risk.CRITICAL, "critical-scope", _SPECIFIED, reach.scopes_gained(Risk.CRITICAL)),
    RiskRow(Risk.CRITICAL, "wildcard-over-critical", _SPECIFIED, reach.wildcard_over_critical),
    RiskRow(Risk.CRITICAL, "open-network", _SPECIFIED, reach.open_network),
    RiskRow(Risk.HIGH, "high-scope", _SPECIFIED, reach.scopes_gained(Risk.HIGH)),
    RiskRow(Risk.HIGH, "uncatalogued-scope", _SPECIFIED, reach.uncatalogued_scope),
    RiskRow(Risk.HIGH, "wildcard", _SPECIFIED, reach.wildcard),
    RiskRow(Risk.HIGH, "all-scopes", _SPECIFIED, reach.all_scopes),
    RiskRow(Risk.HIGH, "wider-networks", _UPDATE, reach.wider_networks),
    RiskRow(Risk.HIGH, "no-networks", _SPECIFIED, reach.no_networks),
    RiskRow(Risk.HIGH, "wide-networks", _SPECIFIED, reach.wide_networks),
    RiskRow(Risk.HIGH, "taken-over", _UPDATE, clients.taken_over),
    RiskRow(Risk.HIGH, "protection-removed", _UPDATE, clients.protection_removed),
    RiskRow(Risk.HIGH, "host-changed", _WEBHOOK, endpoints.host_changed),
    RiskRow(Risk.HIGH, "new-host", _WEBHOOK, endpoints.new_host),
    RiskRow(Risk.HIGH, "not-encrypted", _ENDPOINTS, endpoints.not_encrypted),
    RiskRow(Risk.HIGH, "signature-weakened", _WEBHOOK, endpoints.signature_weakened),
    RiskRow(Risk.HIGH, "probe-relaxed", _ENDPOINTS, endpoints.probe_relaxed),
    RiskRow(Risk.HIGH, "much-longer-life", SPECIFYING, lives.much_longer_life),
    RiskRow(Risk.HIGH, "much-longer-grace", list_kinds_that(Verb.UPDATE), lives.much_longer_grace),
    RiskRow(Risk.HIGH, "revoked-in-use", REVOCATIONS, lives.revoked_in_use),
    RiskRow(Risk.HIGH, "key-retired", (ActionKind.RETIRE_KEY,), lives.key_retired),
    RiskRow(Risk.HIGH, "client-retired", (ActionKind.RETIRE_CLIENT,), clients.client_retired),
    RiskRow(Risk.HIGH, "client-suspended", (ActionKind.SUSPEND_CLIENT,), clients.client_suspended),
    RiskRow(Risk.HIGH, "client-resumed", (ActionKind.ACTIVATE_CLIENT,), clients.client_resumed),
    RiskRow(Risk.HIGH, "reinstated", _REGISTER, clients.reinstated),
    RiskRow(Risk.HIGH, "drift", (*_UPDATE, *ISSUES, *ROTATIONS), lives.drift),
    RiskRow(Risk.HIGH, "readable-again", (ActionKind.DESTROY_VERSION,), lives.readable_again),
    RiskRow(Risk.MEDIUM, "new-client", _REGISTER, clients.new_client),
    RiskRow(Risk.MEDIUM, "medium-scope", _SPECIFIED, reach.scopes_gained(Risk.MEDIUM)),
    RiskRow(Risk.MEDIUM, "scope-lost", _UPDATE, reach.scope_lost),
    RiskRow(Risk.MEDIUM, "webhook-of-new-client", _REGISTER, endpoints.webhook_of_new_client),
    RiskRow(Risk.MEDIUM, "known-host", _WEBHOOK, endpoints.known_host),
    RiskRow(Risk.MEDIUM, "same-host", _WEBHOOK, endpoints.same_host),
    RiskRow(Risk.MEDIUM, "more-events", _WEBHOOK, endpoints.more_events),
    RiskRow(Risk.MEDIUM, "signature-changed", _WEBHOOK, endpoints.signature_changed),
    RiskRow(Risk.MEDIUM, "webhook-removed", _WEBHOOK, endpoints.webhook_removed),
    RiskRow(Risk.MEDIUM, "longer-life", _UPDATE, lives.longer_life),
    RiskRow(Risk.MEDIUM, "longer-grace", _UPDATE, lives.longer_grace),
    RiskRow(Risk.MEDIUM, "new-key", _UPDATE, lives.new_key),
    RiskRow(Risk.MEDIUM, "reissue-declared", _UPDATE, lives.reissue_declared),
    RiskRow(Risk.MEDIUM, "reissue", ISSUES, lives.reissue_allowed),
    RiskRow(Risk.MEDIUM, "renamed", _UPDATE, clients.renamed),
    RiskRow(Risk.MEDIUM, "owner-changed", _UPDATE, clients.owner_changed),
    RiskRow(Risk.MEDIUM, "deciding-label", _UPDATE, clients.deciding_label),
    RiskRow(Risk.MEDIUM, "state-changed", _UPDATE, clients.state_changed),
    RiskRow(
        Risk.MEDIUM, "suspended-unused", (ActionKind.SUSPEND_CLIENT,), clients.suspended_unused
    ),
    RiskRow(
        Risk.MEDIUM,
        "back-after-emergency",
        (ActionKind.ACTIVATE_CLIENT,),
        clients.back_after_emergency,
    ),
    RiskRow(Risk.MEDIUM, "expired", ROTATIONS, lives.version_is_over),
    RiskRow(Risk.MEDIUM, "without-grace", ROTATIONS, lives.without_grace),
    RiskRow(Risk.MEDIUM, "one-signature", (ActionKind.ROTATE_SECRET,), lives.one_signature),
    RiskRow(Risk.MEDIUM, "settings-reset", _UPDATE, lives.settings_reset),
    RiskRow(Risk.MEDIUM, "other-change", _UPDATE, clients.other_change),
    RiskRow(Risk.LOW, "low-scope", _SPECIFIED, reach.scopes_gained(Risk.LOW)),
    RiskRow(Risk.LOW, "scope-lost-unused", _UPDATE, reach.scope_lost_unused),
    RiskRow(Risk.LOW, "narrower-networks", _UPDATE, reach.narrower_networks),
    RiskRow(Risk.LOW, "protection-added", _UPDATE, clients.protection_added),
    RiskRow(Risk.LOW, "fewer-events", _WEBHOOK, endpoints.fewer_events),
    RiskRow(Risk.LOW, "shorter-life", _UPDATE, lives.shorter_life),
    RiskRow(Risk.LOW, "over-already", REVOCATIONS, lives.over_already),
)
_BY_KIND = {
    kind: sorted((row for row in RISK_RULES if kind in row.kinds), key=lambda row: -row.risk.rank)
    for kind in ActionKind
}
# What an action of which no rule has anything to say means.
PLAIN: dict[ActionKind, str] = {
    ActionKind.REGISTER_CLIENT: "a registration grants nothing before a key is issued",
    ActionKind.UPDATE_CLIENT: "what a key may do, and for how long, stays as it is",
    ActionKind.ISSUE_KEY: "an issued version is new: no consumer depends on it yet",
    ActionKind.ROTATE_KEY: "a rotation keeps the old version through its grace",
    ActionKind.RETIRE_KEY: "a retired key that is not in use takes nothing from anybody",
    ActionKind.REVOKE_KEY: "a revocation ends one version for ever",
    ActionKind.ISSUE_SECRET: "an issued version is new: no receiver depends on it yet",
    ActionKind.ROTATE_SECRET: (
        "a rotation keeps the old secret through its grace, and deliveries are signed with both"
    ),
    ActionKind.REVOKE_SECRET: "a revocation ends one version for ever",
    ActionKind.UPDATE_WEBHOOK: "a changed webhook has to prove itself again",
    ActionKind.VERIFY_WEBHOOK: (
        "a verification sends genuine test deliveries, and those that must be refused"
    ),
    ActionKind.ACTIVATE_CLIENT: "an activation follows only after every webhook has proven itself",
    ActionKind.SUSPEND_CLIENT: "a suspension revokes nothing",
    ActionKind.RETIRE_CLIENT: "a retirement ends a client for ever",
    ActionKind.ADOPT_CLAIM: "an adopted version is one that an earlier run wrote",
    ActionKind.ABANDON_CLAIM: "an abandoned claim was never a key",
    ActionKind.DESTROY_VERSION: "a destroyed version was revoked before",
}


def take_grounds(
    now: datetime, records: Mapping[str, ClientRecord | None], desired: Desired
) -> Grounds:
    """All that a declaration gives to judge by."""
    table = ScopeTable(desired.scopes)
    return Grounds(now, records, desired.clients, table, desired.policy, desired.environment.name)


def judge_actions(actions: Sequence[Action], grounds: Grounds) -> list[Action]:
    """``actions``, which are all of a plan, with risk, reasons and effective permissions."""
    beside: dict[str, list[Action]] = {}
    for action in actions:
        beside.setdefault(action.client, []).append(action)
    return [_judge_action(action, beside[action.client], grounds) for action in actions]


def _judge_action(action: Action, beside: Sequence[Action], grounds: Grounds) -> Action:
    if action.kind is ActionKind.NO_OP:
        return action
    permissions = _permissions(action, grounds.records.get(action.client), grounds.scopes)
    facts = Facts(action, beside, permissions, grounds)
    found = apply_rules(facts)
    reasons = [sentence for _, sentence in found]
    risk = found[0][0].risk if found else Risk.LOW
    if action.risk.rank > risk.rank:  # the check that asked for the action knows more
        risk = action.risk
        reasons.insert(0, action.message)
    told = tuple(reasons) or (_plain(facts),)
    return replace(action, risk=risk, risk_reasons=told, permissions=permissions)


def _plain(facts: Facts) -> str:
    """What is said of an action of which no rule has anything to say."""
    sent = (
        endpoints.deliveries_sent(facts) if facts.action.kind is ActionKind.VERIFY_WEBHOOK else None
    )
    return sent or PLAIN[facts.action.kind]


def apply_rules(facts: Facts) -> list[tuple[RiskRow, str]]:
    """The rules that fire, the highest risk first, each with a sentence."""
    return [(row, sentence) for row in _BY_KIND[facts.action.kind] for sentence in row.rule(facts)]


def _permissions(
    action: Action, record: ClientRecord | None, scopes: ScopeTable
) -> Permissions | None:
    """What the action grants and withdraws; None for a kind that does neither."""
    if action.kind in _SPECIFIED:
        before, after = (
            to_texts((side or {}).get("scopes")) for side in (action.before, action.after)
        )
        return scopes.change(before, after)
    if action.kind in (ActionKind.RETIRE_CLIENT, ActionKind.SUSPEND_CLIENT) and record is not None:
        return scopes.change(to_texts(record.spec.get("scopes")), ())
    return None
