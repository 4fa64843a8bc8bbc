"""CODEOWNERS and the comment on a plan: they name the same people, because one judges for both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.desired import ApproverRule, Desired, DesiredClient, GuardrailPolicy
from reconciler.domain.declared.proof import Demand, Probe
from reconciler.domain.live.observed import Observed
from reconciler.planning.planner import make_plan
from reconciler.planning.review.code_owners import find_code_owners
from tests.kit.suite.laws import examples
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, environment, webhook
from tests.kit.worlds.memory import START

SCOPES = {
    "payouts:read": "low",
    "payouts:write": "critical",
    "ledger:read": "medium",
    "refunds:write": "high",
}
_ONE = st.sampled_from(["payouts:read", "payouts:*", "*:write", "ledger:read", "unknown:x", "*"])
_LABELS = st.dictionaries(
    st.sampled_from(["tier", "team"]), st.sampled_from(["a", "b"]), max_size=2
)
_RULES = st.builds(
    ApproverRule,
    st.sampled_from(["ada", "zoe", "acme/security"]),
    risk=st.sampled_from([None, "low", "medium", "high", "critical"]),
    scopes=st.lists(_ONE, max_size=2).map(tuple),
    labels=_LABELS,
    environments=st.sampled_from([(), ("staging",), ("production",), ("staging", "production")]),
)
_HOOKS = st.lists(
    st.builds(
        lambda url, demand: replace(webhook(url=url), probes={Probe.TAMPERED: demand}),
        st.sampled_from(["https://hooks.example.com/p", "http://127.0.0.1:1/"]), st.sampled_from(Demand),
    ), max_size=1,
)  # fmt: skip


@st.composite
def _clients(draw: st.DrawFn) -> list[DesiredClient]:
    return [
        client(
            name, webhooks=draw(_HOOKS), scopes=draw(st.lists(_ONE, max_size=2, unique=True)), labels=draw(_LABELS),
            allowedCidrs=draw(st.sampled_from([[], ["10.0.0.0/8"], ["0.0.0.0/0"]])),
        )
        for name in ("a", "b")
    ]  # fmt: skip


def in_both_environments(
    clients: list[DesiredClient], rules: list[ApproverRule], scopes: bool
) -> list[Desired]:
    policy, table = GuardrailPolicy(approvers=tuple(rules)), SCOPES if scopes else {}
    return [
        desired(*clients, policy=policy, place=environment(name=name), scopes=table)
        for name in ("staging", "production")
    ]


def commented(environments: list[Desired], name: str) -> tuple[str, ...]:
    """Whom the plans of all environments, nothing being registered, name for one client."""
    found = set()
    for one in environments:
        plan = make_plan(inputs(one, Observed(START, {}, {}, 16), START))
        found |= {
            f"@{asked.approver}" for asked in plan.approvals if f"client/{name}" in asked.addresses
        }
    return tuple(sorted(found))


@examples(200)
@given(_clients(), st.lists(_RULES, max_size=3), st.booleans())
def test_a_file_has_the_approvers_whom_the_plan_of_its_client_names(
    clients: list[DesiredClient], rules: list[ApproverRule], scopes: bool
) -> None:
    environments = in_both_environments(clients, rules, scopes)
    files = {file.path: file.approvers for file in find_code_owners(environments).files}
    assert files == {f"clients/{name}.yaml": commented(environments, name) for name in ("a", "b")}


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        (client("a", allowedCidrs=["10.0.0.0/8"]), ()),
        (client("a"), ("@ada",)),  # its key works from everywhere
        (client("a", allowedCidrs=["10.0.0.0/8"], scopes=["payouts:write"]), ("@ada",)),
    ],
)
def test_the_risk_is_that_of_the_registration(
    declared: DesiredClient, asked: tuple[str, ...]
) -> None:
    (file,) = find_code_owners(
        in_both_environments([declared], [ApproverRule("ada", risk="high")], scopes=True)
    ).files
    assert file.approvers == asked
