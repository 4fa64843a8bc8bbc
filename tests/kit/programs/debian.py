"""Programs that come from Debian's packages: there, or installed where ``CI`` is set, or the test
is skipped."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kit.suite.fast import leave_out


def program(names: Sequence[str], package: str, why: str) -> str:
    """The path of the first of ``names`` that there is. Without any the test is skipped with
    ``why``; where ``CI`` is set ``package`` is installed, or the test fails."""
    leave_out(package)
    found = _found(names)
    if found is None and not os.environ.get("CI"):
        pytest.skip(
            f"{package} is not installed (Debian: apt-get install {package}): {why} where CI is set"
        )
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(names, package)
        found = _found(names)
    assert found is not None, (
        f"{package} must be installed where CI is set, or apt-get there and this run by root"
    )
    return found


def _found(names: Sequence[str]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _install(names: Sequence[str], package: str) -> None:
    """Once, however many workers ask for it, and one package after the other: apt-get knows one at
    a time."""
    with (Path(tempfile.gettempdir()) / "reconciler-tests-debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _found(names) is None:
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (
                ["apt-get", "update"],
                ["apt-get", "install", "-y", "--no-install-recommends", package],
            ):
                done = subprocess.run(
                    command, env=quiet, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-500:]}"
