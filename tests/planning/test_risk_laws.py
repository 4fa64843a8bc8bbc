"""Laws of risk and of effective permissions."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Permissions, Risk
from reconciler.domain.plan.scopes import ScopeTable, covers
from reconciler.domain.values import networks
from reconciler.errors import Address
from reconciler.planning.planner import make_plan
from reconciler.planning.risk.judging import judge_actions, take_grounds
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.judged import NOW, SCOPES, Situation, recorded

WRITTEN = [*SCOPES, "*", "ledger:*", "payouts:*", "*:read", "*:*", "pay*:w*", "gone:read", "gone:*"]
SETS = st.sets(st.sampled_from(WRITTEN), max_size=5)
CATALOGUES = st.sampled_from([SCOPES, {}, {"ledger:read": "high"}])
PATTERNS = st.text("ab*", max_size=8)
NAMES = st.text("ab", max_size=8)


def risk_of(before: set[str] | None, after: set[str], catalogue: dict[str, str]) -> int:
    old = None if before is None else client(scopes=before)
    plan = Situation(old, client(scopes=after), scopes=catalogue).plan()
    own = (ActionKind.REGISTER_CLIENT, ActionKind.UPDATE_CLIENT)
    return max((action.risk.rank for action in plan.actions if action.kind in own), default=-1)


@given(st.none() | SETS, SETS, st.sampled_from(WRITTEN), CATALOGUES)
def test_one_more_scope_never_lowers_the_risk(
    before: set[str] | None, more: set[str], one: str, catalogue: dict[str, str]
) -> None:
    after = more | (before or set())
    assert risk_of(before, after | {one}, catalogue) >= risk_of(before, after, catalogue)


@given(SETS, SETS, CATALOGUES)
def test_what_is_granted_is_not_withdrawn_and_both_make_the_difference(
    before: set[str], after: set[str], catalogue: dict[str, str]
) -> None:
    change = ScopeTable(catalogue).change(before, after) or Permissions()
    back = ScopeTable(catalogue).change(after, before) or Permissions()
    assert not change.granted.keys() & change.withdrawn.keys()
    assert (change.granted, change.withdrawn) == (back.withdrawn, back.granted)
    for name, risk in {**change.granted, **change.withdrawn}.items():
        assert risk is Risk(catalogue.get(name, "high"))
    for name in {*catalogue, *before, *after}:
        held, holds = (any(covers(scope, name) for scope in side) for side in (before, after))
        if name in catalogue or "*" not in name:
            assert (name in change.granted) is (holds and not held)
            assert (name in change.withdrawn) is (held and not holds)


@given(SETS, CATALOGUES)
def test_a_wildcard_for_exactly_what_it_means_grants_nothing(
    written: set[str], catalogue: dict[str, str]
) -> None:
    table = ScopeTable(catalogue)
    meant = {name for scope in written for name in table.members(scope)}
    rest = {
        scope for scope in written if not table.members(scope)
    }  # names and wildcards that the catalogue lacks
    assert table.change(written, meant | rest) is None
    assert table.change(meant | rest, written) is None


@given(PATTERNS, NAMES)
def test_a_wildcard_means_what_its_regular_expression_matches(pattern: str, name: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert covers(pattern, name) is (re.fullmatch(expression, name) is not None)


@given(PATTERNS, PATTERNS, NAMES)
def test_a_wildcard_that_covers_another_means_all_that_the_other_does(
    wide: str, narrow: str, name: str
) -> None:
    if covers(wide, narrow) and covers(narrow, name):
        assert covers(wide, name)


def test_many_wildcards_in_one_scope_take_no_time() -> None:
    assert not covers("*a" * 60 + "b", "a" * 128)


@given(st.randoms(use_true_random=False), SETS, SETS)
def test_no_order_matters(chance: random.Random, before: set[str], after: set[str]) -> None:
    """Neither that of documents, nor of records, nor of scopes in what somebody else's version
    stored."""
    assume(before != after)
    old, new = client("a", scopes=before, webhooks=[webhook()]), client("a", scopes=after)
    declared, records = (
        {"a": new, "b": client("b")},
        {"a": recorded(old), "c": recorded(client("c"))},
    )
    plans = []
    for _ in range(2):
        scopes, clients = list(SCOPES.items()), list(declared.items())
        stored = list(before)
        for items in (scopes, clients, stored):
            chance.shuffle(items)
        spec = {**old.spec, "scopes": stored}
        observed = replace(
            Situation(None, None).observed(),
            records={**records, "a": replace(records["a"], spec=spec)},
        )
        wanted = replace(desired(scopes=dict(scopes)), clients=dict(clients))
        plans.append([_seen(action) for action in make_plan(inputs(wanted, observed, NOW)).actions])
    assert plans[0] == plans[1]


def _seen(action: Action) -> object:
    changes = action.permissions or Permissions()
    return (
        action.address,
        action.kind,
        action.risk,
        action.risk_reasons,
        list(changes.granted),
        list(changes.withdrawn),
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["90d", "https://[", "10.0.0.1/8"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "allowedCidrs", "events", "keys", "name", "owner", "probes", "protect", "scopes", "secret", "signature", "state",
    "url", "webhooks",
]  # fmt: skip
NONSENSE = st.dictionaries(
    st.sampled_from(FIELDS), JSON | st.dictionaries(st.sampled_from(["a", *FIELDS]), JSON)
)


@given(st.sampled_from([ActionKind.UPDATE_CLIENT, ActionKind.UPDATE_WEBHOOK]), NONSENSE, st.data())
def test_whatever_somebody_edited_into_a_record_is_judged(
    kind: ActionKind, before: Any, data: st.DataObject
) -> None:
    after: Any = client(webhooks=[webhook()], allowedCidrs=["10.0.0.0/8"]).spec
    if kind is ActionKind.UPDATE_WEBHOOK:
        after = data.draw(st.none() | st.just(after["webhooks"]["settlements"]))
    action = Action(
        kind,
        Address.read("client/a"),
        "RecordEdited",
        "edited",
        Risk.HIGH,
        "a",
        "settlements",
        before=before,
        after=after,
    )
    record = replace(recorded(client("a")), spec=before, edited=True)
    [found] = judge_actions([action], take_grounds(NOW, {"a": record}, desired(scopes=SCOPES)))
    assert found.risk.rank >= Risk.HIGH.rank
    assert found.risk_reasons


SMALL = st.lists(
    st.builds(lambda first, length: ip_network(f"10.0.0.{first & -(1 << (32 - length)) & 255}/{length}"),
              st.integers(0, 255), st.integers(24, 32)).map(str),
    min_size=1, max_size=4,
)  # fmt: skip


def addresses(texts: list[str]) -> set[int]:
    return {int(address) for text in texts for address in ip_network(text)}


@given(SMALL, SMALL)
def test_what_more_a_list_of_networks_allows_is_counted_in_addresses(
    before: list[str], after: list[str]
) -> None:
    more = networks.find_added(networks.parse_allowed(before), networks.parse_allowed(after))
    assert networks.count_addresses(more) == len(addresses(after) - addresses(before))
    assert addresses(networks.list_networks(more)) == addresses(after) - addresses(before)


@given(SMALL)
def test_the_same_addresses_in_other_networks_are_no_more(texts: list[str]) -> None:
    halves = [str(half) for text in texts for half in ip_network(text).subnets(new_prefix=32)]
    assert (
        networks.count_addresses(
            networks.find_added(networks.parse_allowed(texts), networks.parse_allowed(halves))
        )
        == 0
    )


def in_ipv6(network: IPv4Network) -> dict[str, IPv6Network]:
    """The forms in which IPv6 carries the addresses of ``network``."""
    first, length = int(network.network_address), network.prefixlen
    prefixes = {
        "mapped": "::ffff:0:0",
        "translated": "::ffff:0:0:0",
        "NAT64": "64:ff9b::",
        "NAT64 of one's own": "64:ff9b:1:2::",
    }
    found = {
        name: IPv6Network((int(IPv6Address(text)) + first, 96 + length))
        for name, text in prefixes.items()
    }
    teredo = int(IPv6Address("2001:0:1:2::")) + (0xFFFFFFFF ^ int(network.broadcast_address))
    return {
        **found,
        "6to4": IPv6Network(((0x2002 << 112) + (first << 80), 16 + length)),
        "Teredo": IPv6Network((teredo, 96 + length)),
    }


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_a_network_is_as_wide_in_every_form(address: int, length: int) -> None:
    network = IPv4Network((address >> (32 - length) << (32 - length), length))
    plain = networks.parse_allowed([str(network)])
    for name, carrier in in_ipv6(network).items():
        spans = networks.parse_allowed([str(carrier)])
        assert networks.find_widest(spans, 4) == network, name
        assert networks.is_open(spans, 4) == networks.is_open(plain, 4) == (length <= 1), name
        assert networks.is_wide(spans, 4, 8) == networks.is_wide(plain, 4, 8) == (length < 8), name
