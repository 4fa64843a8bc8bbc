"""Rules of risk about what a client may do, and from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Risk
from reconciler.domain.plan.scopes import WILDCARD
from reconciler.domain.values import networks
from reconciler.domain.values.canonical import Json
from reconciler.planning.risk.facts import (
    Facts,
    RiskRule,
    keys_in_use,
    list_changed_items,
    live_items,
    name_some,
    pluralise,
    to_texts,
)

# A client that has every scope of a catalogue of this size or more has got more than it can need.
MANY_SCOPES = 5
# Nobody calls from more addresses than one network with this prefix has: by version.
WIDE = {4: 8, 6: 24}


def _read_granted(facts: Facts) -> Mapping[str, Risk]:
    return {} if facts.permissions is None else facts.permissions.granted


def scopes_gained(risk: Risk) -> RiskRule:
    """The rule for the scopes of this risk that the catalogue lists."""

    def rule(facts: Facts) -> Iterator[str]:
        found = [
            name
            for name, its in _read_granted(facts).items()
            if its is risk and name in facts.scopes
        ]
        if found:
            yield f"gains {pluralise(len(found), 'scope')} of {risk.value} risk: {name_some(found)}"

    return rule


def uncatalogued_scope(facts: Facts) -> Iterator[str]:
    found = [name for name in _read_granted(facts) if name not in facts.scopes]
    if found:
        yield f"gains what no catalogue lists: {name_some(found)}"


def _wildcards(facts: Facts) -> dict[str, list[str]]:
    """The declared wildcards that grant something, with what they grant."""
    written = [scope for scope in to_texts(facts.after.get("scopes")) if WILDCARD in scope]
    found = {
        one: [name for name in _read_granted(facts) if facts.scopes.means(one, name)]
        for one in sorted(written)
    }
    return {wildcard: names for wildcard, names in found.items() if names}


def wildcard(facts: Facts) -> Iterator[str]:
    for scope, gained in _wildcards(facts).items():
        yield f"the wildcard {scope} grants {pluralise(len(gained), 'scope')}: {name_some(gained)}"


def wildcard_over_critical(facts: Facts) -> Iterator[str]:
    """Also when the client had that scope by its name: the wildcard is what a reviewer would have
    to watch."""
    for scope in _wildcards(facts):
        critical = [
            name for name in facts.scopes.members(scope) if facts.scopes.risk(name) is Risk.CRITICAL
        ]
        if critical:
            yield f"the wildcard {scope} means {name_some(critical)}, of critical risk"


def all_scopes(facts: Facts) -> Iterator[str]:
    if not _read_granted(facts) or len(facts.scopes) < MANY_SCOPES:
        return
    written = to_texts(facts.after.get("scopes"))
    if len(frozenset[str]().union(*map(facts.scopes.members, written))) == len(facts.scopes):
        yield f"has every one of the {len(facts.scopes)} scopes of the catalogue"


def _describe_loss(facts: Facts) -> str:
    withdrawn = {} if facts.permissions is None else facts.permissions.withdrawn
    return (
        f"loses {pluralise(len(withdrawn), 'scope')}: {name_some(withdrawn)}" if withdrawn else ""
    )


def scope_lost(facts: Facts) -> Iterator[str]:
    used = keys_in_use(facts.live, facts.now)
    if used and (lost := _describe_loss(facts)):
        yield f"{lost}; key versions in use: {len(used)}"


def scope_lost_unused(facts: Facts) -> Iterator[str]:
    if not keys_in_use(facts.live, facts.now) and (lost := _describe_loss(facts)):
        yield f"{lost}; no key version is in use"


def _networks(facts: Facts) -> tuple[networks.Allowed, networks.Allowed] | None:
    """The addresses allowed before and after, None when the action does not change them.

    A new client had none.
    """
    if "allowedCidrs" not in {*facts.before, *facts.after}:
        return None
    before = (
        networks.NO_NETWORK
        if _is_new(facts)
        else networks.parse_allowed(facts.before.get("allowedCidrs"))
    )
    return before, networks.parse_allowed(facts.after.get("allowedCidrs"))


def _is_new(facts: Facts) -> bool:
    return facts.action.kind is ActionKind.REGISTER_CLIENT


def _opens(before: networks.Allowed, after: networks.Allowed, version: int) -> bool:
    return networks.is_open(after, version) and not networks.is_open(before, version)


def _cidrs(value: Json) -> str:
    return name_some(to_texts(value)) or "everywhere"


def _change(facts: Facts) -> str:
    before = "" if _is_new(facts) else f"{_cidrs(facts.before.get('allowedCidrs'))} → "
    return f"allowedCidrs {before}{_cidrs(facts.after.get('allowedCidrs'))}"


def open_network(facts: Facts) -> Iterator[str]:
    """A new client that names such a network looks as if it were limited."""
    if (sides := _networks(facts)) is None:
        return
    before, after = sides
    if opened := [f"IPv{version}" for version in after if _opens(before, after, version)]:
        yield f"{_change(facts)}: at least half of all {name_some(opened)} addresses"


def _list_new_keys(facts: Facts) -> list[str]:
    """The keys that the client did not have."""
    return [
        name
        for name, before, after in list_changed_items(facts, "keys")
        if before is None and after is not None
    ]


def _read_networks(facts: Facts) -> Json:
    """The networks that are declared, also when the action does not change them."""
    spec = facts.after if _is_new(facts) or facts.desired is None else facts.desired.spec
    return spec.get("allowedCidrs")


def no_networks(facts: Facts) -> Iterator[str]:
    if not _read_networks(facts) and (keys := _list_new_keys(facts)):
        yield f"no allowedCidrs: {pluralise(len(keys), 'key')} can be used from every address"


def wide_networks(facts: Facts) -> Iterator[str]:
    """Where there was no limit that could grow: of a new client, or with the first key of one that
    called nobody."""
    first = bool(_list_new_keys(facts)) and not live_items(facts, "keys")
    if not (declared := _read_networks(facts)) or not (_is_new(facts) or first):
        return
    spans = networks.parse_allowed(declared)
    wide = [
        f"a /{prefix} of IPv{version}"
        for version, prefix in WIDE.items()
        if networks.is_wide(spans, version, prefix)
        and not (_is_new(facts) and networks.is_open(spans, version))
    ]
    if wide:
        yield f"allowedCidrs {_cidrs(declared)}: more addresses than {name_some(wide)}"


def wider_networks(facts: Facts) -> Iterator[str]:
    if (sides := _networks(facts)) is None or _is_new(facts):
        return
    before, after = sides
    more = {
        version: () if _opens(before, after, version) else spans
        for version, spans in networks.find_added(before, after).items()
    }
    if named := networks.list_networks(more):
        number = networks.count_addresses(more)
        yield f"{_change(facts)}: {number:,} more addresses ({name_some(named)})"


def narrower_networks(facts: Facts) -> Iterator[str]:
    if (sides := _networks(facts)) is None or _is_new(facts):
        return
    before, after = sides
    more, less = (
        networks.count_addresses(networks.find_added(*pair))
        for pair in ((before, after), (after, before))
    )
    if less and not more:
        yield f"{_change(facts)}: fewer addresses, and no other ones"
