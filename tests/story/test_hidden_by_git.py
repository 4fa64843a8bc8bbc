"""What git hides is not removed: a sparse checkout, a submodule, an old clone and their like retire
nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git

ALLOWED = "protocol.file.allow=always"


@pytest.fixture
def two(checkout: Checkout) -> Checkout:
    """Two clients, committed and applied."""
    checkout.client("alerts")
    checkout.client("payouts")
    checkout.commit("two clients")
    checkout.apply().ok()
    return checkout


def nobody_is_retired(checkout: Checkout, *names: str, code: str = "RC372") -> dict[str, Any]:
    """Plan says why, apply refuses, and Vault holds what it held; the finding."""
    before = checkout.everything_written()
    shown = checkout.plan()
    assert (shown.code, shown.json["blocked"]) == (3, True), shown.out + shown.err
    errors = [one for one in shown.json["findings"] if one["level"] == "error"]
    assert code in {one["code"] for one in errors}
    ran = checkout.apply()
    assert ran.code == 3, ran.out + ran.err
    assert checkout.everything_written() == before
    for name in names or ("alerts",):
        assert checkout.secret(f"keys/{name}.primary") is not None
        assert checkout.status(name)["status"] == "active"
    finding: dict[str, Any] = next(one for one in errors if one["code"] == code)
    return finding


def sparse(root: Path) -> None:
    git(root, "sparse-checkout", "set", "--no-cone", "/*", "!/clients/alerts.yaml")


def skipped(root: Path) -> None:
    git(root, "update-index", "--skip-worktree", "clients/alerts.yaml")
    (root / "clients/alerts.yaml").unlink()


def assumed(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", "clients/alerts.yaml")
    (root / "clients/alerts.yaml").unlink()


def unlinked(root: Path) -> None:
    (root / "clients/alerts.yaml").unlink()


def staged(root: Path) -> None:
    git(root, "rm", "--quiet", "clients/alerts.yaml")


def merging(root: Path) -> None:
    """The client is gone on one side of a merge that is not finished."""
    git(root, "checkout", "--quiet", "-b", "work")
    git(root, "rm", "--quiet", "clients/alerts.yaml")
    git(root, "commit", "--quiet", "-m", "remove")
    git(root, "checkout", "--quiet", "main")
    (root / "notes").write_text("x\n")
    git(root, "add", "notes")
    git(root, "commit", "--quiet", "-m", "notes")
    git(root, "merge", "--quiet", "--no-commit", "--no-ff", "work")


def renamed_elsewhere(root: Path) -> None:
    """HEAD says that it is a client of another name by now, in a file that is hidden."""
    text = (
        (root / "clients/alerts.yaml")
        .read_text()
        .replace("name: alerts", "name: pages\n  renamedFrom: alerts", 1)
    )
    (root / "clients/alerts.yaml").unlink()
    (root / "clients/pages.yaml").write_text(text)
    git(root, "add", "--all", "clients")
    git(root, "commit", "--quiet", "-m", "rename")
    (root / "clients/pages.yaml").unlink()


def garbled(root: Path) -> None:
    """HEAD's version of the file cannot be read, the one on the disk is another client's."""
    (root / "clients/alerts.yaml").write_text("{ nothing: [\n")
    git(root, "commit", "--quiet", "-m", "break", "clients")
    (root / "clients/alerts.yaml").unlink()


HIDING: dict[str, Callable[[Path], None]] = {
    "a sparse checkout": sparse,
    "skip-worktree": skipped,
    "assume-unchanged": assumed,
    "removed without a commit": unlinked,
    "removed in the index alone": staged,
    "a merge under way": merging,
    "a rename that is hidden": renamed_elsewhere,
    "a file of HEAD that cannot be read": garbled,
}


@pytest.mark.parametrize("name", HIDING)
def test_a_hidden_client_is_not_retired(name: str, two: Checkout) -> None:
    HIDING[name](two.root)
    finding = nobody_is_retired(two)
    assert finding["remedy"]


def test_what_is_visible_is_applied_beside_a_hidden_client(two: Checkout) -> None:
    sparse(two.root)
    two.client("payouts", scopes=["ledger:read"])
    git(two.root, "commit", "--quiet", "-am", "read")
    two.apply("--only", "payouts").ok()
    assert two.status("payouts")["scopes"] == ["ledger:read"]
    assert two.status("alerts")["status"] == "active"


def test_an_edit_that_git_is_told_to_overlook_is_told(two: Checkout) -> None:
    git(two.root, "update-index", "--assume-unchanged", "clients/alerts.yaml")
    two.client("alerts", scopes=["ledger:read"])
    assert git(two.root, "status", "--porcelain", "--", "clients") == ""
    assert two.plan().json["dirty"] == ["clients/alerts.yaml"]


def test_a_document_that_is_deleted_from_a_file_of_several(checkout: Checkout) -> None:
    for name in ("alerts", "payouts"):
        checkout.client(name)
    one, other = (checkout.root / f"clients/{name}.yaml" for name in ("alerts", "payouts"))
    both = checkout.root / "clients/all.yaml"
    both.write_text(f"{one.read_text()}---\n{other.read_text()}")
    only = other.read_text()
    one.unlink()
    other.unlink()
    checkout.commit("two in one file")
    checkout.apply().ok()
    both.write_text(only)
    nobody_is_retired(checkout)
    checkout.commit("one is removed")
    checkout.apply().ok()
    assert checkout.status("alerts")["status"] == "retired"


def test_a_client_that_moves_to_another_file_is_not_removed(two: Checkout) -> None:
    git(two.root, "mv", "clients/alerts.yaml", "clients/moved.yaml")
    plan = two.plan().ok().json
    assert (plan["actions"], plan["dirty"]) == ([], ["clients/alerts.yaml", "clients/moved.yaml"])
    two.commit("move")
    plan = two.plan().ok().json
    assert (plan["actions"], plan["dirty"]) == ([], [])


def test_a_submodule_that_is_not_there(checkout: Checkout, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "clients-of-others")
    other = tmp_path / "clients-of-others"
    checkout.client("alerts")
    (other / "alerts.yaml").write_text((checkout.root / "clients/alerts.yaml").read_text())
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "-m", "alerts")
    checkout.remove("alerts")
    checkout.client("payouts")
    git(checkout.root, "-c", ALLOWED, "submodule", "--quiet", "add", str(other), "clients/others")
    checkout.commit("clients of others")
    checkout.apply().ok()
    assert checkout.status("alerts")["status"] == "active"
    git(checkout.root, "submodule", "--quiet", "deinit", "--force", "clients/others")
    finding = nobody_is_retired(checkout)
    assert "clients/others is a submodule" in finding["message"]


def cloned(checkout: Checkout, target: Path, *options: str) -> Checkout:
    git(target.parent, "clone", "--quiet", *options, f"file://{checkout.root}", str(target))
    return replace(checkout, root=target, printed=[])


OWN, EXISTING = "clients/secret-partner.yaml", "clients/alerts.yaml"


def ignored(two: Checkout) -> str:
    two.write(".gitignore", "secret-*.yaml\n")
    two.commit("ignore")
    two.client("secret-partner")
    return OWN


def never_added(two: Checkout) -> str:
    two.client("secret-partner")
    return OWN


def added_and_not_committed(two: Checkout) -> str:
    two.client("secret-partner")
    git(two.root, "add", OWN)
    return OWN


def appended_to_a_file_of_head(two: Checkout) -> str:
    two.client("secret-partner")
    own = two.root / OWN
    two.write(EXISTING, f"{(two.root / EXISTING).read_text()}---\n{own.read_text()}")
    own.unlink()
    return EXISTING


NOT_IN_HEAD = [ignored, never_added, added_and_not_committed, appended_to_a_file_of_head]


def applied_uncommitted(two: Checkout, where: Callable[[Checkout], str]) -> str:
    """``secret-partner`` applied from a file that HEAD did not hold so; which one."""
    path = where(two)
    assert two.plan().json["dirty"] == [path]
    two.apply().ok()
    two.assert_quiet()
    return path


@pytest.mark.parametrize("where", NOT_IN_HEAD)
def test_a_client_that_no_commit_held_is_not_retired_by_the_next_clone(
    where: Callable[[Checkout], str], two: Checkout, tmp_path: Path
) -> None:
    path = applied_uncommitted(two, where)
    clone = cloned(two, tmp_path / "clone")
    finding = nobody_is_retired(clone, "secret-partner", "alerts")
    assert "no commit held" in finding["message"]
    clone.client("alerts", scopes=["ledger:read"])
    clone.commit("a change of another client does not end what is remembered")
    clone.apply("--only", "alerts").ok()
    nobody_is_retired(clone, "secret-partner", "alerts")
    # the way out: its file is committed, applied, and removed in a later commit
    text = (two.root / path).read_text()
    git(two.root, "stash", "--quiet", "--include-untracked")
    git(two.root, "pull", "--quiet", str(clone.root), "main")
    (two.root / path).write_text(text)
    git(two.root, "add", "--force", path)
    two.commit("it is declared after all")
    two.apply().ok()
    two.assert_quiet()
    (two.root / path).write_text("") if path == EXISTING else two.remove("secret-partner")
    two.client("alerts")
    two.commit("it is removed")
    two.apply().ok()
    two.assert_quiet()
    assert two.status("secret-partner")["status"] == "retired"
    assert two.status("alerts")["status"] == "active"


def test_a_client_that_no_commit_held_is_retired_by_its_declaration(
    two: Checkout, tmp_path: Path
) -> None:
    applied_uncommitted(two, never_added)
    clone = cloned(two, tmp_path / "clone")
    clone.client("secret-partner", state="retired")
    clone.commit("it ends")
    clone.apply().ok()
    assert clone.status("secret-partner")["status"] == "retired"
    clone.assert_quiet()


def test_an_old_clone_retires_nobody_and_is_not_applied(two: Checkout, tmp_path: Path) -> None:
    old = cloned(two, tmp_path / "old")
    two.client("late")
    two.commit("one more")
    two.apply().ok()
    nobody_is_retired_by_a_step_back(old, "late")
    git(old.root, "pull", "--quiet")
    old.assert_quiet()


def nobody_is_retired_by_a_step_back(checkout: Checkout, name: str) -> None:
    before = checkout.everything_written()
    shown = checkout.plan()
    assert shown.code == 3
    assert "RC372" in {one["code"] for one in shown.json["findings"] if one["level"] == "error"}
    assert checkout.apply().code == 3
    refused = checkout.apply("--only", "alerts")
    assert (refused.code, refused.json["code"]) == (3, "RC373"), refused.out + refused.err
    assert checkout.everything_written() == before
    assert checkout.secret(f"keys/{name}.primary") is not None


def test_another_branch_retires_nobody_and_is_not_applied(two: Checkout) -> None:
    git(two.root, "branch", "elsewhere")
    two.client("late")
    two.commit("one more")
    two.apply().ok()
    git(two.root, "checkout", "--quiet", "elsewhere")
    two.client("of-the-branch")
    two.commit("beside")
    nobody_is_retired_by_a_step_back(two, "late")


def test_a_branch_that_was_forced_back_is_not_applied(two: Checkout) -> None:
    two.client("alerts", scopes=["ledger:read"])
    two.commit("fewer rights")
    two.apply().ok()
    git(two.root, "reset", "--quiet", "--hard", "HEAD~2")  # the report's commit and that one
    shown = two.plan().ok().json
    assert [one["code"] for one in shown["findings"]] == ["RC373"]
    refused = two.apply()
    assert (refused.code, refused.json["code"]) == (3, "RC373")
    assert two.status("alerts")["scopes"] == ["ledger:read"]
    head = git(two.root, "rev-parse", "HEAD")
    assert two.apply("--allow-rollback", "f" * 40).code == 3
    done = two.apply("--allow-rollback", head).ok().json
    assert done["rollback_from"] is not None
    assert two.status("alerts")["scopes"] == ["payouts:write"]
    report = json.loads((two.root / done["audit"]["path"]).read_text())
    assert report["rollback_from"] == done["rollback_from"]
    assert (
        "Rolled back on purpose"
        in (two.root / done["audit"]["path"]).with_suffix(".md").read_text()
    )
    two.assert_quiet()


def amended(root: Path) -> None:
    git(root, "commit", "--quiet", "--amend", "-m", "other words")


def squashed(root: Path) -> None:
    git(root, "checkout", "--quiet", "-b", "feature", "HEAD~1")
    git(root, "merge", "--quiet", "--squash", "main")
    git(root, "commit", "--quiet", "-m", "squashed")


def rebased(root: Path) -> None:
    # By somebody else: within one second the same person would make the same commits.
    git(root, "-c", "user.name=Grace", "rebase", "--quiet", "--force-rebase", "--root")


@pytest.mark.parametrize("rewritten", [amended, squashed, rebased])
def test_a_history_that_was_rewritten_is_accepted_once(
    rewritten: Callable[[Path], None], two: Checkout
) -> None:
    """The declaration is what was applied, so that there is nothing to do."""
    two.client("late")
    two.commit("one more")
    two.apply("--no-commit").ok()
    git(two.root, "stash", "--quiet", "--include-untracked")
    rewritten(two.root)
    refused = two.apply()
    assert (refused.code, refused.json["code"]) == (3, "RC373")
    head = git(two.root, "rev-parse", "HEAD")
    assert f"--allow-rollback {head[:12]}" in refused.json["remedy"]
    two.apply("--allow-rollback", head[:12]).ok()
    assert two.plan().ok().json["findings"] == []
    two.client("later")
    two.commit("and another one")
    two.apply().ok()
    two.assert_quiet()


def test_a_saved_plan_carries_the_permission_to_go_back(two: Checkout) -> None:
    two.client("alerts", scopes=["ledger:read"])
    two.commit("fewer rights")
    two.apply().ok()
    git(two.root, "reset", "--quiet", "--hard", "HEAD~2")
    two.plan("--out", "without.json").ok()
    assert two.run("apply", "-e", two.environment, "without.json").code == 3
    head = git(two.root, "rev-parse", "HEAD")
    plan = two.plan("--out", "with.json", "--allow-rollback", head).ok().json
    assert {action["risk"] for action in plan["actions"]} == {"critical"}
    assert two.run("apply", "-e", two.environment, "with.json", "--allow-rollback", head).code == 64
    two.run("apply", "-e", two.environment, "with.json").ok()
    assert two.status("alerts")["scopes"] == ["payouts:write"]


def test_a_history_that_is_cut_off_proves_nothing(two: Checkout, tmp_path: Path) -> None:
    two.client("late")
    two.commit("one more")
    two.remove("alerts")
    git(two.root, "commit", "--quiet", "--allow-empty", "-m", "later")
    shallow = cloned(two, tmp_path / "shallow", "--depth", "1")
    finding = nobody_is_retired_here(shallow)
    assert "cut off" in finding
    git(shallow.root, "fetch", "--quiet", "--unshallow")
    shallow.apply().ok()
    assert shallow.status("alerts")["status"] == "retired"


def nobody_is_retired_here(checkout: Checkout) -> str:
    shown = checkout.plan()
    assert shown.code == 3
    ran: Ran = checkout.apply()
    assert ran.code == 3
    assert checkout.status("alerts")["status"] == "active"
    return str(next(one["message"] for one in shown.json["findings"] if one["code"] == "RC372"))


def test_a_branch_without_a_commit_proves_nothing(two: Checkout) -> None:
    git(two.root, "checkout", "--quiet", "--orphan", "new")
    (two.root / "clients/alerts.yaml").unlink()
    assert "no commit yet" in nobody_is_retired_here(two)


def test_a_project_that_no_commit_holds_proves_nothing(two: Checkout) -> None:
    folder = two.root / "copy"
    folder.mkdir()
    for name in ("reconciler.yaml", "clients/payouts.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text((two.root / name).read_text())
    assert "does not hold reconciler.yaml" in nobody_is_retired_here(replace(two, root=folder))


def test_a_project_outside_of_git_proves_nothing_unless_it_says_so(
    two: Checkout, tmp_path: Path
) -> None:
    folder = tmp_path / "no-git"
    (folder / "clients").mkdir(parents=True)
    for name in ("reconciler.yaml", "clients/payouts.yaml"):
        (folder / name).write_text((two.root / name).read_text())
    outside = replace(two, root=folder)
    assert "not in a git repository" in nobody_is_retired_here(outside)


def of_the_commit_that_declares_it(two: Checkout) -> None:
    git(two.root, "checkout", "--quiet", "HEAD~1")
    two.apply().ok()
    two.assert_quiet()
    git(two.root, "checkout", "--quiet", "main")


def of_another_client(two: Checkout) -> None:
    two.apply("--only", "payouts").ok()


def of_a_change_of_another_client(two: Checkout) -> None:
    two.client("payouts", scopes=["ledger:read"])
    git(two.root, "commit", "--quiet", "-am", "read")
    two.apply("--only", "payouts").ok()


def after_a_change_of_mind(two: Checkout) -> None:
    git(two.root, "revert", "--no-edit", "HEAD")
    two.apply().ok()
    git(two.root, "revert", "--no-edit", "HEAD")


WAYS_OUT = [
    of_the_commit_that_declares_it,
    of_another_client,
    of_a_change_of_another_client,
    after_a_change_of_mind,
]


@pytest.fixture
def upgraded(two: Checkout) -> Checkout:
    """A registry of a version that put no commit on record, and a commit that removes a client."""
    two.vault("DELETE", "registry/metadata/applied")
    two.remove("alerts")
    return two


@pytest.mark.parametrize("apply", WAYS_OUT)
def test_before_any_commit_is_on_record_an_apply_without_removals_makes_one_possible(
    apply: Callable[[Checkout], None], upgraded: Checkout
) -> None:
    finding = nobody_is_retired(upgraded, code="RC374")
    assert f"apply -e {upgraded.environment} --only CLIENT" in finding["remedy"]
    apply(upgraded)
    assert upgraded.status("alerts")["status"] == "active"
    assert upgraded.plan().ok().json["findings"] == []
    upgraded.apply().ok()
    assert upgraded.status("alerts")["status"] == "retired"
    upgraded.assert_quiet()


def test_before_any_commit_is_on_record_a_declared_end_is_carried_out(upgraded: Checkout) -> None:
    upgraded.client("alerts", state="retired")
    upgraded.commit("it ends")
    assert upgraded.plan().ok().json["findings"] == []
    upgraded.apply().ok()
    assert upgraded.status("alerts")["status"] == "retired"


def test_somebody_deletes_the_commit_on_record(two: Checkout) -> None:
    two.vault("DELETE", "registry/data/applied")
    assert two.plan().code == 1
    assert two.status("alerts")["status"] == "active"
    doctor = two.run("doctor", "-e", two.environment, "--format", "json")
    assert doctor.code == 1
    assert "applied" in doctor.out
    assert two.run("revoke", "-e", two.environment, "alerts", "--reason", "compromise").code == 0
