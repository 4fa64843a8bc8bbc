"""Programs and sources that come from Debian's packages: there, or installed where ``CI`` is set, or
the test is skipped."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.kit.suite.fast import leave_out


def program(names: Sequence[str], package: str, why: str) -> str:
    """The path of the first of ``names`` that there is. Without any the test is skipped with
    ``why``; where ``CI`` is set ``package`` is installed, or the test fails."""
    return _need(lambda: next(filter(None, map(shutil.which, names)), None), package, why)


def folder(path: str, package: str, why: str) -> Path:
    """The same for a folder that ``package`` brings."""
    return Path(_need(lambda: path if Path(path).is_dir() else None, package, why))


def _need(find: Callable[[], str | None], package: str, why: str) -> str:
    leave_out(package)
    found = find()
    if found is None and not os.environ.get("CI"):
        pytest.skip(
            f"{package} is not installed (Debian: apt-get install {package}): {why} where CI is set"
        )
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(find, package)
        found = find()
    assert found is not None, (
        f"{package} must be installed where CI is set, or apt-get there and this run by root"
    )
    return found


def _install(find: Callable[[], str | None], package: str) -> None:
    """Once, however many workers ask for it, and one package after the other: apt-get knows one at
    a time."""
    with (Path(tempfile.gettempdir()) / "reconciler-tests-debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find() is None:
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (
                ["apt-get", "update"],
                ["apt-get", "install", "-y", "--no-install-recommends", package],
            ):
                done = subprocess.run(
                    command, env=quiet, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-500:]}"
