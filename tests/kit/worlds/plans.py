"""Random plans: any values that the types allow, and the plans that random declarations lead to."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Action, Approval, Permissions, Plan, Risk
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.errors import Address, Finding, Level, Source
from reconciler.planning.planner import make_plan as planned
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.strategies import declarations
from tests.report.samples import NOW, make_plan, observed

# Whatever JSON can hold; the digest of a plan, and a plan file, are made of nothing else.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
VALUES = st.none() | st.dictionaries(
    TEXT, TEXT | st.integers() | st.booleans() | st.lists(TEXT, max_size=2), max_size=3
)
RISKS = st.sampled_from(Risk)
SOURCES = st.builds(Source, TEXT, st.integers(), st.integers())
ADDRESSES = TEXT.map(Address.read)
ACTIONS = st.builds(
    Action,
    st.sampled_from(ActionKind),
    ADDRESSES,
    TEXT,
    TEXT,
    RISKS,
    TEXT,
    st.none() | TEXT,
    st.none() | st.integers(),
    VALUES,
    VALUES,
    TEXTS,
    st.none()
    | st.builds(
        Permissions,
        st.dictionaries(TEXT, RISKS, max_size=3),
        st.dictionaries(TEXT, RISKS, max_size=3),
    ),
)
FINDINGS = st.builds(
    Finding,
    TEXT,
    st.sampled_from(Level),
    TEXT,
    ADDRESSES,
    TEXT,
    st.none() | SOURCES,
    st.none() | TEXT,
)
APPROVALS = st.builds(Approval, TEXT, TEXTS, st.lists(ADDRESSES, max_size=3).map(tuple))
UNFINISHED = st.builds(
    Unfinished,
    st.sampled_from(UnfinishedKind),
    TEXT,
    TEXT,
    st.none() | st.just(NOW),
    st.none() | ADDRESSES,
)


@st.composite
def any_plan(draw: st.DrawFn) -> Plan:
    """A plan with its right digest and with anything else in it."""
    made = make_plan(
        draw(st.lists(ACTIONS, max_size=3).map(tuple)),
        draw(st.lists(FINDINGS, max_size=2).map(tuple)),
        draw(st.integers(0, 3)),
    )
    return replace(
        made,
        approvals=draw(st.lists(APPROVALS, max_size=2).map(tuple)),
        unfinished=draw(st.lists(UNFINISHED, max_size=2).map(tuple)),
        sources=draw(
            st.dictionaries(st.sampled_from([*made.revisions, "other"]), SOURCES, max_size=2)
        ),
    )


def plan_of(declared: Desired, live: Observed) -> Plan:
    return planned(inputs(declared, live, NOW))


ANY_PLAN = any_plan()
# Where nothing is registered yet, and where something of every sort is.
DECLARED_PLANS = st.builds(
    plan_of, declarations(), st.sampled_from([Observed(NOW, {}, {}, 16), observed()])
)
