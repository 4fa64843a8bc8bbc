"""A plugin of the suite: nothing outside loopback can be reached, even when a check of ours fails.

It covers this interpreter, every Python and node that inherits our environment, git (which may use
paths only) and Chromium. It does not cover a Python that is started with ``-I``, nor programs of
others that open sockets themselves. ``tests/kit/programs/npm.py`` and ``tests/kit/programs/debian.py`` fetch what the
tests need, and are not under it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from tests.kit.programs.commands import GUARD
from tests.kit.suite.guard import loopback_only

LOG = pytest.StashKey[Path]()
# git asks it before its settings; ``isolate`` of tests/kit/git/repositories.py puts it back.
GIT = {"GIT_ALLOW_PROTOCOL": "file"}


def guarded(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, so that programs which inherit it are under the guard. Doing it twice
    changes nothing."""
    path = [
        part
        for part in environ.get("PYTHONPATH", "").split(os.pathsep)
        if part and part != str(GUARD)
    ]
    node = f"--require={GUARD / 'loopback_only.cjs'}"
    given = environ.get("NODE_OPTIONS", "").replace(node, "").split()
    return {
        **environ,
        **GIT,
        "PYTHONPATH": os.pathsep.join([str(GUARD), *path]),
        "NODE_OPTIONS": " ".join([node, *given]),
    }


def unguarded(environ: Mapping[str, str]) -> dict[str, str]:
    """For a program that fetches from a registry."""
    return {name: value for name, value in environ.items() if name != "NODE_OPTIONS"}


def pytest_configure(config: pytest.Config) -> None:
    loopback_only.install()
    descriptor, name = tempfile.mkstemp(prefix="loopback-only-")
    os.close(descriptor)
    config.stash[LOG] = Path(name)
    os.environ.update(guarded(os.environ) | {loopback_only.LOG: name})


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[LOG].unlink(missing_ok=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """A test that tried to leave fails, also when nobody noticed that its connection was
    refused."""
    log = item.config.stash[LOG]
    log.write_text("")
    result = yield
    tried = log.read_text() if log.exists() else ""
    if tried:
        pytest.fail(f"the tests reach loopback only:\n{tried}", pytrace=False)
    return result
