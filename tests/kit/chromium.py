"""Debian's Chromium, driven by playwright: started once, without a way to the network."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-lcd-text",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser. Where there is none the test is skipped; where ``CI`` is set it is installed, or the test fails."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=list(_FLAGS))
        yield browser
        browser.close()


def _program() -> str:
    found = _found()
    if found is None and not os.environ.get("CI"):
        pytest.skip(
            "chromium is not installed (Debian: apt-get install chromium): the page is looked at where CI is set"
        )
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _found()
    assert found is not None, "chromium must be installed where CI is set, or apt-get there and this run by root"
    return found


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def _install() -> None:
    """Once, however many workers ask for it."""
    with (Path(tempfile.gettempdir()) / "reconciler-tests-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _found() is None:
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
                done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-500:]}"
