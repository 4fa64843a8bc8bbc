"""Debian's Chromium, driven by playwright: started once, without a way to the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.kit.programs.debian import program

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-lcd-text",
    "--proxy-server=http://127.0.0.1:9",  # where nobody answers; loopback itself takes no proxy
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser. Where there is none the test is skipped; where ``CI`` is set it is installed, or
    the test fails."""
    path = program(_NAMES, "chromium", "the page is looked at")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()
