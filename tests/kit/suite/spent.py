"""What each part of the suite costs, in seconds of CPU: the end of a run prints it beside the
budget.

CPU and not time: the machine that runs the suite may be busy with something else. Counted are the
test's own process and the programs that it started and waited for; a server that all tests of a
worker share counts where it ends. No test fails for it: whoever adds a suite looks at the table.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import pytest

PROPERTY = "seconds of CPU"
COLLECTED = "collected"
_began = pytest.StashKey[float]()
_collecting: list[float] = []  # of every worker, in the process that prints

# Seconds of CPU of a whole ``make test``. Two cores give 2,040 in the 17 minutes that it may take;
# all of ``.ci/run`` has 25 minutes.
BUDGETS = {
    "tests": 30,
    "tests/adapters": 80,
    "tests/benchmarks": 3,
    "tests/ci": 125,
    "tests/cli": 90,
    "tests/declare": 45,
    "tests/docs": 60,
    "tests/domain": 16,
    "tests/engine": 5,
    "tests/evidence": 28,
    "tests/planning": 32,
    "tests/registry": 30,
    "tests/reliability": 540,
    "tests/report": 50,
    "tests/story": 800,
    "tests/webhooks": 15,
}


@dataclass
class Spent:
    tests: int = 0
    seconds: float = 0.0


def cpu() -> float:
    """Of this process and of its children that have ended and were waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[_began] = cpu()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if call.when == "teardown":
        item.user_properties.append((PROPERTY, round(cpu() - item.stash[_began], 3)))
    return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is None:
        _collecting.append(cpu())
    else:
        output[COLLECTED] = cpu()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    _collecting.append(getattr(node, "workeroutput", {}).get(COLLECTED, 0.0))


def of_each(reports: Iterable[pytest.TestReport]) -> dict[str, float]:
    """Test -> seconds. What ran at all has a report of its teardown."""
    return {
        report.nodeid: float(str(value))
        for report in reports
        if report.when == "teardown"
        for name, value in report.user_properties
        if name == PROPERTY
    }


def by_suite(tests: dict[str, float]) -> dict[str, Spent]:
    """Directory below the root -> what its tests cost."""
    found: dict[str, Spent] = {}
    for test, seconds in tests.items():
        suite = found.setdefault(test.partition("::")[0].rpartition("/")[0], Spent())
        suite.tests += 1
        suite.seconds += seconds
    return found


def print_spent(terminal: pytest.TerminalReporter, dearest: int) -> None:
    """The table at the end of a run, and as many of the dearest tests as were asked for."""
    every = [one for kept in terminal.stats.values() for one in kept]
    tests = of_each(one for one in every if isinstance(one, pytest.TestReport))
    if not tests:
        return
    terminal.section("seconds of CPU, and the budget of a whole run")
    for suite, spent in sorted(by_suite(tests).items()):
        budget = BUDGETS.get(suite)
        over = " over" if budget is not None and spent.seconds > budget else ""
        of = f"{budget:>5}" if budget is not None else "    -"
        terminal.write_line(f"{spent.seconds:>8.1f} {of}{over:<5} {suite} ({spent.tests:,} tests)")
    start = f"start and collection ({len(_collecting)} processes)"
    terminal.write_line(f"{sum(_collecting):>8.1f}            {start}")
    for test in sorted(tests, key=lambda one: -tests[one])[:dearest]:
        terminal.write_line(f"{tests[test]:>8.1f}            {test}")
