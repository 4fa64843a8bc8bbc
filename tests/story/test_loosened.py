"""A change that loosens what it is judged by: the plan says so, in every format, and does what it
did without that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.app.plan.rendering import PLAN_FORMATS
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git

SECURITY = {"approver": "acme/security", "when": {"risk": "high"}}


def policy(checkout: Checkout, **spec: Any) -> None:
    checkout.document("policy.yaml", "GuardrailPolicy", "guardrails", spec)


def catalogue(checkout: Checkout, **risks: str) -> None:
    scopes = [{"name": name.replace("_", ":"), "risk": risk} for name, risk in risks.items()]
    checkout.document("scopes.yaml", "ScopeCatalog", "api", {"scopes": scopes})


@pytest.fixture
def change(checkout: Checkout) -> Checkout:
    """A pull request that lowers the risk of a scope, grants it, turns a rule off and breaks it."""
    catalogue(checkout, payouts_write="critical", orders_read="low")
    policy(
        checkout,
        rules={"https-only": {"level": "deny", "allowLoopback": False}},
        approvers=[SECURITY],
    )
    checkout.client("granted", scopes=["orders:read"])
    checkout.client("wild", scopes=["payouts:*"])
    checkout.commit("main")
    checkout.apply().ok()
    checkout.commit("report")
    git(checkout.root, "checkout", "--quiet", "-b", "change")
    catalogue(checkout, payouts_write="low", orders_read="low", payouts_all="critical")
    policy(checkout, rules={"https-only": {"level": "off"}}, approvers=[SECURITY])
    checkout.client("granted", scopes=["orders:read", "payouts:write"])
    checkout.hooked("plain", "http://127.0.0.1:9/hook", scopes=["orders:read"])
    checkout.commit("two things at once")
    return checkout


def told(plan: Any) -> list[tuple[str, str]]:
    return [
        (one["code"], one["message"])
        for one in plan["findings"]
        if one["code"] in ("RC250", "RC251", "RC252")
    ]


def test_what_is_loosened_is_told_in_every_format_and_stops_nothing(change: Checkout) -> None:
    main = git(change.root, "rev-parse", "main")
    ran = change.plan("--out", "../plan.json", "--base", "main", role="planner").ok()
    name = f"commit {main[:12]}"
    assert [code for code, _ in told(ran.json)] == ["RC250", "RC251", "RC252"]
    rule, risk, reached = (message for _, message in told(ran.json))
    since = f"is looser than at {name}:"
    assert (
        rule
        == f"policy.yaml {since} rules.https-only.level, deny → off; in this plan plain breaks what it was"
    )
    assert (
        risk
        == f"scopes.yaml {since} the risk of payouts:write, critical → low; in this plan granted gains it"
    )
    assert reached.startswith(
        "the effective permissions of wild grow by payouts:all (critical), which scopes.yaml did"
    )
    lines = {one["code"]: (one["file"], one["line"]) for one in ran.json["findings"]}
    assert lines["RC251"] == ("scopes.yaml", 8)
    assert lines["RC250"][0] == "policy.yaml"
    asked = {one["approver"]: one for one in ran.json["approvals"]}
    assert "client/granted" in asked["acme/security"]["addresses"]
    assert (
        f"update-client of granted: its risk is critical, by the terms of {name}"
        in asked["acme/security"]["reasons"]
    )
    for form in PLAN_FORMATS:
        shown = change.run("show", "../plan.json", "--format", form).ok().out
        assert [code for code in ("RC250", "RC251", "RC252") if code not in shown] == [], form
    # Made anew without these findings it is the same plan: for the branch that has it already, and
    # for apply.
    git(change.root, "checkout", "--quiet", "main")
    git(change.root, "merge", "--quiet", "--ff-only", "change")
    again = change.plan("--reviewed", "../plan.json", "--base", "HEAD", role="planner").ok()
    assert (told(again.json), again.json["digest"]) == ([], ran.json["digest"])
    applied = change.run("apply", "-e", change.environment, "../plan.json", "--format", "json")
    assert applied.json["summary"]["done"] >= 3
    assert change.status("granted")["scopes"] == ["orders:read", "payouts:write"]


def test_without_an_option_the_commit_before_is_found(change: Checkout) -> None:
    """On the branch itself; and what is not committed yet counts as changed, too."""
    assert [code for code, _ in told(change.plan().ok().json)] == ["RC250", "RC251", "RC252"]
    policy(change, rules={"https-only": {"level": "off"}})
    assert "approvers" in str(told(change.plan("--base", "HEAD").json))


def test_a_base_that_does_not_exist_is_a_usage_error_before_anybody_is_asked(
    change: Checkout,
) -> None:
    ran = change.run(
        "plan",
        "-e",
        change.environment,
        "--base",
        "nowhere",
        "--format",
        "json",
        VAULT_ADDR="http://[::1]:1",
    )
    assert (ran.code, ran.json["code"]) == (64, "RC027")


def test_a_base_that_cannot_be_compared_is_a_line_on_stderr(change: Checkout) -> None:
    valid = (change.root / "policy.yaml").read_text()
    change.write("policy.yaml", valid.replace("https-only", "http-only"))
    broken = change.commit("broken")
    change.write("policy.yaml", valid)
    change.commit("mended")
    ran = change.plan("--base", broken).ok()
    assert told(ran.json) == []
    line = f"what is looser than before is not reported: the declaration of commit {broken[:12]} is not valid"
    assert ran.err.splitlines().count(line) == 1


def test_on_the_first_commit_what_is_not_committed_yet_is_the_change(checkout: Checkout) -> None:
    checkout.client("one")
    assert checkout.plan().ok().err.count("is not reported") == 0
    waiver = {
        "rule": "lifetime",
        "client": "one",
        "reason": "PAY-9",
        "approver": "ada",
        "until": "2999-01-01",
    }
    policy(checkout, rules={"lifetime": {"level": "deny", "keyMax": "1000d"}}, waivers=[waiver])
    assert [code for code, _ in told(checkout.plan().ok().json)] == ["RC250"]


def test_without_a_repository_the_plan_is_made_all_the_same(checkout: Checkout) -> None:
    checkout.client("one")
    (checkout.root / ".git").rename(checkout.root.parent / "elsewhere")
    ran = checkout.plan("--out", "plan.json").ok()
    assert "is not reported: the project is not in a git repository" in ran.err
    assert json.loads(Path(checkout.root / "plan.json").read_text())["git_commit"] is None


def test_a_project_below_the_top_of_its_repository_and_an_openapi_file(checkout: Checkout) -> None:
    def api(*scopes: str) -> str:
        flow = {"scopes": dict.fromkeys(scopes, "x")}
        return json.dumps(
            {"components": {"securitySchemes": {"o": {"flows": {"clientCredentials": flow}}}}}
        )

    checkout.write("api.json", api("payouts:read"))
    checkout.document("scopes.yaml", "ScopeCatalog", "api", {"openapi": "api.json"})
    checkout.client("wild", scopes=["payouts:*"])
    for path in ("reconciler.yaml", "scopes.yaml", "api.json", "clients/wild.yaml"):
        target = checkout.root / "deep" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (checkout.root / path).rename(target)
    checkout.commit("moved")
    checkout.run("--project", "deep", "apply", "-e", checkout.environment, "--yes").ok()
    checkout.write("deep/api.json", api("payouts:read", "payouts:write"))
    checkout.commit("one more scope")
    ran = checkout.run(
        "--project", "deep", "plan", "-e", checkout.environment, "--format", "json"
    ).ok()
    (found,) = told(ran.json)
    assert "of wild grow by payouts:write (medium)" in found[1]
