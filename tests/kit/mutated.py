"""Runs tests in a copy of the package, and says as JSON what failed, how, and which file was tested.

``python -m tests.kit.mutated reconciler.registry.bucket tests/registry/test_bucket.py …``
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Generator
from dataclasses import asdict, dataclass, field

import pytest

# Noticing a mutant is no matter of luck: the examples of laws are the same every time.
OPTIONS = ("-x", "-q", "--tb=short", "-pno:cacheprovider", "-pno:xdist", "-pno:cov", "--hypothesis-seed=1")


@dataclass
class Seen:
    """``failed``: test and type of what it raised; ``broken``: what could not even be collected or set up."""

    file: str = ""
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


class Recorder:
    """A plugin that notes the outcome of every test."""

    def __init__(self) -> None:
        self.seen = Seen()

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


def main(module: str, *selection: str) -> None:
    recorder = Recorder()
    code = pytest.main([*OPTIONS, *selection], plugins=[recorder])
    recorder.seen.file = str(importlib.import_module(module).__file__)
    print(json.dumps(asdict(recorder.seen)))  # noqa: T201
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
