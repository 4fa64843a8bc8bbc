"""The plan that was reviewed is the plan that is applied, or nothing is."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from reconciler.domain.values.canonical import digest, iso
from reconciler.errors import VaultUnreachable
from reconciler.registry.protocol import run_bucket
from tests.kit.git.checkout import Checkout, Ran
from tests.kit.webhooks.receivers import answers, receiving


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


def test_a_plan_is_stale_when_the_declaration_of_a_client_it_touches_changed(
    planned: Checkout,
) -> None:
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


NOTE: dict[str, object] = {
    "code": "RC357", "level": "note", "address": "", "message": "all is well", "remedy": "", "file": None,
    "line": None, "column": None, "excerpt": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": "2999-01-01T00:00:00Z"},
        {"created_at": "2026-01-01T00:00:00Z"},
        {"findings": [NOTE]},
        {"unchanged": 7},
        {"environment": "elsewhere"},
        {"file_digest": "sha256:" + "0" * 64},
        {"file_digest": None},
    ],
    ids="".join,
)
def test_no_field_of_a_plan_file_can_be_edited(
    planned: Checkout, change: dict[str, object]
) -> None:
    tampered(lambda plan: plan.update(change))(planned)
    assert "file_digest" in refused(planned, "RC399").json["message"]


def test_a_plan_file_without_its_digest_is_refused(planned: Checkout) -> None:
    tampered(lambda plan: plan.pop("file_digest"))(planned)
    assert "file_digest" in refused(planned, "RC399").json["message"]


def sealed_again(plan: dict[str, object], **change: object) -> None:
    """Edit a plan as somebody does who knows how its digest is made: a digest is no signature."""
    plan.update(change)
    plan["file_digest"] = digest(
        {name: value for name, value in plan.items() if name != "file_digest"}
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "RC392"),
        ({"created_at": "2020-01-01T00:00:00Z", "expires_at": "9999-12-31T23:59:59Z"}, "RC392"),
        ({"created_at": "0001-01-01T00:00:00Z", "expires_at": "9999-12-31T23:59:59Z"}, "RC392"),
        ({"created_at": "2999-01-01T00:00:00Z", "expires_at": "2999-01-02T00:00:00Z"}, "RC390"),
    ],
)
def test_an_expired_plan_is_refused_whatever_it_says_itself(
    planned: Checkout, change: dict[str, object], code: str
) -> None:
    tampered(lambda plan: sealed_again(plan, **change))(planned)
    refused(planned, code)


def test_the_project_says_how_long_a_plan_holds(planned: Checkout) -> None:
    """A project that shortens it stops plans that were made before."""
    hour_ago = planned.place.root.adapter.get("/v1/sys/health").at - timedelta(hours=1)
    tampered(lambda plan: sealed_again(plan, created_at=iso(hour_ago)))(planned)
    text = (planned.root / "reconciler.yaml").read_text()
    planned.write("reconciler.yaml", text + "  plan: {expires: 59m}\n")
    refused(planned, "RC392")
    planned.write("reconciler.yaml", text + "  plan: {expires: 61m}\n")
    applied(planned)


def test_a_plan_for_another_time_cannot_be_applied(planned: Checkout) -> None:
    planned.write("plan.json", planned.plan("--at", "2999-01-01T00:00:00Z").ok().out)
    refused(planned, "RC390")


def test_a_plan_for_another_environment_is_refused(planned: Checkout) -> None:
    text = (planned.root / "reconciler.yaml").read_text()
    planned.write(
        "reconciler.yaml",
        f"{text}    elsewhere: {{vault: {{address: {planned.place.server.address}}}}}\n",
    )
    ran = planned.run("apply", "-e", "elsewhere", "plan.json", "--format", "json")
    assert (ran.code, ran.json["code"]) == (4, "RC391")


def test_a_plan_of_another_project_is_refused(planned: Checkout) -> None:
    planned.write(
        "reconciler.yaml",
        (planned.root / "reconciler.yaml").read_text().replace("acme-integrations", "other"),
    )
    assert "acme-integrations" in refused(planned, "RC391").json["message"]


def test_a_blocked_plan_can_be_shown_and_not_applied(checkout: Checkout) -> None:
    checkout.client("one", protect=True)
    checkout.client("two")
    checkout.apply().ok()
    checkout.remove("one")
    assert checkout.plan("--out", "plan.json").code == 3
    assert checkout.run("show", "plan.json").ok().out
    ran = refused(checkout, "RC310", 3)
    assert "protect: false" in ran.json["remedy"]


def test_all_that_blocks_a_plan_is_told_at_once(checkout: Checkout) -> None:
    for name in ("one", "two"):
        checkout.client(name, protect=True)
    checkout.apply().ok()
    for name in ("one", "two"):
        checkout.remove(name)
    shown = checkout.plan().json["findings"]
    ran = checkout.apply()
    assert (ran.code, ran.json["findings"]) == (3, shown)
    found = {(one["code"], one["level"], one["address"]) for one in shown}
    assert {
        ("RC310", "error", "client/one"),
        ("RC310", "error", "client/two"),
        ("RC322", "error", ""),
    } <= found
    assert all(one["message"] for one in shown)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "not json", '{"format_version": 99, "kind": "plan"}', '{"kind": "run"}'],
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
    assert (action["before"], action["after"]) == (
        {"scopes": ["payouts:write"]},
        {"scopes": ["ledger:read"]},
    )
    assert {"issue", "rotate", "revoke", "no_op"} <= plan["summary"].keys()
    shown = planned.run("show", "plan.json", "--format", "json").ok().json
    assert shown == plan


@pytest.mark.parametrize("out", [".", "pipe", "nowhere/plan.json", "reconciler.yaml/plan.json"])
def test_only_a_file_can_be_the_plan_file(checkout: Checkout, out: str) -> None:
    """Above all /dev/null is not replaced by a file."""
    os.mkfifo(checkout.root / "pipe")
    before = sorted(path.name for path in checkout.root.iterdir())
    ran = checkout.plan("--out", out)
    assert (ran.code, ran.json["code"]) == (64, "RC004")
    assert sorted(path.name for path in checkout.root.iterdir()) == before
    assert (checkout.root / "pipe").is_fifo()


def reviewed(checkout: Checkout, *arguments: str, **how: str) -> Ran:
    return checkout.plan(
        "--reviewed", "plan.json", "--out", "now.json", "--detailed-exitcode", *arguments, **how
    )


def test_what_was_reviewed_is_applied_after_the_merge_though_commit_and_revisions_are_others(
    planned: Checkout,
) -> None:
    """Somebody's key was rotated since, and another change was merged."""
    planned.run("rotate", "-e", planned.environment, "one", "--reason", "test").ok()
    planned.client("three")
    merged = planned.commit()
    refused(planned, "RC394")
    ran = reviewed(planned, role="planner")
    assert (ran.code, ran.json["git_commit"]) == (2, merged)
    assert [(one["kind"], one["address"]) for one in ran.json["actions"]] == [
        ("update-client", "client/one")
    ]
    run = planned.run("apply", "-e", planned.environment, "now.json", "--format", "json").ok().json
    assert (run["git_commit"], run["plan_digest"]) == (merged, ran.json["digest"])
    assert planned.status("one")["scopes"] == ["ledger:read"]
    assert ("register-client", "client/three", "NewClient") in planned.actions()
    again = reviewed(planned)  # it is done: a second run of the same job does nothing
    assert (again.code, again.json["code"]) == (4, "RC389")


