"""Reports that are erased because a person asked to be forgotten, and archived because years are
closed: in git, with a token of a run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import commit_file, git
from tests.kit.programs.commands import reconciler
from tests.story.test_log import Backup, kinds, log_folder, one_client, pin, verified
from tests.story.test_new_log import lose_key, repair

ADA = "Ada Auditor"


def with_remote(checkout: Checkout, tmp_path: Path) -> Path:
    """A branch with an upstream."""
    remote = tmp_path / "remote.git"
    git(checkout.root, "init", "--quiet", "--bare", str(remote))
    git(checkout.root, "remote", "add", "origin", str(remote))
    git(checkout.root, "push", "--quiet", "--set-upstream", "origin", "HEAD")
    return remote


def erase(checkout: Checkout, *arguments: str) -> Any:
    return checkout.run("audit", "erase", "-e", checkout.environment, *arguments)


def reports(checkout: Checkout, run: str) -> list[str]:
    folder = log_folder(checkout).parent
    return sorted(path.name for path in folder.glob(f"{run}.*"))


def committed(checkout: Checkout, where: str = "HEAD") -> set[str]:
    return set(git(checkout.root, "ls-tree", "-r", "--name-only", where).splitlines())


def test_an_erased_report_is_gone_but_for_the_history_of_git(
    checkout: Checkout, tmp_path: Path
) -> None:
    with_remote(checkout, tmp_path)
    run = one_client(checkout)["run_id"]
    refused = erase(checkout, run, "--format", "json")
    assert (refused.code, refused.json["code"]) == (1, "RC679")
    assert "git push" in refused.json["remedy"]
    git(checkout.root, "push", "--quiet")

    told = erase(checkout, run, "--dry-run").ok().out
    assert f"{run}.json" in told
    assert len(reports(checkout, run)) == 2
    ran = erase(checkout, run, "--push", "--format", "json").ok().json
    assert (ran["entries"], len(ran["files"])) == ([2], 2)
    assert reports(checkout, run) == []
    assert kinds(checkout) == ["run", "erased"]
    for where in ("HEAD", "@{upstream}"):
        assert not [name for name in committed(checkout, where) if run in name]
    assert git(checkout.root, "status", "--porcelain") == ""
    message = git(checkout.root, "log", "-1", "--format=%s")
    assert message == f"audit({checkout.environment}): erase 2 report files"
    stored = "".join(text for _, text in Backup(checkout)._read())
    assert ADA not in stored
    verified(checkout)

    again = erase(checkout, run).ok().out
    assert "is erased already, as entry 2 says" in " ".join(again.split())
    assert kinds(checkout) == ["run", "erased"]
    one_client(checkout, "other")
    assert reports(checkout, run) == []
    verified(checkout)
    shown = checkout.run("audit", "show", "-e", checkout.environment, token="none").ok().out
    assert "1 report erased, as an entry of the log says" in shown
    checkout.run("status", "-e", checkout.environment).ok()
    checkout.run("doctor", "-e", checkout.environment).ok()
    assert (
        "Nothing to repair" in checkout.run("audit", "repair", "-e", checkout.environment).ok().out
    )


def test_closed_years_move_to_an_archive_that_verifies_by_itself(
    checkout: Checkout, tmp_path: Path
) -> None:
    first, second = (one_client(checkout, name)["run_id"] for name in ("one", "two"))
    erase(checkout, first).ok()
    out = tmp_path / "evidence"
    env = ("-e", checkout.environment)
    tomorrow = ("--before", "2100-01-01", "--out", str(out))
    before = "2020-01-01"
    told = checkout.run("audit", "archive", *env, "--before", before, "--out", str(out)).ok().out
    assert "Nothing to archive" in told
    assert not out.exists()
    ran = checkout.run("audit", "archive", *env, *tomorrow, "--format", "json").ok().json
    assert (ran["runs"], ran["entries"], ran["archive"]) == ([second], [4], str(out))
    assert reports(checkout, second) == []
    assert kinds(checkout) == ["run", "run", "erased", "archived"]
    verified(checkout)
    folder = out / "audit" / checkout.environment
    assert (folder / f"{second}.json").exists()
    assert not (folder / f"{first}.json").exists()

    # an auditor has the folder, and no project
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = ("--key", pin(checkout), "--format", "json")
    ran = reconciler(elsewhere, "audit", "verify", *env, "--in", str(out), *given)
    assert ran.returncode == 0, ran.stdout
    assert json.loads(ran.stdout)["log"]["entries"] == 3
    assert checkout.verify("--since", str(folder / "log" / "checkpoint")).code == 0
    (folder / f"{second}.md").write_text("other")
    ran = reconciler(elsewhere, "audit", "verify", *env, "--in", str(out), *given)
    assert (ran.returncode, json.loads(ran.stdout)["fault"]["code"]) == (1, "RC657")

    (folder / f"{second}.md").unlink()
    again = checkout.run("audit", "archive", *env, *tomorrow).ok().out
    assert "Nothing to archive" in again
    one_client(checkout, "three")
    verified(checkout)
    pack = tmp_path / "pack"
    checkout.run("audit", "export", *env, "--out", str(pack), token="none").ok()
    assert f"{second}.json (archived in entry 4)" in (pack / "runs.csv").read_text()
    assert f"{first}.json (erased in entry 3)" in (pack / "runs.csv").read_text()


def test_an_archive_whose_commit_failed_is_completed_by_the_same_command(
    checkout: Checkout, tmp_path: Path
) -> None:
    run = one_client(checkout)["run_id"]
    hook = checkout.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    out = tmp_path / "evidence"
    command = ("audit", "archive", "-e", checkout.environment, "--before", "2100-01-01", "--out")
    ran = checkout.run(*command, str(out), "--format", "json")
    assert (ran.code, ran.json["problem"]["code"]) == (1, "RC607")
    assert [name for name in committed(checkout) if run in name]
    hook.unlink()
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("mine")
    ran = checkout.run(*command, str(other), "--format", "json")
    assert (ran.code, ran.json["code"]) == (1, "RC689")
    ran = checkout.run(*command, str(out), "--format", "json").ok()
    assert (ran.json["entries"], len(ran.json["files"])) == ([], 2)
    assert not [name for name in committed(checkout) if run in name]
    assert git(checkout.root, "status", "--porcelain") == ""
    assert kinds(checkout) == ["run", "archived"]
    verified(checkout)


def test_a_removal_is_put_on_top_of_a_branch_that_moved(checkout: Checkout, tmp_path: Path) -> None:
    remote = with_remote(checkout, tmp_path)
    run = one_client(checkout)["run_id"]
    git(checkout.root, "push", "--quiet")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(remote), str(clone))
    commit_file(clone, "notes.txt", "somebody else\n")
    git(clone, "push", "--quiet")
    erase(checkout, run, "--push").ok()
    names = committed(checkout, "@{upstream}")
    assert "notes.txt" in names
    assert not [name for name in names if run in name]
    verified(checkout)


def test_what_a_backup_of_the_registry_brings_back_is_erased_again(checkout: Checkout) -> None:
    run = one_client(checkout)["run_id"]
    backup = Backup(checkout)
    erase(checkout, run).ok()
    backup.restore()
    refused = erase(checkout, run, "--format", "json")
    assert refused.json["code"] == "RC684"
    checkout.run("audit", "repair", "-e", checkout.environment).ok()
    assert kinds(checkout) == ["run", "erased", "repair"]
    assert [name for name, _ in backup._read() if "/part-" in name and "00000001" in name]
    told = erase(checkout, run).ok().out
    assert "is erased already" in told
    assert not [name for name, _ in backup._read() if "/part-" in name and "00000001" in name]
    assert reports(checkout, run) == []
    one_client(checkout, "other")
    assert reports(checkout, run) == []
    verified(checkout)


def test_an_erasure_of_the_other_branch_outlives_a_repair(checkout: Checkout) -> None:
    """A registry was restored; a run that had not fetched wrote its own entries, one of which
    erases."""
    one_client(checkout)
    base = git(checkout.root, "rev-parse", "HEAD")
    backup = Backup(checkout)
    one_client(checkout, "other")
    theirs = git(checkout.root, "rev-parse", "HEAD")
    backup.restore()
    git(checkout.root, "reset", "--quiet", "--hard", base)
    third = one_client(checkout, "third")["run_id"]
    erase(checkout, third).ok()
    git(checkout.root, "reset", "--quiet", "--hard", theirs)
    checkout.client("third")
    checkout.commit("declare third")
    checkout.run("audit", "repair", "-e", checkout.environment).ok()
    assert kinds(checkout) == ["run", "run", "repair", "run", "erased"]
    assert reports(checkout, third) == []
    verified(checkout)


def test_a_report_of_a_former_log_is_erased_under_the_present_one(
    checkout: Checkout, tmp_path: Path
) -> None:
    """The pack of both verifies with Node, too."""
    run = one_client(checkout)["run_id"]
    lose_key(checkout)
    repair(checkout)
    one_client(checkout, "other")
    erase(checkout, run).ok()
    assert reports(checkout, run) == []
    assert kinds(checkout)[-1] == "erased"
    verified(checkout)
    pack = tmp_path / "pack"
    checkout.run("audit", "export", "-e", checkout.environment, "--out", str(pack)).ok()
    folder = f"audit/{checkout.environment}"
    (former,) = (path.name for path in (pack / folder).glob("log-*"))
    for name in ("log", former):
        command = ["node", "verify.mjs", f"{folder}/{name}"]
        ran = subprocess.run(command, cwd=pack, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
