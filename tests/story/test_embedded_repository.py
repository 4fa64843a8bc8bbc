"""A project whose folder holds a git repository as plain files: nothing obeys it, and a revocation
goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.git.signing import new_signer


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def inner(checkout: Checkout, tmp_path: Path, mark: Path) -> Checkout:
    """The checkout, moved into a folder of another repository; its own history lies among its
    files, signed by somebody whom nobody outside trusts, with a setting that runs a program."""
    mallory = new_signer(tmp_path / "keys", "mallory")
    checkout.write(".signers", mallory.line)
    demand = {"apply": {"signedCommits": {"allowedSigners": ".signers"}}}
    checkout.document("policy.yaml", "GuardrailPolicy", "guardrails", demand)
    checkout.client("partner")
    mallory.commit(checkout.root)
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    project = outer / "project"
    shutil.move(checkout.root, project)
    for entry in (project / ".git").iterdir():
        shutil.move(entry, project / entry.name)
    (project / ".git").rmdir()
    for name, value in {"bare": "false", "worktree": ".", "fsmonitor": f"env > {mark};"}.items():
        git(project, "--git-dir=.", "config", f"core.{name}", value)
    git(outer, "add", "--all")
    git(outer, "commit", "--quiet", "-m", "all of it")
    return replace(checkout, root=project)


def test_a_repository_among_the_files_of_a_project_is_not_obeyed(
    inner: Checkout, mark: Path
) -> None:
    for command in ("plan", "apply", "status", "rotate", "validate"):
        more = {"apply": ["--yes"], "rotate": ["partner", "--reason", "routine"]}.get(command, [])
        where = [] if command == "validate" else ["-e", inner.environment]
        ran = inner.run(command, *where, *more)
        if command in ("plan", "apply"):
            assert ran.code == 1, command
            assert "RC630" in ran.err, command
            assert "remedy: find out who put the files" in ran.err
    assert not mark.exists()
    assert inner.vault("LIST", "secrets/metadata/keys/") is None


def test_a_revocation_goes_on_and_says_so(inner: Checkout, mark: Path, tmp_path: Path) -> None:
    """The keys were issued while the project was what it seemed to be."""
    inner.document("policy.yaml", "GuardrailPolicy", "guardrails", {})
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in ("HEAD", "objects", "refs"):
        shutil.move(inner.root / name, aside / name)
    outer = inner.root.parent
    shutil.rmtree(outer / ".git")  # a history that demands no signatures
    git(outer, "init", "--quiet")
    git(outer, "add", "--all")
    git(outer, "commit", "--quiet", "-m", "all of it, without a demand")
    inner.apply().ok()
    for name in ("HEAD", "objects", "refs"):
        shutil.move(aside / name, inner.root / name)
    why = ("--reason", "compromise")
    ran = inner.run("revoke", "-e", inner.environment, "partner", *why, "--format", "json")
    assert [one["status"] for one in ran.json["outcomes"]] == ["done"]
    assert ran.json["problem"]["code"] == "RC630"
    assert inner.secret("keys/partner.primary", 1) is None
    assert not mark.exists()
