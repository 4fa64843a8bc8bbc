"""What no commit holds is told in every plan and report, and refused where the policy says so."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git
from tests.kit.git.signing import Signer, new_signer

FORMS = ("text", "markdown", "html", "sarif", "github", "gitlab", "junit")
EDITED = "clients/alerts.yaml"


@pytest.fixture
def edited(checkout: Checkout) -> Checkout:
    """An applied client, and an edit of it that is not committed."""
    checkout.client("alerts")
    checkout.client("payouts")
    checkout.commit("two clients")
    checkout.apply().ok()
    checkout.client("alerts", scopes=["ledger:read"])
    return checkout


def reports(checkout: Checkout, ran: Ran) -> tuple[Any, str]:
    path = checkout.root / ran.json["audit"]["path"]
    return json.loads(path.read_text()), path.with_suffix(".md").read_text()


@pytest.mark.parametrize("form", FORMS)
def test_every_rendering_of_a_plan_says_what_is_not_committed(form: str, edited: Checkout) -> None:
    edited.run("plan", "-e", edited.environment, "--out", "p.json").ok()
    for command in (("plan", "-e", edited.environment), ("show", "p.json")):
        shown = edited.run(*command, "--format", form).ok().out
        assert "RC371" in shown
        assert EDITED in shown.replace("&#47;", "/")


def test_what_is_committed_is_not_dirty(edited: Checkout) -> None:
    edited.commit("edit")
    plan = edited.plan().ok().json
    assert (plan["dirty"], plan["findings"]) == ([], [])
    ran = edited.apply().ok()
    assert ran.json["dirty"] == []
    report, page = reports(edited, ran)
    assert report["dirty"] == []
    assert "Not committed" not in page


def test_a_saved_plan_that_was_made_of_an_edit_says_so_when_it_is_applied(edited: Checkout) -> None:
    edited.plan("--out", "p.json").ok()
    ran = edited.run("-q", "apply", "-e", edited.environment, "p.json", "--format", "json").ok()
    assert ran.json["dirty"] == [EDITED]
    report, page = reports(edited, ran)
    assert report["dirty"] == [EDITED]
    assert "Uncommitted changes were used" in page
    assert EDITED in page


def test_a_saved_plan_keeps_what_was_dirty_though_it_is_committed_by_now(edited: Checkout) -> None:
    plan = edited.plan("--out", "p.json").ok().json
    edited.commit("edit")
    ran = edited.run("apply", "-e", edited.environment, "p.json", "--format", "json").ok()
    assert (ran.json["git_commit"], ran.json["dirty"]) == (plan["git_commit"], [EDITED])


def test_the_text_of_a_quiet_run_says_it(edited: Checkout) -> None:
    ran = edited.run("-q", "apply", "-e", edited.environment, "--yes").ok()
    assert (
        f"Uncommitted changes were used (commit {git(edited.root, 'rev-parse', 'HEAD~1')[:12]}"
        in " ".join(ran.out.split())
    )
    assert EDITED in ran.out


def test_a_report_that_another_run_writes_says_it_too(edited: Checkout) -> None:
    first = edited.apply("--no-commit").ok()
    path = edited.root / first.json["audit"]["path"]
    path.unlink()
    path.with_suffix(".md").unlink()
    git(edited.root, "commit", "--quiet", "-am", "edit")
    edited.apply().ok()
    report, _ = reports(edited, first)
    assert report["recovered_by"] is not None
    assert report["dirty"] == [EDITED]


def test_a_file_that_was_never_added_is_not_committed(edited: Checkout) -> None:
    edited.commit("edit")
    edited.client("new")
    assert edited.plan().json["dirty"] == ["clients/new.yaml"]


def test_a_link_that_is_committed_with_what_it_leads_to_is_not_dirty(edited: Checkout) -> None:
    edited.write("shared/alerts.yaml", (edited.root / EDITED).read_text())
    (edited.root / EDITED).unlink()
    (edited.root / EDITED).symlink_to("../shared/alerts.yaml")
    assert edited.plan().json["dirty"] == [EDITED]
    edited.commit("link")
    assert edited.plan().json["dirty"] == []
    edited.write(
        "shared/alerts.yaml",
        (edited.root / EDITED).read_text().replace("ledger:read", "payouts:read"),
    )
    assert edited.plan().json["dirty"] == [EDITED]


def test_an_id_that_git_puts_into_a_file_is_not_an_edit(edited: Checkout) -> None:
    edited.write(".gitattributes", "*.yaml ident\n")
    path = edited.root / EDITED
    path.write_text(f"# $Id$\n{path.read_text()}")
    edited.commit("ident")
    path.unlink()
    git(edited.root, "checkout", "--", EDITED)
    assert path.read_text().startswith("# $Id: ")
    assert edited.plan().json["dirty"] == []
    path.write_text(path.read_text().replace("# $Id: ", "# $Id: 0"))
    assert edited.plan().json["dirty"] == [EDITED]


@pytest.mark.parametrize("ends", [("core.autocrlf", "true"), ("core.eol", "crlf")])
def test_line_ends_that_git_changes_are_no_edit(ends: tuple[str, str], edited: Checkout) -> None:
    edited.write(".gitattributes", "*.yaml text\n")
    edited.commit("edit")
    git(edited.root, "config", *ends)
    (edited.root / EDITED).unlink()
    git(edited.root, "checkout", "--", EDITED)
    assert b"\r\n" in (edited.root / EDITED).read_bytes()
    assert edited.plan().json["dirty"] == []


def test_a_filter_of_git_is_named_where_it_makes_another_text(edited: Checkout) -> None:
    git(edited.root, "config", "filter.words.clean", "sed s/nightly/hourly/")
    edited.write(".gitattributes", "clients/alerts.yaml filter=words\n")
    edited.commit("filtered")
    plan = edited.plan().json
    assert plan["dirty"] == [EDITED]
    assert ".gitattributes" in plan["findings"][0]["remedy"]
    edited.write(".gitattributes", "")
    git(edited.root, "add", "--renormalize", ".")
    edited.commit("not filtered")
    assert edited.plan().json["dirty"] == []


def test_a_name_that_is_not_utf8_is_committed_as_any_other(edited: Checkout) -> None:
    edited.commit("edit")
    edited.client("cafe")
    name = os.fsencode(edited.root) + b"/clients/caf\xe9.yaml"
    os.rename(edited.root / "clients/cafe.yaml", name)  # noqa: PTH104 - bytes
    assert edited.plan().json["dirty"] == ["clients/caf\\xe9.yaml"]
    edited.commit("new")
    assert edited.plan().json["dirty"] == []
    edited.apply().ok()
    git(edited.root, "update-index", "--assume-unchanged", os.fsdecode(b"clients/caf\xe9.yaml"))
    os.unlink(name)  # noqa: PTH108 - bytes
    assert edited.apply().code == 3
    assert edited.status("cafe")["status"] == "active"


def test_an_edit_behind_a_link_to_a_folder_is_told_and_applied(edited: Checkout) -> None:
    edited.commit("edit")
    (edited.root / "clients").rename(edited.root / "partners")
    (edited.root / "clients").symlink_to("partners")
    edited.commit("linked")
    edited.client("alerts", scopes=["ledger:write"])
    edited.client("new")
    assert edited.apply().ok().json["dirty"] == [EDITED, "clients/new.yaml"]


def test_a_submodule_that_is_there_is_told_and_applied(edited: Checkout, tmp_path: Path) -> None:
    edited.commit("edit")
    edited.client("inner")
    (edited.root / "clients/team").mkdir()
    (edited.root / "clients/inner.yaml").rename(edited.root / "clients/team/inner.yaml")
    git(edited.root / "clients/team", "init", "--quiet")
    git(edited.root / "clients/team", "add", "--all")
    git(edited.root / "clients/team", "commit", "--quiet", "-m", "inner")
    edited.commit("a repository in the repository")
    edited.apply().ok()
    edited.client("new")
    edited.commit("new")
    assert edited.apply().ok().json["dirty"] == ["clients/team/inner.yaml"]
    git(tmp_path, "clone", "--quiet", str(edited.root), "clone")
    clone = replace(edited, root=tmp_path / "clone")
    refused = clone.apply().json
    assert (refused["code"], "state: retired" in refused["remedy"]) == ("RC372", True)


def test_a_linked_folder_is_not_dirty(checkout: Checkout) -> None:
    checkout.client("alerts")
    (checkout.root / "clients").rename(checkout.root / "partners")
    (checkout.root / "clients").symlink_to("partners")
    checkout.commit("linked")
    assert checkout.plan().json["dirty"] == []


def test_an_edit_is_refused_where_the_policy_in_head_says_so(edited: Checkout) -> None:
    git(edited.root, "stash", "--quiet")
    edited.document("policy.yaml", "GuardrailPolicy", "policy", {"apply": {"committed": "require"}})
    edited.commit("require commits")
    git(edited.root, "stash", "pop", "--quiet")
    before = edited.everything_written()
    edited.plan("--out", "p.json").ok()
    for refused in (
        edited.apply(),
        edited.run("apply", "-e", edited.environment, "p.json", "--format", "json"),
    ):
        assert (refused.code, refused.json["code"]) == (3, "RC242")
        assert EDITED in refused.json["message"]
    (edited.root / "policy.yaml").unlink()  # the policy of HEAD counts, whatever is here
    refused = edited.apply()
    assert (refused.code, refused.json["code"]) == (3, "RC242")
    assert edited.everything_written() == before
    git(edited.root, "checkout", "--quiet", "policy.yaml")
    edited.commit("edit")
    edited.apply().ok()


def test_the_policy_in_head_is_read_through_a_link(edited: Checkout) -> None:
    edited.document(
        "rules/main.yaml", "GuardrailPolicy", "policy", {"apply": {"committed": "require"}}
    )
    (edited.root / "policy.yaml").symlink_to("rules/main.yaml")
    edited.commit("strict")
    edited.apply().ok()
    edited.document(
        "rules/main.yaml", "GuardrailPolicy", "policy", {"apply": {"committed": "warn"}}
    )
    refused = edited.apply()
    assert (refused.code, refused.json["code"]) == (3, "RC242")


def test_a_rotation_is_not_refused_and_says_it(edited: Checkout) -> None:
    edited.document("policy.yaml", "GuardrailPolicy", "policy", {"apply": {"committed": "require"}})
    ran = edited.run(
        "rotate", "-e", edited.environment, "payouts", "--reason", "lost", "--format", "json"
    ).ok()
    assert ran.json["dirty"] == [EDITED, "policy.yaml"]


def test_whoever_may_sign_is_said_from_outside_of_the_repository(
    edited: Checkout, ada: Signer, tmp_path: Path
) -> None:
    eve = new_signer(tmp_path / "more-keys", "eve")
    signers = tmp_path / "signers"
    signers.write_text(ada.line)
    eve.commit(edited.root, "by somebody else")
    before = edited.everything_written()
    given = {"RECONCILER_ALLOWED_SIGNERS": str(signers)}
    refused = edited.apply(**given)
    assert (refused.code, refused.json["code"]) == (3, "RC240")
    inside = edited.root / "signers"
    inside.write_text(eve.line)
    refused = edited.apply("--allowed-signers", str(inside))
    assert (refused.code, refused.json["code"]) == (3, "RC241")
    for text in ("", None):
        signers.write_text(text) if text is not None else signers.unlink()
        refused = edited.apply(**given)
        assert (refused.code, refused.json["code"]) == (3, "RC241")
    assert edited.everything_written() == before
    inside.unlink()
    signers.write_text(ada.line)
    edited.client("alerts", scopes=["payouts:read"])
    ada.commit(edited.root, "by her")
    edited.apply(**given).ok()
    edited.client("payouts", scopes=["payouts:read"])
    refused = edited.apply(**given)
    assert (refused.code, refused.json["code"]) == (3, "RC242")


def test_a_project_without_git_has_its_work_tree_for_the_truth(
    checkout: Checkout, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    plain = Checkout(folder, checkout.place, buckets=checkout.buckets)
    plain.project()
    text = (folder / "reconciler.yaml").read_text()
    (folder / "reconciler.yaml").write_text(
        text.replace("path: audit", "path: audit\n    git: false")
    )
    for name in ("alerts", "payouts", "more"):
        plain.client(name)
    ran = plain.apply("--push").ok()
    assert (ran.json["git_commit"], ran.json["dirty"], ran.json["problem"]) == (None, [], None)
    assert (folder / ran.json["audit"]["path"]).exists()
    assert plain.run("status", "-e", plain.environment, "--format", "json").json["open_runs"] == []
    (folder / "clients/alerts.yaml").unlink()
    plan = plain.plan().ok().json
    assert (plan["dirty"], plan["findings"]) == ([], [])
    plain.apply().ok()
    assert plain.status("alerts")["status"] == "retired"
    plain.assert_quiet()


def without_git(checkout: Checkout) -> None:
    path = checkout.root / "reconciler.yaml"
    path.write_text(path.read_text().replace("path: audit", "path: audit\n    git: false"))


def test_an_edit_takes_nothing_out_of_the_hands_of_git(checkout: Checkout) -> None:
    """Only a commit says that a project is without git."""
    checkout.document(
        "policy.yaml", "GuardrailPolicy", "policy", {"apply": {"committed": "require"}}
    )
    checkout.client("alerts")
    checkout.client("payouts")
    checkout.commit("two")
    checkout.apply().ok()
    without_git(checkout)
    (checkout.root / "clients/alerts.yaml").unlink()
    plan = checkout.plan().json
    assert (plan["blocked"], plan["dirty"]) == (True, ["clients/alerts.yaml", "reconciler.yaml"])
    refused = checkout.apply()
    assert (refused.code, refused.json["code"]) == (3, "RC242")
    assert checkout.status("alerts")["status"] == "active"
    git(checkout.root, "checkout", "--", "clients")
    checkout.document("policy.yaml", "GuardrailPolicy", "policy", {})
    checkout.commit("without git")
    (checkout.root / "clients/alerts.yaml").unlink()
    checkout.apply().ok()
    assert checkout.status("alerts")["status"] == "retired"
