"""The jobs of a witness's own repository, run by act and by gitlab-ci-local, offline. Nothing is
installed: the reconciler of these tests is there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.evidence.checkpoint import parse_checkpoint
from reconciler.evidence.notes import parse_note
from tests.kit.evidence.logs import Log
from tests.kit.evidence.own_witness import JOBS, OwnWitness, make_own_witness
from tests.kit.evidence.told import make_story, write_log, write_project
from tests.kit.forges.act import Act
from tests.kit.forges.gitlab_runner import Runner
from tests.kit.git.repositories import git, isolate

pytestmark = pytest.mark.slow


@pytest.fixture
def log() -> Log:
    return make_story()


@pytest.fixture
def project(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(monkeypatch, tmp_path / "home")
    root = tmp_path / "project"
    write_project(root)
    git(root, "init", "--quiet")
    commit_log(root, log)
    return root


def commit_log(project: Path, log: Log) -> None:
    write_log(project, log)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "a run")


def set_up(
    folder: Path, project: Path, log: Log, ci: str, installed: tuple[str, str]
) -> OwnWitness:
    """What installs the reconciler, a line that begins with the first word, is the second one."""
    own = make_own_witness(folder, project, ci, "staging")
    path = own.root / JOBS[ci]
    begins, instead = installed
    lines = path.read_text().splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if line.strip().startswith(begins)]
    assert len(found) == 1
    indent = lines[found[0]].partition(begins)[0]
    lines[found[0]] = f"{indent}{instead}\n"
    path.write_text("".join(lines))
    own.follow_readme({"staging": log.first_key.text})
    return own


def size_seen(own: OwnWitness) -> int:
    return parse_checkpoint(parse_note(own.read("staging/checkpoint"))).size


def test_gitlab_runs_the_job_when_it_is_due(log: Log, project: Path, tmp_path: Path) -> None:
    pip = ('"$venv/bin/python" -I -m pip', "true")
    own = set_up(tmp_path / "elsewhere", project, log, "gitlab", pip)
    given = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "main", "CI_SERVER_HOST": "x.example"}
    runner = Runner(own.remote, tmp_path, given)

    began = git(own.remote, "rev-parse", "main")
    assert runner.jobs("push", began) == []
    log.run({"other": 1})
    commit_log(project, log)
    assert own.look().returncode == 0
    # a pipeline that was started for a former commit: what was seen since is not forgotten
    log.run({"other": 1})
    commit_log(project, log)
    ran = runner("schedule", began, WITNESS_KEY=own.key)
    assert ran.jobs == {"witness": True}, ran.log
    assert size_seen(own) == len(log.entries)
    assert git(own.remote, "rev-list", "--count", f"{began}..main") == "2"
    assert own.key not in ran.log


def test_github_runs_the_workflow(log: Log, project: Path, tmp_path: Path) -> None:
    pip = (
        '"$RUNNER_TEMP/venv/bin/python" -I -m pip',
        'ln -s "$(command -v reconciler)" "$RUNNER_TEMP/venv/bin/reconciler"',
    )
    own = set_up(tmp_path / "elsewhere", project, log, "github", pip)
    variables = {"REMOTE": str(own.remote), "HOME": str(tmp_path / "home")}
    secrets = {"WITNESS_KEY": own.key, "LOG_TOKEN": "none is asked for"}
    act = Act(own.root, tmp_path / "act", variables, secrets, {})
    payload = {"repository": {"default_branch": "main"}}
    log.run({"other": 1})
    commit_log(project, log)
    acted = act("schedule", "witness.yml", payload)
    assert acted.jobs == {"witness": "success"}, acted.log
    assert size_seen(own) == len(log.entries)
    assert git(own.remote, "log", "-1", "--format=%an", "main") == "github-actions[bot]"
    assert own.key not in acted.log
