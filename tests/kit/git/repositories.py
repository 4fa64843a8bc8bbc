"""Real git repositories in a temporary directory, cut off from the configuration of whoever runs
the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.adapters.git.checkout import Reading, Used, read_checkout
from reconciler.adapters.git.command import GitCommand
from reconciler.domain.declared.checkout import Applied, Checkout, Loaded, blob_ids
from tests.kit.suite.guarding import GIT


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path, *, identity: bool = True) -> None:
    """No global or system configuration, no CI variables, no identity but the one given in HOME's
    .gitconfig."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITHUB_", "GITLAB_", "CI_")) or name == "EMAIL":
            monkeypatch.delenv(name)
    home.mkdir(exist_ok=True)
    config = "[init]\n\tdefaultBranch = main\n"
    if identity:
        config += "[user]\n\tname = Ada Auditor\n\temail = ada@example.com\n"
    (home / ".gitconfig").write_text(config)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


def git(directory: Path, *arguments: str) -> str:
    """Run git as a person would; its output without the last line end.

    Fails the test when git does.
    """
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        check=True,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.rstrip("\n")


def commit_file(directory: Path, name: str, text: str) -> str:
    """Write and commit one file; the commit."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(directory, "add", "--", name)
    git(directory, "commit", "--quiet", "-m", f"Write {name}", "--", name)
    return git(directory, "rev-parse", "HEAD")


def loaded(directory: Path, *names: str) -> Loaded:
    """Files as they are when a declaration is loaded."""
    return {name: blob_ids((directory / name).read_bytes()) for name in names}


def look_at(directory: Path, applied: Applied | None = None) -> Checkout:
    """What git says of a project that is its reconciler.yaml alone, where it has one."""
    names = [name for name in ("reconciler.yaml",) if (directory / name).exists()]
    reading = Reading(
        lambda path: path.endswith(".yaml"), ["reconciler.yaml"], lambda texts, place: frozenset()
    )
    return read_checkout(
        GitCommand(directory),
        "audit",
        reading,
        Used(loaded(directory, *names), {}, "staging"),
        applied,
    )


def new_repository(directory: Path) -> Path:
    """A repository with one commit that holds ``reconciler.yaml``."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    commit_file(directory, "reconciler.yaml", "kind: Project\n")
    return directory


def clone_pair(folder: Path) -> tuple[Path, Path, Path]:
    """A bare remote and two clones of it whose branch ``main`` has an upstream."""
    first = new_repository(folder / "ours")
    bare = folder / "remote.git"
    git(folder, "clone", "--quiet", "--bare", str(first), str(bare))
    git(first, "remote", "add", "origin", str(bare))
    git(first, "push", "--quiet", "--set-upstream", "origin", "main")
    second = folder / "theirs"
    git(folder, "clone", "--quiet", str(bare), str(second))
    return bare, first, second


def add_hook(repository: Path, name: str, script: str) -> None:
    """A shell hook. ``repository`` may be bare."""
    folder = repository / ".git" if (repository / ".git").exists() else repository
    path = folder / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
