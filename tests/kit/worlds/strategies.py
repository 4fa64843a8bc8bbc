"""Random environments and what happens to them: declarations, edits, time, accidents, people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from reconciler.domain.declared.desired import (
    Budget,
    Desired,
    DesiredClient,
    GuardrailPolicy,
    Lifecycle,
    Waiver,
)
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.live.record import ClientRecord, Series
from reconciler.errors import Source
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.faults import (
    Fault,
    crash_after,
    crash_before,
    noise,
    request_lost,
    response_lost,
)
from tests.kit.worlds.memory import World

# Lifetimes, renewals and graces: usual ones; without grace; a grace longer than the life; short
# ones.
CYCLES = st.sampled_from(
    [
        lifecycle(),
        lifecycle("10d", "3d", "1d"),
        lifecycle("2d", "1d", "0s"),
        lifecycle("3d", "1d", "10d"),
        lifecycle("6h", "1h", "1h"),
        lifecycle("30d", "29d", "2d"),
    ]
)
OTHER_URL = "https://b.example.com/"


@st.composite
def hooks(draw: st.DrawFn) -> Any:
    return webhook(
        draw(st.sampled_from(["settlements", "other"])),
        draw(st.sampled_from(["https://hooks.example.com/payouts", OTHER_URL])),
        draw(st.sampled_from([lifecycle("180d", "60d", "24h"), lifecycle("4d", "1d", "0s")])),
    )


HOOKS = st.lists(hooks(), max_size=2, unique_by=lambda hook: hook.name)
STATES = st.sampled_from(["active"] * 4 + ["suspended", "retired"])
CATALOGUE = {"ledger:read": "low", "x:pay": "critical", "x:read": "low", "y:write": "high"}
SCOPES = st.sampled_from([(), ("x:read",), ("x:read", "y:write"), ("x:*",), ("x:pay", "x:read")])
# What else of a specification a rule of risk looks at; most clients do not say it.
REACHES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {},
        {"allowedCidrs": ["203.0.113.0/24"]},
        {"allowedCidrs": ["203.0.112.0/24", "203.0.113.0/24"], "owner": {"team": "payments"}},
        {"allowedCidrs": ["0.0.0.0/0"], "owner": {"team": "fraud"}},
    ]
)
# No budget and no protection stands in the way of a life; that they do is tested where guards are.
WAIVED = (Waiver("protect", "*", "a law", "a test", "2100-01-01", Source("policy.yaml", 1, 1)),)
OPEN = GuardrailPolicy(Budget(100, 1), Budget(100, 1), WAIVED)
# Each client is known under two names: the second is what a rename makes of it. Some share a
# bucket.
NAMES = {"a": "a-renamed", "b": "b-2", "c": "payouts-27"}


@st.composite
def clients(draw: st.DrawFn, name: str) -> DesiredClient:
    named, former = draw(st.sampled_from([(name, None), (name, None), (NAMES[name], name)]))
    return client(
        named,
        draw(st.dictionaries(st.sampled_from(["k", "l"]), CYCLES, min_size=1)),
        draw(HOOKS),
        state=draw(STATES),
        protect=draw(st.booleans()),
        scopes=draw(SCOPES),
        renamed_from=former,
        **draw(REACHES),
    )


@st.composite
def declarations(draw: st.DrawFn) -> Desired:
    """Up to three clients, and one that is always there, so that no guard stands against the
    removal of all."""
    names = draw(st.sets(st.sampled_from(sorted(NAMES)), min_size=1))
    return desired(
        client("zz"),
        *[draw(clients(name)) for name in sorted(names)],
        policy=OPEN,
        scopes=CATALOGUE,
    )


def nothing(world: World, which: int) -> None:
    return None


def path_of(world: World, which: int) -> str | None:
    paths = sorted(world.secrets)
    return paths[which % len(paths)] if paths else None


def overwrite(world: World, which: int) -> None:
    if path := path_of(world, which):
        world.put_by_hand(path)


def forget(world: World, which: int) -> None:
    if path := path_of(world, which):
        del world.secrets[path]


def destroy(world: World, which: int) -> None:
    if path := path_of(world, which):
        world.secrets[path].destroyed.add(world.secrets[path].current)


def soft_delete(world: World, which: int) -> None:
    if path := path_of(world, which):
        world.secrets[path].deleted.add(world.secrets[path].current)


def settings_edited(world: World, which: int) -> None:
    if path := path_of(world, which):
        world.secrets[path].edited = True


EDITS = [
    ('"reason":"NotIssued"', '"reason":"Renewal"'),
    ('"status":"pending"', '"status":"active"'),
    ('"protect":false', '"protect":true'),
    ('"sha256":"', '"sha256":"0'),
    ('"verified_at":null', '"verified_at":"2026-01-01T00:00:00Z"'),
    ('"https://hooks.', '"https://evil.'),
]


def edit(world: World, which: int) -> None:
    world.edit_by_hand(*EDITS[which % len(EDITS)])


HANDS = st.tuples(
    st.sampled_from(
        [nothing, nothing, overwrite, forget, destroy, soft_delete, settings_edited, edit]
    ),
    st.integers(0, 20),
)
FAULTS: st.SearchStrategy[tuple[int, Fault]] = st.tuples(
    st.integers(0, 40),
    st.sampled_from([crash_before, crash_after, response_lost, request_lost, noise]),
)


@dataclass(frozen=True)
class Step:
    """``by_hand``, then ``hours`` go by, then ``declared`` is applied, or ``asked`` of a client;
    ``fault``: it is disturbed. ``reissue``: the declaration names what was revoked by a person."""

    declared: Desired
    by_hand: tuple[Callable[[World, int], None], int]
    hours: int
    asked: str = ""
    whom: int = 0
    reissue: bool = False
    fault: tuple[int, Fault] | None = None


STEPS = st.builds(
    Step,
    declarations(),
    HANDS,
    st.integers(0, 400),
    st.sampled_from(["", "", "", "", "revoke", "revoke one", "rotate"]),
    st.integers(0, 3),
    st.booleans(),
    st.none() | FAULTS,
)


def reissued(declared: Desired, records: dict[str, ClientRecord]) -> Desired:
    """``declared``, naming with ``reissueAfter`` whatever was revoked by a person."""
    named = {
        name: allowing(one, record)
        for name, one in declared.clients.items()
        if (record := records.get(name) or records.get(one.renamed_from or "")) is not None
    }
    return replace(declared, clients={**declared.clients, **named})


def allowing(one: DesiredClient, record: ClientRecord) -> DesiredClient:
    def after(cycle: Lifecycle, series: Series) -> Lifecycle:
        return replace(cycle, reissue_after=series.hold.version if series.hold else 0)

    keys = {key.name: after(key.lifecycle, record.series_of(KEY, key.name)) for key in one.keys}
    hooked = [
        replace(hook, secret=after(hook.secret, record.series_of(SIGNING_SECRET, hook.name)))
        for hook in one.webhooks
    ]
    return client(
        one.name,
        {key.name: keys.get(key.name, key.lifecycle) for key in one.keys},
        hooked,
        state=one.state.value,
        protect=one.protect,
        scopes=one.spec["scopes"],
        renamed_from=one.renamed_from,
        **{field: one.spec[field] for field in ("allowedCidrs", "owner") if field in one.spec},
    )
