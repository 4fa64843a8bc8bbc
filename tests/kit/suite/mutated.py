"""Runs tests in a copy of the package, again and again, and says what failed, how, and which file
was tested.

A server on its standard streams: a line of JSON in (``{"module": …, "tests": […], "seconds": …}``),
a line of JSON out (``Ran``), after a first line that says that it is ready. Each run is a fork that
imports the package and its tests anew; the libraries of others are imported once. That and the
shrinking that is left out make a mutant cost a fraction of a second instead of seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.kit.programs.started import end_what_is_left

# Noticing a mutant is no matter of luck: the examples of laws are the same every time.
OPTIONS = (
    "-x", "-q", "--tb=short", "-pno:cacheprovider", "-pno:xdist", "-pno:cov", "--hypothesis-seed=1",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # plugins are imported before pytest begins
)  # fmt: skip
OURS = ("reconciler", "tests")
# What the server says first: a module may be changed from then on, not while it is imported here.
READY = "ready"
# These bring in all that the package and its tests take from others.
BRINGING = (
    "tests.conftest",
    "tests.kit.worlds.memory",
    "tests.kit.worlds.runner",
    "reconciler.cli.main",
    "reconciler.app.wiring",
)


@dataclass
class Seen:
    """``failed``: test and type of what it raised; ``broken``: what could not even be collected or
    set up."""

    file: str = ""
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass
class Ran:
    """``code``: pytest's, or the negative number of the signal that ended it.

    ``printed``: all that it printed.
    """

    code: int
    printed: str
    seen: Seen


class Recorder:
    """A plugin that notes the outcome of every test."""

    def __init__(self) -> None:
        self.seen = Seen()

    def pytest_collection(self) -> None:
        """After tests/conftest.py has set its profile and before a test is imported."""
        phases = (Phase.explicit, Phase.reuse, Phase.generate)  # that it fails is all that is asked
        settings.register_profile("mutant", settings(), phases=phases)
        settings.load_profile("mutant")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "call" and report.passed:
            self.seen.passed.append(item.nodeid)
        elif report.failed and call.excinfo is not None:
            if report.when == "call":
                self.seen.failed[item.nodeid] = kind_of(call.excinfo.value)
            else:
                self.seen.broken.append(item.nodeid)
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.seen.broken.append(report.nodeid)


def kind_of(error: BaseException) -> str:
    """The type of an error, of the first one where Hypothesis found several."""
    if isinstance(error, BaseExceptionGroup):
        return kind_of(error.exceptions[0])
    return type(error).__name__


def forked(module: str, tests: Sequence[str], seconds: float) -> Ran:
    """A run that takes longer is ended, with everything that it started."""
    with tempfile.TemporaryDirectory() as folder:
        printed, seen = Path(folder, "printed"), Path(folder, "seen")
        child = os.fork()
        if child == 0:
            with printed.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            run(module, tests, seen)
        status = wait(child, seconds)
        found = Seen(**json.loads(seen.read_text())) if seen.exists() else Seen()
        return Ran(os.waitstatus_to_exitcode(status), printed.read_text(), found)


def wait(child: int, seconds: float) -> int:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.005)
    end_what_is_left()
    return os.waitpid(child, 0)[1]


def run(module: str, tests: Sequence[str], seen: Path) -> None:
    """In a fork: ends it, with pytest's exit code."""
    code = 70
    try:
        recorder = Recorder()
        code = pytest.main([*OPTIONS, *tests], plugins=[recorder])
        recorder.seen.file = str(importlib.import_module(module).__file__)
        seen.write_text(json.dumps(asdict(recorder.seen)))
    except Exception:  # noqa: BLE001 - it is told in what was printed
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    for name in BRINGING:
        importlib.import_module(name)
    for name in [one for one in sys.modules if one.partition(".")[0] in OURS]:
        del sys.modules[name]
    print(READY, flush=True)  # noqa: T201
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(asdict(forked(**asked))), flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
