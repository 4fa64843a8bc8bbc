"""The suite itself: it runs in the background, ends what hangs, and leaves nothing running."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.programs.commands import ROOT, living_in
from tests.story.conftest import TOLD_TWICE, TOLD_TWICE_IN_PART

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


def test_the_page_of_the_kit_names_every_module_in_its_place() -> None:
    """And none that is not there."""
    kit = ROOT / "tests/kit"
    sections = dict(
        part.split("\n", 1) for part in (kit / "README.md").read_text().split("\n## ")[1:]
    )
    files = {
        folder.name: {
            path.name
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".pyc" and path.name != "__init__.py"
        }
        for folder in kit.iterdir()
        if folder.is_dir() and folder.name != "__pycache__"
    }
    named = {
        name: set(re.findall(r"`(?:\w+/)?(\w+\.\w+)`", text)) for name, text in sections.items()
    }
    assert {name: found & files[name] for name, found in named.items()} == files
    rows = {
        name: set(re.findall(r"^\| `(\w+\.py)` \|", text, re.MULTILINE))
        for name, text in sections.items()
    }
    assert {name: found - files[name] for name, found in rows.items()} == {
        name: set() for name in files
    }


# Where each case is a part of one stored document, and is named after it.
PARTS = {"registry/test_codec.py", "engine/test_saved.py"}
# Prints what a quick run must not ask for: it collects, with everything of ours.
ASKING = """
import sys
from tests.kit.worlds.memory import World

def built(self):
    frame = sys._getframe()
    while frame and "/kit/" in frame.f_code.co_filename or frame.f_code.co_filename == __file__:
        frame = frame.f_back
    builders.append(frame.f_code.co_filename)
    return real(self)

builders = []  # what is printed while tests are collected is captured
real, World.__init__ = World.__init__, built

def pytest_collection_finish(session):
    World.__init__ = real
    assert len(session.items) > 3000
    for builder in builders:
        print("a world is built by", builder)
    print("asks for", [
        item.nodeid for item in session.items
        if {"openbao", "place", "bare_place"} & set(item.fixturenames) or item.get_closest_marker("openbao")
    ])
"""


def test_the_quick_run_asks_for_no_server_and_builds_no_world_before_it_begins(
    tmp_path: Path,
) -> None:
    """None of what ``make test-fast`` collects does; and if one did, ``--fast`` starts none."""
    said = subprocess.run(
        ["make", "--dry-run", "test-fast"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (line,) = [line for line in said.stdout.splitlines() if "-m pytest" in line]
    chosen = line.partition("--fast ")[2].split()
    assert {"tests/domain", "tests/planning", "tests/test_architecture.py"} < set(chosen)
    (tmp_path / "asking.py").write_text(ASKING)
    collected = quick("-p", "asking", "--collect-only", *chosen, path=tmp_path)
    assert collected.returncode == 0, collected.stdout[-2000:] + collected.stderr
    assert "asks for []" in collected.stdout, collected.stdout[-2000:] + collected.stderr
    built = re.findall("a world is built by .*/tests/(.*)", collected.stdout)
    assert set(built) <= PARTS, "build it in a fixture, or when a test asks for it"
    ran = quick("-rs", "tests/story/test_names_only.py", path=tmp_path)
    assert "passed" not in ran.stdout.splitlines()[-1], ran.stdout[-2000:]
    assert "OpenBao: not in make test-fast" in ran.stdout


def quick(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--fast", "-pno:cacheprovider", "-pno:xdist", "-pno:cov", *arguments],
        cwd=ROOT, env={**kept, "PYTHONPATH": str(path)}, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip


def test_stories_that_are_told_twice_exist() -> None:
    stories = ROOT / "tests/story"
    for name in TOLD_TWICE:
        assert (stories / f"{name}.py").exists(), name
    for name, tests in TOLD_TWICE_IN_PART.items():
        text = (stories / f"{name}.py").read_text()
        assert all(f"def {test}(" in text for test in tests), name
        assert f"tests/story/{name}.py" in (ROOT / "Makefile").read_text(), "told in full nowhere"


def test_a_law_takes_its_number_of_examples_from_the_kit() -> None:
    """``examples`` of ``tests.kit.suite.laws`` knows of quick runs, a bare number does not."""
    bare = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if ROOT / "tests/kit/suite" not in path.parents and "max_examples=" in path.read_text()
    ]
    assert bare == [str(Path(__file__).relative_to(ROOT))]


def test_programs_are_started_where_their_end_is_certain() -> None:
    """``subprocess.run`` waits with a limit; everything else goes through ``tests.kit.programs.started``."""
    kit = ROOT / "tests/kit"
    bare = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if kit not in path.parents and path != Path(__file__) and "Popen(" in path.read_text()
    ]
    assert bare == []
