"""Reports that are erased because a person asked to be forgotten, and archived because years are
closed: in git, with a token of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.programs.commands import reconciler
from tests.story.test_log import Backup, kinds, log_folder, one_client, pin, verified

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

    again = checkout.run("audit", "archive", *env, *tomorrow).ok().out
    assert "Nothing to archive" in again
    one_client(checkout, "three")
    verified(checkout)
    pack = tmp_path / "pack"
    checkout.run("audit", "export", *env, "--out", str(pack), token="none").ok()
    assert f"{second}.json (archived in entry 4)" in (pack / "runs.csv").read_text()
    assert f"{first}.json (erased in entry 3)" in (pack / "runs.csv").read_text()
