"""The plan that was reviewed is the plan that is applied, or nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.kit.checkout import Checkout, Ran


@pytest.fixture
def planned(checkout: Checkout) -> Checkout:
    checkout.client("one")
    checkout.client("two")
    checkout.apply().ok()
    checkout.client("one", scopes=["ledger:read"])
    checkout.commit()
    checkout.plan("--out", "plan.json").ok()
    return checkout


def refused(checkout: Checkout, code: str, exit_code: int = 4) -> Ran:
    before = checkout.everything_written()
    ran = checkout.run("apply", "-e", checkout.environment, "plan.json", "--format", "json")
    assert (ran.code, ran.json["code"]) == (exit_code, code)
    assert checkout.everything_written() == before
    return ran


def applied(checkout: Checkout) -> None:
    checkout.run("apply", "-e", checkout.environment, "plan.json").ok()


def test_a_saved_plan_is_applied_once(planned: Checkout) -> None:
    applied(planned)
    assert planned.status("one")["scopes"] == ["ledger:read"]
    refused(planned, "RC393")


def test_a_plan_is_stale_when_a_client_it_touches_changed_live(planned: Checkout) -> None:
    planned.run("rotate", "-e", planned.environment, "one", "--reason", "test").ok()
    assert "one" in refused(planned, "RC394").json["message"]


def test_a_plan_is_stale_when_the_declaration_of_a_client_it_touches_changed(planned: Checkout) -> None:
    planned.client("one", scopes=["ledger:write"])
    assert "one" in refused(planned, "RC394").json["message"]


def test_a_change_of_another_client_does_not_stale_a_plan(planned: Checkout) -> None:
    planned.run("rotate", "-e", planned.environment, "two", "--reason", "test").ok()
    planned.client("three")
    planned.commit()
    applied(planned)
    assert planned.status("one")["scopes"] == ["ledger:read"]
    assert ("register-client", "client/three", "NewClient") in planned.actions()


def tampered(change: Callable[[dict[str, object]], object]) -> Callable[[Checkout], None]:
    def tamper(checkout: Checkout) -> None:
        path = checkout.root / "plan.json"
        plan = json.loads(path.read_text())
        change(plan)
        path.write_text(json.dumps(plan))

    return tamper


def test_an_edited_plan_is_refused(planned: Checkout) -> None:
    tampered(lambda plan: plan["actions"][0]["after"].update(scopes=["*"]))(planned)  # type: ignore[index]
    refused(planned, "RC399")


def test_an_expired_plan_is_refused(planned: Checkout) -> None:
    tampered(lambda plan: plan.update(expires_at="2020-01-01T00:00:00Z"))(planned)
    ran = planned.run("apply", "-e", planned.environment, "plan.json", "--format", "json")
    assert ran.code == 4
    assert planned.status("one")["scopes"] == ["payouts:write"]


def test_a_plan_for_another_environment_is_refused(planned: Checkout) -> None:
    tampered(lambda plan: plan.update(environment="elsewhere"))(planned)
    refused(planned, "RC399")


def test_a_plan_of_another_project_is_refused(planned: Checkout) -> None:
    planned.write(
        "reconciler.yaml", (planned.root / "reconciler.yaml").read_text().replace("acme-integrations", "other")
    )
    ran = planned.run("apply", "-e", planned.environment, "plan.json", "--format", "json")
    assert (ran.code, ran.json["code"]) == (1, "RC411")


def test_a_blocked_plan_can_be_shown_and_not_applied(checkout: Checkout) -> None:
    checkout.client("one", protect=True)
    checkout.client("two")
    checkout.apply().ok()
    checkout.remove("one")
    assert checkout.plan("--out", "plan.json").code == 3
    assert checkout.run("show", "plan.json").ok().out
    refused(checkout, "RC310", 3)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "not json", '{"format_version": 99, "kind": "plan"}', '{"kind": "run"}']
)
def test_a_file_that_is_no_plan_is_refused(checkout: Checkout, text: str) -> None:
    checkout.write("plan.json", text)
    ran = checkout.run("apply", "-e", checkout.environment, "plan.json", "--format", "json")
    assert ran.code in (1, 4)
    assert ran.json["remedy"]


def test_the_plan_json_keeps_its_contract(planned: Checkout) -> None:
    plan = json.loads((planned.root / "plan.json").read_text())
    keys = {
        "format_version",
        "kind",
        "digest",
        "environment",
        "git_commit",
        "created_at",
        "blocked",
        "summary",
        "actions",
        "findings",
    }
    assert keys <= plan.keys()
    assert plan["kind"] == "plan"
    [action] = [one for one in plan["actions"] if one["kind"] != "no-op"]
    assert {"address", "kind", "reason", "message", "risk", "before", "after"} <= action.keys()
    assert (action["before"], action["after"]) == ({"scopes": ["payouts:write"]}, {"scopes": ["ledger:read"]})
    assert {"issue", "rotate", "revoke", "no_op"} <= plan["summary"].keys()
    shown = planned.run("show", "plan.json", "--format", "json").ok().json
    assert shown == plan
