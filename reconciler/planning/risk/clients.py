"""Rules of risk about a client as a whole: that it exists and in which state, who answers for it,
what protects it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.domain.declared.desired import CustomRule, Rule, RuleLevel
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.record import ClientStatus
from reconciler.domain.values.canonical import Json
from reconciler.planning.actions.reasons import Reason
from reconciler.planning.risk.facts import (
    Facts,
    keys_in_use,
    list_changed_items,
    name_some,
    pluralise,
    to_mapping,
)

# Fields of a specification by where they stand: those that some rule judges, and those that are for
# people.
_CLIENT = frozenset(
    {
        "allowedCidrs",
        "keys",
        "name",
        "owner",
        "protect",
        "reset",
        "scopes",
        "state",
        "webhooks",
        "base_digest",
        "justification",
        "labels",
        "template",
    }
)
_LIFE = frozenset({"grace", "lifetime", "reissueAfter", "renewBefore", "window"})
_WEBHOOK = frozenset(
    {"delivery", "events", "expect", "headers", "payloads", "probes", "secret", "signature", "url"}
)


def new_client(facts: Facts) -> Iterator[str]:
    """Its scopes, networks, webhooks and lifetimes are judged by rules of their own."""
    if facts.action.reason == Reason.NEW_CLIENT:
        keys, webhooks = (
            to_mapping(facts.after.get("keys")),
            to_mapping(facts.after.get("webhooks")),
        )
        yield (
            f"a new client with {pluralise(len(keys), 'key')} and"
            f" {pluralise(len(webhooks), 'webhook')}"
        )


def reinstated(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.REINSTATED:
        yield "a client that was ended for ever gets keys again"


def renamed(facts: Facts) -> Iterator[str]:
    """Not what is left of a rename: the client bears its new name already."""
    old, new = facts.before.get("name"), facts.after.get("name")
    if facts.action.reason == Reason.RENAMED and (facts.record is None or facts.record.name != new):
        yield (
            f"name {old} → {new}: what refers to the client by name has to follow; paths in Vault"
            " stay"
        )


def protection_removed(facts: Facts) -> Iterator[str]:
    if facts.before.get("protect") and not facts.after.get("protect"):
        yield "protect: true → false: deleting its file ends it from now on"


def protection_added(facts: Facts) -> Iterator[str]:
    if (
        facts.action.kind is ActionKind.UPDATE_CLIENT
        and facts.after.get("protect")
        and not facts.before.get("protect")
    ):
        yield "protect: false → true"


def owner_changed(facts: Facts) -> Iterator[str]:
    """That somebody is named for the first time takes nothing from anybody."""
    before, after = to_mapping(facts.before.get("owner")), to_mapping(facts.after.get("owner"))
    for field in sorted(before):
        if before[field] != after.get(field):
            yield f"owner {field}: {_name_owner(before[field])} → {_name_owner(after.get(field))}"


def _name_owner(value: Json) -> str:
    return "nobody" if value is None else str(value)


def taken_over(facts: Facts) -> Iterator[str]:
    """With its name nothing that people knew the client by is left, and its keys go on."""
    before = {} if facts.live is None else to_mapping(facts.live.spec.get("owner"))
    after = {} if facts.desired is None else to_mapping(facts.desired.spec.get("owner"))
    changed = [
        f"{field} {_name_owner(before[field])} → {_name_owner(after.get(field))}"
        for field in sorted(before)
        if before[field] != after.get(field)
    ]
    if changed and any(renamed(facts)):
        yield (
            f"another name and another owner at once ({', '.join(changed)}): the keys in use are"
            " theirs from now on"
        )


def deciding_label(facts: Facts) -> Iterator[str]:
    """A client could leave a rule, or those who are asked about it, by another label."""
    before, after = to_mapping(facts.before.get("labels")), to_mapping(facts.after.get("labels"))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name) and (deciders := sorted(_deciders(facts, name))):
            change = f"{before.get(name, 'none')} → {after.get(name, 'none')}"
            yield f"label {name}: {change}; labels decide for {name_some(deciders)} of the policy"


def _deciders(facts: Facts, label: str) -> Iterator[str]:
    """What of the policy goes by this label.

    An expression that looks at labels at all may look at any.
    """
    here = facts.grounds.environment
    for approver in facts.grounds.policy.approvers:
        if label in approver.labels and holds_in(approver.environments, here):
            yield f"approver {approver.approver}"
    rules: tuple[Rule | CustomRule, ...] = (
        *facts.grounds.policy.rules,
        *facts.grounds.policy.custom_rules,
    )
    for rule in rules:
        if rule.level is RuleLevel.OFF or not holds_in(rule.environments, here):
            continue
        looks = (
            label in rule.values.get("labels", ())
            if isinstance(rule, Rule)
            else "labels" in rule.when
        )
        if looks:
            yield f"rule {rule.name}"


def state_changed(facts: Facts) -> Iterator[str]:
    before, after = facts.before.get("state"), facts.after.get("state")
    if before != after:
        yield f"state {before} → {after}"


def client_retired(facts: Facts) -> Iterator[str]:
    used = keys_in_use(facts.live, facts.now)
    webhooks = () if facts.live is None else facts.live.webhooks
    yield (
        f"ends the client for ever, with {pluralise(len(used), 'key version')} in use "
        f"and {pluralise(len(webhooks), 'webhook')}"
    )


def client_suspended(facts: Facts) -> Iterator[str]:
    if used := keys_in_use(facts.live, facts.now):
        yield f"a gateway refuses {pluralise(len(used), 'key version')} in use: {_versions(facts)}"


def suspended_unused(facts: Facts) -> Iterator[str]:
    if not keys_in_use(facts.live, facts.now):
        yield "no key version is in use; nothing is issued or delivered while it is suspended"


def client_resumed(facts: Facts) -> Iterator[str]:
    if facts.action.reason == Reason.RESUMED:
        used = keys_in_use(facts.live, facts.now)
        versions = pluralise(len(used), "key version")
        yield f"was suspended on purpose; a gateway accepts {versions} again"


def back_after_emergency(facts: Facts) -> Iterator[str]:
    suspended = facts.record is not None and facts.record.status is ClientStatus.SUSPENDED
    if suspended and facts.action.reason == Reason.READY:
        yield "an emergency revocation had suspended it; a gateway accepts it again"


def other_change(facts: Facts) -> Iterator[str]:
    """A field that no rule knows is not called harmless."""
    found = [name for name in {*facts.before, *facts.after} if name not in _CLIENT]
    for section, known in (("keys", _LIFE), ("webhooks", _WEBHOOK)):
        for name, before, after in list_changed_items(facts, section):
            found += _list_unknown(f"{section}.{name}", before, after, known)
            old, new = ((side or {}).get("secret") for side in (before, after))
            found += _list_unknown(f"{section}.{name}.secret", old, new, _LIFE)
    if found:
        yield f"declared otherwise: {name_some(found)}, of which no rule knows what it does"


def _list_unknown(
    place: str,
    before: Json,
    after: Json,
    known: frozenset[str],
) -> list[str]:
    old, new = to_mapping(before), to_mapping(after)
    return [f"{place}.{name}" for name in {*old, *new} - known if old.get(name) != new.get(name)]


def _versions(facts: Facts) -> str:
    return name_some(
        [f"{item} v{version.number}" for item, version in keys_in_use(facts.live, facts.now)]
    )
