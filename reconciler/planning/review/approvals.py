"""Who must agree to a plan, from the policy's approvers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.domain.declared.desired import ApproverRule
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.kinds.actions import REVOCATIONS
from reconciler.domain.plan.plan import Action, Approval, Risk
from reconciler.domain.plan.scopes import WILDCARD, ScopeTable, covers
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import Address
from reconciler.planning.guards.situation import Situation
from reconciler.planning.risk.facts import name_some

Labels = frozenset[tuple[str, str]]


def find_approvals(situation: Situation) -> tuple[Approval, ...]:
    """Everybody who must agree, by handle: why, and to what. Only changes that somebody declared
    need that, with what they revoke: a rotation that falls due was agreed to with the
    declaration."""
    place = situation.desired.environment.name
    rules = [
        rule for rule in situation.desired.policy.approvers if holds_in(rule.environments, place)
    ]
    if not rules:
        return ()
    table = ScopeTable(situation.desired.scopes)
    reasons: dict[str, set[str]] = {}
    addresses: dict[str, set[Address]] = {}
    for action in _list_approvable(situation):
        labels, scopes = _labels(action, situation), _scopes(action, situation, table)
        for rule in rules:
            why = _why(rule, action, labels, scopes)
            if why is not None:
                reasons.setdefault(rule.approver, set()).add(why)
                addresses.setdefault(rule.approver, set()).add(action.address)
    return tuple(
        Approval(approver, tuple(sorted(reasons[approver])), tuple(sorted(addresses[approver])))
        for approver in sorted(reasons)
    )


def list_approvers(
    rules: Sequence[ApproverRule], spec: JsonObject, risks: Mapping[str, str], environment: str
) -> tuple[str, ...]:
    """Who must agree to changes of a client with this specification, in the order of the ``rules``:
    the handle, and from which risk on where that is a condition. ``risks`` is the catalogue."""
    labels = frozenset((spec.get("labels") or {}).items())
    scopes = _effective(spec.get("scopes") or (), ScopeTable(risks)).keys()
    found = [
        f"{rule.approver} (from {rule.risk} risk)" if rule.risk is not None else rule.approver
        for rule in rules
        if holds_in(rule.environments, environment)
        and rule.labels.items() <= labels
        and (not rule.scopes or bool(_match_scopes(rule.scopes, scopes)))
    ]
    return tuple(dict.fromkeys(found))


def _list_approvable(situation: Situation) -> list[Action]:
    """Declared changes, and the versions that end because of one: of a removal that is what is
    dangerous."""
    declared = situation.list_declared_changes()
    causes = {(one.client, one.reason) for one in declared}
    revoked = situation.of_kind(*REVOCATIONS)
    return [*declared, *(one for one in revoked if (one.client, one.reason) in causes)]


def _meets(
    rule: ApproverRule,
    risk: Risk,
    labels: Labels,
    scopes: Collection[str],
) -> bool:
    return (
        (rule.risk is None or risk.rank >= Risk(rule.risk).rank)
        and rule.labels.items() <= labels
        and (not rule.scopes or bool(_match_scopes(rule.scopes, scopes)))
    )


def _why(
    rule: ApproverRule,
    action: Action,
    labels: Labels,
    scopes: Collection[str],
) -> str | None:
    """The sentence that a reviewer is given, None when nobody needs to be asked."""
    if not _meets(rule, action.risk, labels, scopes):
        return None
    parts = []
    if rule.risk is not None:
        parts.append(f"its risk is {action.risk.value}")
    if rule.scopes:
        parts.append(f"its client may use {name_some(_match_scopes(rule.scopes, scopes))}")
    if rule.labels:
        parts.append(
            "its client has "
            + ", ".join(f"{name}: {value}" for name, value in sorted(rule.labels.items()))
        )
    what = f"{action.kind.value} of {action.client}"
    return f"{what}: {' and '.join(parts)}" if parts else f"{what}: every change of the declaration"


def _labels(action: Action, situation: Situation) -> Labels:
    """As declared and as on record: whoever takes a label away, or gives it another value, is asked
    by the label."""
    return frozenset(
        pair for spec in _specs(action, situation) for pair in (spec.get("labels") or {}).items()
    )


def _scopes(action: Action, situation: Situation, table: ScopeTable) -> frozenset[str]:
    """What the client may do, or could until now."""
    found: set[str] = set()
    for spec in _specs(action, situation):
        found |= _effective(spec.get("scopes") or (), table).keys()
    if action.permissions is not None:
        found |= {*action.permissions.granted, *action.permissions.withdrawn}
    return frozenset(found)


def _specs(action: Action, situation: Situation) -> Iterator[JsonObject]:
    record, declared = (
        situation.record_of(action.client),
        situation.desired.clients.get(action.client),
    )
    if record is not None and not record.edited:
        yield record.spec
    if declared is not None:
        yield declared.spec


def _effective(scopes: Collection[str], table: ScopeTable) -> Mapping[str, Risk]:
    change = table.change((), scopes)
    return change.granted if change is not None else {}


def _match_scopes(patterns: Sequence[str], scopes: Collection[str]) -> list[str]:
    """The scopes that one of ``patterns`` means.

    A wildcard is left only without a catalogue; it may mean any.
    """
    return sorted(
        scope
        for scope in scopes
        if WILDCARD in scope or any(covers(one, scope) for one in patterns)
    )
