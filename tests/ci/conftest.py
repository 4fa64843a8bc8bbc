"""GitHub's API on loopback for the scripts of the action, and what a runner gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.github_api import TOKEN, GitHub, github_api
from tests.kit.github_tokens import REPOSITORY, REPOSITORY_ID
from tests.kit.repositories import isolate


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with github_api(tmp_path / "files") as github:
        yield github


@pytest.fixture
def step(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The variables of a step that runs for pull request 7; the directory in which its files are."""
    isolate(monkeypatch, tmp_path / "home")
    event = {"pull_request": {"number": 7}, "repository": {"id": int(REPOSITORY_ID)}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    for name, value in {
        "GITHUB_API_URL": github.address,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "INPUT_TOKEN": TOKEN,
        "INPUT_AUTHOR": "github-actions[bot]",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path
