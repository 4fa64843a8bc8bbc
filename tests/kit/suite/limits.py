"""A plugin of the suite: every test has a time limit, and nothing that a failed test started lives
on."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.kit.programs.started import end_what_is_left, take_usual_signals, tick

# No test takes a tenth of it on a quiet machine. One that hangs fails, and the others go on.
MOST_SECONDS = 300
# All cases of one kind may be one test.
MOST_SECONDS_EXHAUSTIVE = 6 * 3600
BEGAN = pytest.StashKey[int]()
FAILED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    take_usual_signals()
    exhaustive = config.getoption("exhaustive", default=False)
    most = MOST_SECONDS_EXHAUSTIVE if exhaustive else MOST_SECONDS
    os.environ.setdefault("PYTEST_TIMEOUT", str(most))
    config.stash[BEGAN] = tick()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """What a failed test started is ended before its fixtures are taken down."""
    began = tick()
    try:
        return (yield)
    except pytest.skip.Exception:
        raise
    except BaseException:
        item.stash[FAILED] = True
        end_what_is_left(began)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """A server that a failed test left in its folder belongs to nobody any more."""
    folder = item.funcargs.get("tmp_path") if isinstance(item, pytest.Function) else None
    try:
        return (yield)
    finally:
        if item.stash.get(FAILED, False) and isinstance(folder, Path):
            end_what_is_left(tick(), folder)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing that the tests started outlives them. (With several workers each ends its own.)"""
    worker = hasattr(session.config, "workerinput")
    if worker or not session.config.getoption("numprocesses", default=None):
        end_what_is_left(session.config.stash[BEGAN])
