"""Every field that guards something has a case in which loosening it is told: a field that is new
needs one, or a word here that says why it guards nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from reconciler.domain.declared.desired import (
    ApproverRule,
    CustomRule,
    Environment,
    GuardrailPolicy,
    Project,
    Rule,
    VaultSettings,
    Waiver,
)
from reconciler.domain.declared.terms import Terms
from reconciler.planning.loosening.checks import find_loosenings
from tests.kit.worlds.declared import desired
from tests.planning.test_loosening import CASES, EITHER_WAY, NOW, terms

NAMED = "what it is called; a rule is compared by what it says"
PEOPLE = "words for people, which decide nothing"
TRANSPORT = "how the server is reached and for how long it is tried; nothing is judged by it"
# Fields of the policy's lists, and of reconciler.yaml, that guard nothing. The policy itself has
# none of them.
GUARDS_NOTHING: dict[tuple[type, str], str] = {
    (Rule, "name"): NAMED,
    (CustomRule, "name"): NAMED,
    (CustomRule, "message"): PEOPLE,
    (CustomRule, "source"): "where it is written",
    (Waiver, "reason"): PEOPLE,
    (Waiver, "approver"): PEOPLE,
    (Waiver, "source"): "where it is written",
    (Environment, "name"): NAMED,
    (Environment, "lease_ttl"): "how soon a dead run is taken for dead; the lease itself stays",
    (Environment, "deliveries.client_cert"): "who we are to receivers",
    (Environment, "deliveries.client_key"): "who we are to receivers",
    (Environment, "deliveries.concurrency"): "how fast",
    (Environment, "deliveries.per_host"): "how fast",
    (VaultSettings, "timeout"): TRANSPORT,
    (VaultSettings, "patience"): TRANSPORT,
    (VaultSettings, "environment"): NAMED,
    (VaultSettings, "required_registry"): "follows from `requires` and the mounts there",
    (VaultSettings, "auth.method"): "the server decides what a token may do",
    (VaultSettings, "auth.role"): "the server decides what a token may do",
    (VaultSettings, "auth.mount"): "the server decides what a token may do",
    (Project, "name"): "another project's records are foreign: RC301",
    (Project, "key_prefix"): "how new keys begin",
}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The fields of ``value`` and of the values in it, by dotted name."""
    if not is_dataclass(value):
        yield ".".join(path), value
        return
    for one in fields(value):
        yield from leaves(getattr(value, one.name), (*path, one.name))


def changed(old: Any, new: Any) -> list[str]:
    after = dict(leaves(new))
    return [name for name, value in leaves(old) if name not in after or after[name] != value]


def told_pairs() -> Iterator[tuple[Terms, Terms]]:
    """Each case of which anything is told, strict and loose."""
    for before, now, told in (*CASES.values(), *EITHER_WAY.values()):
        assert told
        assert find_loosenings(before, now, NOW)
        yield before, now


def covered(part: Any) -> set[str]:
    """The fields that are the only difference of ``part`` between both sides of some case."""
    found = [changed(part(before), part(now)) for before, now in told_pairs()]
    return {one[0] for one in found if len(one) == 1}


def test_every_field_of_the_policy_has_a_case_in_which_loosening_it_is_told() -> None:
    assert {name for name, _ in leaves(GuardrailPolicy())} <= covered(lambda side: side.policy)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (Rule, "rules"),
        (CustomRule, "custom_rules"),
        (ApproverRule, "approvers"),
        (Waiver, "waivers"),
    ],
)
def test_every_field_of_what_the_policy_lists_has_a_case_in_which_loosening_it_is_told(
    kind: type, field: str
) -> None:
    found = set()
    for before, now in told_pairs():
        sides = getattr(before.policy, field), getattr(now.policy, field)
        if [len(side) for side in sides] == [1, 1]:
            names = changed(sides[0][0], sides[1][0])
            found |= set(names) if len(names) == 1 else set()
    exempt = {name for owner, name in GUARDS_NOTHING if owner is kind}
    assert {one.name for one in fields(kind)} - exempt <= found


def test_every_field_of_reconciler_yaml_that_guards_something_has_a_case_in_which_loosening_it_is_told() -> (
    None
):
    exempt = {name for owner, name in GUARDS_NOTHING if owner is Environment}
    exempt |= {f"vault.{name}" for owner, name in GUARDS_NOTHING if owner is VaultSettings}
    names = {name for name, _ in leaves(terms().environment)}
    assert names - exempt <= covered(lambda side: side.environment)
    exempt = {name for owner, name in GUARDS_NOTHING if owner is Project} | {"environments"}
    assert {name for name, _ in leaves(desired().project)} - exempt <= covered(
        lambda side: side.project
    )
