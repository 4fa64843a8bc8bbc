"""Files in the root of a repository that Python would take for its own modules: no job runs them.

The very lines of the component and of the action are run in such a checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.app.start.scaffold import starter_files
from reconciler.app.start.witness import witness_files
from tests.ci.test_gitlab_lint import ADDRESS, JOBS, scripts
from tests.kit.git.repositories import git, isolate
from tests.kit.programs.wheels import wheel

pytestmark = pytest.mark.slow

# What the interpreter, venv, ensurepip and pip import, and the scripts of the action.
MODULES = (
    "venv", "ensurepip", "pip", "json", "runpy", "tempfile", "subprocess", "encodings", "site", "sitecustomize",
    "usercustomize", "os", "logging", "argparse", "re", "urllib", "http", "ssl", "api", "login", "runner", "reviewed",
    "install", "run", "reconciler", "reconciler_made_up", "setuptools", "wheel",
)  # fmt: skip


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def evil_text(mark: Path) -> str:
    """Python that says that it ran, and what it could have taken."""
    return f"import os\nopen({str(mark)!r}, 'a').write(__file__ + chr(10) + os.environ.get('VAULT_JWT', ''))\n"


@pytest.fixture
def hostile(tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that has them all, as modules and as packages that can be run, with a pinned
    program."""
    isolate(monkeypatch, tmp_path / "home")
    root = tmp_path / "checkout"
    root.mkdir()
    evil = evil_text(mark)
    for number, name in enumerate(MODULES):
        if number % 2:
            (root / f"{name}.py").write_text(evil)
        else:
            (root / name).mkdir()
            for part in ("__init__", "__main__"):
                (root / name / f"{part}.py").write_text(evil)
    (root / "bin").mkdir()
    for platform in ("github", "gitlab"):
        place = root / f".{platform}/reconciler"
        place.mkdir(parents=True)
        name, digest = wheel(place)
        (place / "requirements.txt").write_text(
            f"./.{platform}/reconciler/{name} --hash=sha256:{digest}\n"
        )
    for path, text in starter_files("acme", "github").items():
        if path.startswith(".github/actions/"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "all of it")
    return root


def ran(script: str, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """As a runner runs it: in the checkout."""
    given = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "VAULT_JWT": "jwt",
    }
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CI", "GITHUB_"))
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=root, env={**kept, **given, **variables}, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


def test_a_job_of_gitlab_runs_no_file_of_the_root(hostile: Path, mark: Path) -> None:
    done = ran(
        f"{scripts('.reconciler staging')}\n" + "\n".join(JOBS["validate"]["script"]), hostile
    )
    assert (done.returncode, done.stdout.splitlines()) == (0, ["reconciler, version 9.9.9"] * 2), (
        done.stderr
    )
    assert not mark.exists(), mark.read_text()


def test_the_action_runs_no_file_of_the_root(hostile: Path, mark: Path, tmp_path: Path) -> None:
    action: Any = yaml.safe_load((hostile / ".github/actions/reconciler/action.yml").read_text())
    (tmp_path / "temp").mkdir()
    (tmp_path / "event.json").write_text("{}")
    given = {
        "GITHUB_WORKSPACE": str(hostile), "GITHUB_ACTION_PATH": str(hostile / ".github/actions/reconciler"),
        "RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_API_URL": "http://127.0.0.1:9", "VERDICT": "0",
        "INPUT_INSTALL": ".github/reconciler/requirements.txt", "INPUT_COMMAND": "validate",
        "RECONCILER": str(tmp_path / "temp/reconciler/venv/bin/reconciler"),
        "REPORT": str(tmp_path / "temp/reconciler/report.md"),
        "PYTHONPATH": ".",  # of whoever wrote the workflow
    }  # fmt: skip
    lines = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert len(lines) == 4
    for line in lines:
        done = ran(line, hostile, **given)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "exit-code<<" in (tmp_path / "output").read_text()
    assert not mark.exists(), mark.read_text()
    assert [path.name for path in (tmp_path / "temp").iterdir()] == ["reconciler"]


def test_the_scripts_of_the_action_come_after_the_standard_library(
    hostile: Path, mark: Path, tmp_path: Path
) -> None:
    """A module that somebody adds beside them, where reviewers may look less, is not one of
    Python's."""
    folder = hostile / ".github/actions/reconciler"
    (folder / "json.py").write_text(evil_text(mark))
    ran(
        f'python3 -I -S "{folder}/start.py" install',
        hostile,
        INPUT_INSTALL="path",
        RUNNER_TEMP=str(tmp_path),
    )
    assert not mark.exists()


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_what_installs_the_reconciler_for_a_witness_runs_no_file_of_the_root(
    hostile: Path, mark: Path, tmp_path: Path, platform: str
) -> None:
    [job] = [
        text
        for path, text in witness_files(ADDRESS, ["production"], platform).items()
        if path.endswith(".yml")
    ]
    (tmp_path / "temp").mkdir()
    content = yaml.safe_load(job)
    if platform == "github":
        line = content["jobs"]["witness"]["steps"][1]["run"]
        line += 'PATH="$RUNNER_TEMP/venv/bin:$PATH"\n'
    else:
        line = content["witness"]["before_script"][0]
    given = {"RUNNER_TEMP": str(tmp_path / "temp"), "TMPDIR": str(tmp_path / "temp")}
    done = ran(f"{line}reconciler --version", hostile, **given)
    assert (done.returncode, done.stdout) == (0, "reconciler, version 9.9.9\n"), done.stderr
    assert not mark.exists(), mark.read_text()