def test_what_was_not_reviewed_is_not_planned(planned: Checkout) -> None:
    planned.client("one", scopes=["ledger:read", "ledger:write"])
    planned.commit()
    ran = reviewed(planned)
    assert (ran.code, ran.json["code"]) == (4, "RC389")
    assert "update-client client/one" in ran.json["message"]
    assert not (planned.root / "now.json").exists()


def test_a_reviewed_plan_that_does_nothing_makes_one_that_does_nothing(planned: Checkout) -> None:
    applied(planned)
    planned.plan("--out", "plan.json").ok()
    planned.client("three")
    ran = reviewed(planned)
    assert (ran.code, ran.json["actions"]) == (0, [])


@pytest.mark.parametrize(
    "more", [("--only", "one"), ("--at", "2999-01-01T00:00:00Z"), ("--upkeep",)]
)
def test_a_reviewed_plan_is_compared_as_it_is(planned: Checkout, more: tuple[str, ...]) -> None:
    ran = planned.plan("--reviewed", "plan.json", *more)
    assert (ran.code, ran.json["code"]) == (64, "RC009")


def test_a_reviewed_plan_of_elsewhere_or_edited_is_refused(planned: Checkout) -> None:
    text = (planned.root / "reconciler.yaml").read_text()
    planned.write("reconciler.yaml", text.replace("acme-integrations", "other"))
    assert reviewed(planned).json["code"] == "RC391"
    planned.write("reconciler.yaml", text)
    tampered(lambda plan: plan.update(unchanged=7))(planned)
    assert reviewed(planned).json["code"] == "RC399"


def test_upkeep_repairs_drift_and_leaves_a_declared_change_to_its_review(planned: Checkout) -> None:
    for name in ("one", "two"):
        planned.vault("DELETE", f"secrets/metadata/keys/{name}.primary")
    ran = planned.plan("--upkeep").ok()
    assert [(one["address"], one["reason"]) for one in ran.json["actions"]] == [
        ("client/two/key/primary", "SecretMissing")
    ]
    assert planned.apply("--upkeep").ok().json["summary"]["done"] == 1
    assert planned.secret("keys/two.primary") is not None
    assert planned.secret("keys/one.primary") is None
    assert planned.status("one")["scopes"] == ["payouts:write"]
    assert planned.apply("--upkeep", "--only", "one").ok().json["outcomes"] == []
    assert planned.run("apply", "-e", planned.environment, "plan.json", "--upkeep").code == 64


