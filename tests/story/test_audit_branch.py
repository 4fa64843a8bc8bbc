"""Jobs whose HEAD is detached, in workspaces that are thrown away: their entries reach one
branch."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.story.test_log import Backup


def declare_branch(checkout: Checkout, branch: str = "main") -> None:
    path = checkout.root / "reconciler.yaml"
    project = yaml.safe_load(path.read_text())
    project["spec"]["audit"]["branch"] = branch
    path.write_text(yaml.safe_dump(project, sort_keys=False))


@pytest.fixture
def remote(checkout: Checkout, tmp_path: Path) -> Path:
    """The project with one client, of which nothing was applied yet."""
    checkout.client("partner")
    declare_branch(checkout)
    checkout.commit("declare partner")
    bare = tmp_path / "remote.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout.root), str(bare))
    git(checkout.root, "remote", "add", "origin", str(bare))
    git(checkout.root, "fetch", "--quiet", "origin")
    git(checkout.root, "branch", "--set-upstream-to", "origin/main")
    return bare


def workspace(checkout: Checkout, remote: Path, name: str) -> Checkout:
    """A new one, as a job of GitLab has it."""
    root = remote.parent / name
    git(remote.parent, "clone", "--quiet", str(remote), str(root))
    git(root, "checkout", "--quiet", "--detach")
    git(root, "branch", "--delete", "--force", "main")
    return Checkout(root, checkout.place, buckets=checkout.buckets)


def rotate(job: Checkout, *arguments: str) -> None:
    why = ("--reason", "asked", "--format", "json")
    job.run("rotate", "-e", job.environment, "partner", *why, *arguments).ok()


def verified(job: Checkout) -> int:
    """How many entries the log has, which holds offline and for Vault."""
    key = job.run("audit", "key", "-e", job.environment).ok().out.strip()
    ran = job.verify("--live", "--key", key)
    assert ran.code == 0, ran.out + ran.err
    return int(ran.json["log"]["entries"])


def test_a_job_pushes_to_the_declared_branch(checkout: Checkout, remote: Path) -> None:
    job = workspace(checkout, remote, "job")
    job.apply("--push").ok()
    assert git(remote, "rev-parse", "main") == git(job.root, "rev-parse", "HEAD")
    # and when somebody else moved it
    git(checkout.root, "pull", "--quiet")
    checkout.write("README.md", "moved\n")
    commit = checkout.commit("move main")
    git(checkout.root, "push", "--quiet")
    rotate(job, "--push")
    assert git(remote, "rev-parse", "main^") == commit
    git(checkout.root, "pull", "--quiet")
    assert verified(checkout) == verified(job) == 2


@pytest.mark.parametrize("declared", [True, False])
def test_a_workspace_that_is_thrown_away_takes_no_entry_with_it(
    checkout: Checkout, remote: Path, declared: bool
) -> None:
    """Several runs in one workspace: what it alone has is not forgotten elsewhere."""
    if not declared:
        path = checkout.root / "reconciler.yaml"
        path.write_text(path.read_text().replace("    branch: main\n", ""))
        checkout.commit("any branch")
        git(checkout.root, "push", "--quiet")
    job = workspace(checkout, remote, "job")
    job.apply().ok()
    for _ in range(3):
        rotate(job)
    assert verified(job) == 4
    shutil.rmtree(job.root)

    other = workspace(checkout, remote, "other")
    ran = other.apply()
    assert ran.code == 0, ran.err
    assert "lacks" not in ran.err
    assert verified(other) == 4


def test_a_revocation_on_another_branch_goes_on_and_its_report_waits(
    checkout: Checkout, remote: Path
) -> None:
    checkout.apply("--push").ok()
    git(checkout.root, "checkout", "--quiet", "-b", "fix")
    why = ("--reason", "compromise", "--format", "json")
    ran = checkout.run("revoke", "-e", checkout.environment, "partner", *why)
    assert (ran.code, ran.json["problem"]["code"]) == (1, "RC619")
    assert "the revocation goes on, and its report waits" in ran.err
    assert checkout.secret("keys/partner.primary", 1) is None
    git(checkout.root, "stash", "--quiet", "--include-untracked")
    git(checkout.root, "checkout", "--quiet", "main")
    checkout.apply("--push").ok()
    assert verified(checkout) == 2
    assert git(remote, "rev-parse", "main") == git(checkout.root, "rev-parse", "HEAD")


def test_a_repair_on_another_branch_revokes_and_moves_nothing_else(
    checkout: Checkout, remote: Path
) -> None:
    checkout.apply("--push").ok()
    backup = Backup(checkout)
    checkout.run("revoke", "-e", checkout.environment, "partner", "--reason", "stolen").ok()
    backup.restore()
    before = checkout.vault("GET", "registry/data/ledger")["data"]["data"]
    git(checkout.root, "checkout", "--quiet", "-b", "fix")
    repair = ("audit", "repair", "-e", checkout.environment, "--format", "json")
    ran = checkout.run(*repair)
    assert (ran.code, ran.json["code"]) == (1, "RC619")
    assert checkout.versions("partner") == {1: "revoked"}
    assert checkout.vault("GET", "registry/data/ledger")["data"]["data"] == before
    git(checkout.root, "checkout", "--quiet", "main")
    checkout.run(*repair, "--push").ok()
    checkout.apply("--push").ok()
    assert verified(checkout) == 3  # apply, revoke, repair
    assert git(remote, "rev-parse", "main") == git(checkout.root, "rev-parse", "HEAD")


def test_what_is_only_to_be_filed_waits_for_the_branch(checkout: Checkout, remote: Path) -> None:
    checkout.apply().ok()
    git(checkout.root, "checkout", "--quiet", "-b", "fix")
    git(checkout.root, "rm", "--quiet", "-r", "audit")
    git(checkout.root, "commit", "--quiet", "-m", "lose it")
    git(checkout.root, "branch", "--force", "main", "HEAD")
    head = git(checkout.root, "rev-parse", "HEAD")
    ran = checkout.apply()
    assert (ran.code, ran.json["problem"]["code"]) == (1, "RC619")
    assert git(checkout.root, "rev-parse", "HEAD") == head
    git(checkout.root, "checkout", "--quiet", "main")
    checkout.apply().ok()
    assert verified(checkout) == 1
