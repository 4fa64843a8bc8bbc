"""The suite itself: it runs in the background, ends what hangs, and leaves nothing running."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.programs.commands import ROOT, living_in

# Tests of a suite that has our plugin and nothing else of ours.
HANGING = """
import subprocess, sys, time

def test_hangs(tmp_path):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], cwd=tmp_path)
    detached = "import subprocess, sys; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    subprocess.run([sys.executable, "-c", detached], cwd=tmp_path, check=True)
    time.sleep(600)

def test_goes_on():
    pass
"""
BLOCK_THAT_FAILS = """
import sys
from tests.kit.programs.started import started

def test_fails():
    with started([sys.executable, "-c", "import time; time.sleep(600)"]) as running:
        print("pid", running.pid)
        assert False, "noticed"
"""
SIGNALS = """
import os, signal, subprocess, sys

def test_programs_hear_what_we_ignore():
    told = "import signal; print([signal.getsignal(n) is signal.SIG_IGN for n in (1, 2, 3, 15)])"
    said = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert said.stdout == "[False, False, False, False]\\n"
    os.kill(os.getpid(), signal.SIGINT)  # it does not stop us
"""
PLUGIN = """
import pytest
from tests.kit.suite import limits

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.pluginmanager.register(limits)
"""


def run(
    folder: Path, text: str, *before: str, seconds: int = 60, plugin: str = PLUGIN
) -> subprocess.CompletedProcess[str]:
    """Our plugin over a test module of its own. ``before``: a command that starts it."""
    (folder / "conftest.py").write_text(plugin)
    (folder / "test_inner.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-pno:cacheprovider",
        "-pno:xdist",
        "-pno:cov",
    ]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))
    }
    env = {**kept, "PYTHONPATH": str(ROOT), "PYTEST_TIMEOUT": str(seconds)}
    return subprocess.run(
        [*before, *command, f"--basetemp={folder / 'temporary'}", "--rootdir", str(folder), str(folder)],
        cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_test_that_hangs_fails_and_what_it_started_is_ended(tmp_path: Path) -> None:
    ran = run(tmp_path, HANGING, seconds=2)
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "Timeout (>2.0s)" in ran.stdout
    assert living_in(tmp_path) == []


def test_a_block_that_fails_ends_the_program_that_it_waits_for(tmp_path: Path) -> None:
    ran = run(tmp_path, BLOCK_THAT_FAILS)
    assert "noticed" in ran.stdout
    found = re.search(r"pid (\d+)", ran.stdout)
    assert found
    assert not Path(f"/proc/{found[1]}").exists()


def test_ignored_signals_are_not_inherited_by_what_tests_start(tmp_path: Path) -> None:
    ran = run(tmp_path, SIGNALS, "sh", "-c", "trap '' HUP INT QUIT TERM; exec \"$@\"", "sh")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_test_of_this_suite_has_a_time_limit(request: pytest.FixtureRequest) -> None:
    assert request.config.pluginmanager.has_plugin("timeout")
    assert float(os.environ["PYTEST_TIMEOUT"]) > 0


def test_programs_are_started_where_their_end_is_certain() -> None:
    """``subprocess.run`` waits with a limit; everything else goes through ``tests.kit.programs.started``."""
    kit = ROOT / "tests/kit"
    bare = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if kit not in path.parents and path != Path(__file__) and "Popen(" in path.read_text()
    ]
    assert bare == []
