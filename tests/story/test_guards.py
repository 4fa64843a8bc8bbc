"""Guards: what a run may not do, and what happens instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout


def refused(checkout: Checkout, code: str, *arguments: str) -> None:
    """Apply is blocked with ``code`` and writes nothing; plan shows why."""
    before = checkout.everything_written()
    shown = checkout.plan(*arguments)
    assert shown.code == 3
    assert shown.json["blocked"] is True
    assert code in {
        finding["code"] for finding in shown.json["findings"] if finding["level"] == "error"
    }
    ran = checkout.apply(*arguments)
    assert (ran.code, ran.json["code"]) == (3, code)
    assert checkout.everything_written() == before


def test_deleting_the_file_of_a_protected_client_revokes_nothing(checkout: Checkout) -> None:
    checkout.client("partner", protect=True)
    checkout.client("other")
    checkout.commit()
    checkout.apply().ok()
    checkout.remove("partner")
    refused(checkout, "RC310")
    assert checkout.versions("partner") == {1: "active"}
    checkout.client("partner", protect=False)
    checkout.commit()
    checkout.apply().ok()
    checkout.remove("partner")
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "revoked"}
    assert checkout.secret("keys/partner.primary", 1) is None
    checkout.assert_quiet()


def test_deleting_every_file_revokes_nothing(checkout: Checkout) -> None:
    for name in ("one", "two", "three"):
        checkout.client(name)
    checkout.apply().ok()
    for name in ("one", "two", "three"):
        checkout.remove(name)
    refused(checkout, "RC322")


def test_the_removal_budget_counts_from_ten_clients_on(checkout: Checkout) -> None:
    names = [f"partner-{number}" for number in range(10)]
    for name in names:
        checkout.client(name)
    checkout.commit()
    checkout.apply().ok()
    for name in names[:4]:
        checkout.remove(name)
    refused(checkout, "RC320")
    refused(checkout, "RC320", "--only", names[0])  # one by one is the same removal
    checkout.client(names[3])
    checkout.apply().ok()
    assert [checkout.versions(name) for name in names[:4]] == [{1: "revoked"}] * 3 + [{1: "active"}]


@pytest.fixture
def renamed(checkout: Checkout) -> Checkout:
    """One of two clients has another name, and nothing says that it is the same one."""
    checkout.client("partner")
    checkout.client("other", scopes=["x:read"])
    checkout.commit()
    checkout.apply().ok()
    checkout.remove("partner")
    checkout.client("partner-eu")
    return checkout


def test_a_rename_without_a_word_is_recognised_and_the_line_that_is_said_keeps_the_key(
    renamed: Checkout,
) -> None:
    plan = renamed.plan()
    [alike] = [one for one in plan.json["findings"] if one["code"] == "RC325"]
    assert (alike["level"], alike["file"]) == ("warning", "clients/partner-eu.yaml")
    assert (
        "add the line `renamedFrom: partner` below `name: partner-eu` in clients/partner-eu.yaml"
        in alike["remedy"]
    )
    assert plan.code == 0
    renamed.client("partner-eu", metadata={"renamedFrom": "partner"})
    renamed.apply().ok()
    assert renamed.versions("partner-eu") == {1: "active"}
    assert renamed.secret("keys/partner.primary", 1) is not None


def test_most_clients_end_when_somebody_says_how_many_and_a_saved_plan_carries_it(
    checkout: Checkout, tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        checkout.client(name)
    checkout.commit()
    checkout.apply().ok()
    checkout.remove("one")
    checkout.remove("two")
    refused(checkout, "RC323")
    refused(checkout, "RC323", "--only", "one")
    for wrong in ("1", "3"):
        refused(checkout, "RC324", "--yes-remove", wrong)
    saved = tmp_path / "plan.json"
    assert checkout.plan("--out", str(saved)).code == 3
    assert checkout.apply(str(saved)).json["code"] == "RC323", "nobody said so when it was made"
    plan = checkout.plan("--yes-remove", "2", "--out", str(saved)).ok().json
    assert plan["yes_remove"] == 2
    again = checkout.apply(str(saved), "--yes-remove", "2")
    assert (again.code, again.json["code"]) == (64, "RC009")
    checkout.apply(str(saved)).ok()
    assert [checkout.versions(name) for name in ("one", "two", "three")] == [
        {1: "revoked"}, {1: "revoked"}, {1: "active"},
    ]  # fmt: skip
    checkout.assert_quiet()


def test_what_a_file_says_of_an_agreement_is_none_of_the_reviewed_plan(
    checkout: Checkout, tmp_path: Path
) -> None:
    """Anybody may write such a file in a pull request."""
    checkout.client("one")
    checkout.commit()
    checkout.apply().ok()
    checkout.remove("one")
    saved = tmp_path / "plan.json"
    checkout.plan("--yes-remove", "1", "--out", str(saved)).ok()
    anew = checkout.plan("--reviewed", str(saved))
    assert anew.code == 3
    assert "RC322" in {one["code"] for one in anew.json["findings"]}
    assert checkout.plan("--reviewed", str(saved), "--yes-remove", "1").code == 0


def test_a_waiver_lets_a_blocked_plan_pass_and_is_named(checkout: Checkout) -> None:
    checkout.client("partner", protect=True)
    checkout.client("other")
    checkout.commit()
    checkout.apply().ok()
    checkout.remove("partner")
    waiver = {
        "guard": "protect",
        "client": "partner",
        "reason": "contract ended",
        "approver": "ada",
    }
    waiver["until"] = "2999-01-01"
    checkout.document("policy.yaml", "GuardrailPolicy", "policy", {"waivers": [waiver]})
    [finding] = [one for one in checkout.plan().json["findings"] if one["code"] == "RC310"]
    assert finding["level"] == "warning"
    assert "ada" in finding["message"]
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "revoked"}


def test_a_freeze_holds_back_declared_changes_but_not_repairs(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    checkout.project(freeze=[{"from": "2020-01-01", "to": "2999-01-01", "reason": "for ever"}])
    checkout.client("partner", scopes=["ledger:read"])
    refused(checkout, "RC330")
    checkout.client("partner")
    checkout.vault("DELETE", "secrets/metadata/keys/partner.primary")
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "retiring", 2: "active"}


def test_a_rename_keeps_the_key_its_path_and_its_version(checkout: Checkout) -> None:
    checkout.client("payouts")
    checkout.client("other")
    checkout.commit()
    checkout.apply().ok()
    before = checkout.status("payouts")["keys"]
    value = checkout.secret("keys/payouts.primary")
    checkout.remove("payouts")
    checkout.client("paystack-payouts", metadata={"renamedFrom": "payouts"})
    assert checkout.actions() == [("update-client", "client/paystack-payouts", "Renamed")]
    checkout.apply().ok()
    assert checkout.status("paystack-payouts")["keys"] == before
    assert checkout.secret("keys/payouts.primary") == value
    assert checkout.secret("keys/paystack-payouts.primary") is None
    gone = checkout.run("status", "-e", checkout.environment, "payouts")
    assert gone.code == 64
    checkout.assert_quiet()
    checkout.run("rotate", "-e", checkout.environment, "paystack-payouts", "--reason", "test").ok()
    assert checkout.hash("keys/payouts.primary", 2) in str(checkout.status("paystack-payouts"))


def test_the_old_name_of_a_renamed_client_cannot_be_taken(checkout: Checkout) -> None:
    checkout.client("payouts")
    checkout.client("other")
    checkout.apply().ok()
    checkout.remove("payouts")
    checkout.client("paystack-payouts", metadata={"renamedFrom": "payouts"})
    checkout.apply().ok()
    checkout.client("paystack-payouts")
    checkout.client("payouts")
    refused(checkout, "RC303")


def test_another_projects_client_is_never_touched(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.client("other")
    checkout.commit()
    checkout.apply().ok()
    path = f"registry/data/{checkout.bucket('partner')}"
    stored = checkout.vault("GET", path)["data"]
    document = json.loads(stored["data"]["doc"])
    document["clients"]["partner"]["owner"] = "other-project"
    cas = {"cas": stored["metadata"]["version"]}
    checkout.vault("POST", path, {"options": cas, "data": {"doc": json.dumps(document)}})
    refused(checkout, "RC301")
    checkout.remove("partner")
    checkout.assert_quiet()
    after = json.loads(checkout.vault("GET", path)["data"]["data"]["doc"])
    assert after == document


@pytest.mark.parametrize(
    ("state", "expected"), [("suspended", {1: "active"}), ("retired", {1: "revoked"})]
)
def test_suspended_and_retired(checkout: Checkout, state: str, expected: dict[int, str]) -> None:
    checkout.client("partner")
    checkout.client("other")
    checkout.apply().ok()
    checkout.client("partner", state=state)
    checkout.apply().ok()
    assert checkout.status("partner")["status"] == state
    assert checkout.versions("partner") == expected
    checkout.assert_quiet()
    checkout.client("partner")
    checkout.apply().ok()
    assert checkout.status("partner")["status"] == "active"
    usable = [number for number, state in checkout.versions("partner").items() if state == "active"]
    assert usable == ([1] if expected == {1: "active"} else [2])
    checkout.assert_quiet()