def test_a_plan_that_was_applied_in_part_is_continued_by_the_same_file(checkout: Checkout) -> None:
    with receiving(answers(204)) as good:
        checkout.client("quiet")
        checkout.hooked("hooked", "http://127.0.0.1:1/")
        checkout.commit()
        checkout.plan("--out", "plan.json").ok()
        command = ("apply", "-e", checkout.environment, "plan.json", "--format", "json")
        first = checkout.run(*command)
        assert first.code == 5
        assert "run the same command again: it carries out the rest of this plan" in first.err
        again = checkout.run(*command)  # the receiver is still away
        assert again.code == 5
        assert [one["kind"] for one in again.json["outcomes"]] == [
            "verify-webhook",
            "activate-client",
        ]
        assert again.json["plan_digest"] == first.json["plan_digest"]
        assert checkout.versions("quiet") == {1: "active"}, "nothing is done twice"

        checkout.hooked("hooked", good.url)  # somebody repairs it by another declaration
        checkout.commit()
    assert "its declaration changed" in refused(checkout, "RC394").json["message"]


def test_a_plan_that_was_cut_short_is_continued_and_then_used_up(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that died between a secret and its commit: the same file settles the claim and does the
    rest."""
    checkout.client("one")
    checkout.client("two")
    checkout.commit()
    checkout.plan("--out", "plan.json").ok()

    def die(*_: object) -> NoReturn:
        raise VaultUnreachable("RC401", "no answer")

    with monkeypatch.context() as patched:
        patched.setattr(run_bucket, "write_and_commit", die)
        assert checkout.run("apply", "-e", checkout.environment, "plan.json").code in (1, 5)
    assert checkout.versions("one") == {1: "pending"}
    applied(checkout)
    assert checkout.status("one")["status"] == checkout.status("two")["status"] == "active"
    assert "active" in checkout.versions("one").values()
    checkout.assert_quiet()
    refused(checkout, "RC393")


def test_a_plan_that_was_applied_in_part_is_stale_once_another_run_changed_its_client(
    checkout: Checkout,
) -> None:
    checkout.hooked("hooked", "http://127.0.0.1:1/")
    checkout.commit()
    checkout.plan("--out", "plan.json").ok()
    assert checkout.run("apply", "-e", checkout.environment, "plan.json").code == 5
    checkout.run("rotate", "-e", checkout.environment, "hooked", "--reason", "asked").ok()
    assert "its live record changed" in refused(checkout, "RC394").json["message"]


def test_a_proof_that_was_asked_for_is_made_once(checkout: Checkout) -> None:
    with receiving(answers(204)) as good:
        checkout.hooked("hooked", good.url)
        checkout.commit()
        checkout.apply().ok()
        checkout.plan("--out", "plan.json", "--verify", "hooked").ok()
        applied(checkout)
        refused(checkout, "RC393")


FREEZE = {"from": "2020-01-01", "to": "2999-01-01", "reason": "year end"}


def waived(checkout: Checkout, until: str) -> None:
    waiver = {
        "guard": "freeze",
        "client": "one",
        "reason": "agreed",
        "approver": "ada",
        "until": until,
    }
    checkout.document("policy.yaml", "GuardrailPolicy", "policy", {"waivers": [waiver]})
    checkout.commit()


def test_a_freeze_that_was_declared_since_stops_a_saved_plan(planned: Checkout) -> None:
    planned.project(freeze=[FREEZE])
    planned.commit()
    refused(planned, "RC330", 3)


def test_a_waiver_that_ended_since_stops_a_saved_plan(checkout: Checkout) -> None:
    checkout.client("one")
    checkout.apply().ok()
    checkout.project(freeze=[FREEZE])
    checkout.client("one", scopes=["ledger:read"])
    waived(checkout, "2998-01-01")
    checkout.plan("--out", "plan.json").ok()
    waived(checkout, "2020-01-01")
    refused(checkout, "RC330", 3)
    waived(checkout, "2998-01-01")
    applied(checkout)


def test_a_policy_that_became_stricter_stops_a_saved_plan(planned: Checkout) -> None:
    budgets = {"changes": {"percent": 30, "atLeast": 1}}
    planned.document("policy.yaml", "GuardrailPolicy", "policy", {"budgets": budgets})
    planned.commit()
    refused(planned, "RC321", 3)


def test_a_plan_is_written_past_links_and_read_by_nobody_else(
    checkout: Checkout, tmp_path: Path
) -> None:
    """Whoever may write in the folder too cannot have us write elsewhere: neither by a link at its
    name, nor at one that could be guessed."""
    checkout.client("partner")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("plan.json", f".plan.json.{os.getpid()}", ".plan.json.tmp"):
        (checkout.root / name).symlink_to(victim)
    checkout.plan("--out", "plan.json").ok()
    written = checkout.root / "plan.json"
    assert victim.read_text() == "precious"
    assert not written.is_symlink()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert not list(checkout.root.glob(".reconciler-*"))
    checkout.run("show", "plan.json").ok()
