"""GitHub's and GitLab's API on loopback, and what a runner gives the steps and jobs that ask
them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from reconciler.adapters.forges import github as github_adapter
from reconciler.adapters.forges import gitlab as gitlab_adapter
from tests.kit.forges.benches import AtGitHub, AtGitLab, Bench
from tests.kit.forges.github_api import TOKEN, GitHub, github_api
from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID
from tests.kit.forges.gitlab_api import HEAD, PROJECT_ID, GitLab, gitlab_api
from tests.kit.forges.gitlab_api import TOKEN as GITLAB_TOKEN
from tests.kit.forges.gitlab_job import Job
from tests.kit.git.repositories import isolate


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with github_api(tmp_path / "files") as github:
        yield github


@pytest.fixture
def step(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The variables of a step that runs for pull request 7; the directory in which its files
    are."""
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
        "RECONCILER_GITHUB_TOKEN": TOKEN,
        "INPUT_AUTHOR": "github-actions[bot]",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with gitlab_api() as gitlab:
        yield gitlab


@pytest.fixture
def job(
    gitlab: GitLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Job:
    """A job of merge request 7."""
    isolate(monkeypatch, tmp_path / "home")
    for name, value in {
        "CI_API_V4_URL": gitlab.address,
        "CI_PROJECT_ID": PROJECT_ID,
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": HEAD,
        "RECONCILER_GITLAB_TOKEN": GITLAB_TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    made = Job(tmp_path, capsys)
    monkeypatch.setattr(
        gitlab_adapter, "GitLab", partial(gitlab_adapter.GitLab, pause=made.waits.append)
    )
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def at_github(
    github: GitHub, step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AtGitHub:
    made = AtGitHub(github, step, capsys)
    monkeypatch.setattr(
        github_adapter, "GitHub", partial(github_adapter.GitHub, pause=made.waits.append)
    )
    monkeypatch.chdir(step)
    return made


@pytest.fixture
def at_gitlab(gitlab: GitLab, job: Job, monkeypatch: pytest.MonkeyPatch) -> AtGitLab:
    (job.folder / "reconciler.yaml").write_text("")
    return AtGitLab(gitlab, job, monkeypatch)


@pytest.fixture(params=["github", "gitlab"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Each forge in turn."""
    made: Bench = request.getfixturevalue(f"at_{request.param}")
    return made
