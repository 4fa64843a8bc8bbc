"""The hooks of this repository, as pre-commit installs and runs them in somebody else's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.kit.git.repositories import git, isolate
from tests.kit.programs.commands import GUARD

ROOT = Path(__file__).resolve().parents[2]


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / ".git").exists(), reason="pre-commit fetches hooks from a git repository"
    ),
]


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """What lets pip install this checkout into pre-commit's environment without any registry:
    everything that it depends on, and what builds it, is seen there already; this project itself is
    not."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for found in Path(sysconfig.get_path("purelib")).iterdir():
        if (
            not found.name.startswith(("reconciler", "_reconciler", "pip", "setuptools"))
            and found.suffix != ".pth"
        ):
            (libraries / found.name).symlink_to(found)
    return os.environ | {
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "PYTHONPATH": f"{GUARD}{os.pathsep}{libraries}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which is pip's way to say yes
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(monkeypatch, tmp_path / "home")
    made = tmp_path / "acme"
    assert main(["init", str(made)]) == 0
    git(made, "add", "--all")
    return made


def tried(project: Path, surroundings: dict[str, str]) -> tuple[dict[str, str], str]:
    """Both hooks are tried on what is staged: by id, ``Passed`` or ``Failed``; and everything that
    was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "--verbose", "--color", "never"],
        cwd=project, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    verdicts = re.findall(r"\.(Passed|Failed)\n- hook id: ([a-z-]+)\n", done.stdout)
    assert len(verdicts) == 2, done.stdout + done.stderr
    assert (done.returncode == 0) == all(verdict == "Passed" for verdict, _ in verdicts)
    return {name: verdict for verdict, name in verdicts}, done.stdout


def test_a_good_declaration_passes(project: Path, surroundings: dict[str, str]) -> None:
    (project / ".github").mkdir(exist_ok=True)
    assert (
        main(
            [
                "--project",
                str(project),
                "codeowners",
                "--output",
                str(project / ".github/CODEOWNERS"),
            ]
        )
        == 0
    )
    git(project, "add", "--all")
    verdicts, printed = tried(project, surroundings)
    assert verdicts == {"reconciler-codeowners": "Passed", "reconciler-validate": "Passed"}, printed


def test_a_declaration_that_a_deletion_breaks_fails(
    project: Path, surroundings: dict[str, str]
) -> None:
    """Of which pre-commit tells no hook: nothing but the deletion is staged."""
    git(project, "commit", "--quiet", "--message", "Begin")
    git(project, "rm", "--quiet", "templates/custom.yaml")
    verdicts, printed = tried(project, surroundings)
    assert verdicts == {"reconciler-codeowners": "Failed", "reconciler-validate": "Failed"}
    assert "error[RC132] clients/example-partner.yaml:8:13\n" in printed
