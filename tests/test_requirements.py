"""The locks install with any pip: what pulls in ``name[extra]`` needs a line that says so, or pip
as old as Debian's takes the newest release instead of the pinned one as soon as there is a newer
one, and stops."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)(\[(?P<extras>[a-z0-9,-]+)\])?==", re.MULTILINE)
NEEDS = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)\s*\[(?P<extras>[^\]]+)\]")
# What stands behind `extra ==` is not installed with the distribution itself.
OPTIONAL = re.compile(r"extra\s*==")


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_needed_extra_is_pinned_with_it(lock: str) -> None:
    pins = {
        found["name"]: set((found["extras"] or "").split(","))
        for found in PIN.finditer((ROOT / lock).read_text())
    }
    assert {"click", "hvac"} <= pins.keys()
    missing = []
    for name in pins:
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # of another platform
            continue
        for need in needs:
            found = NEEDS.match(need)
            if found is None or OPTIONAL.search(need) or found["name"].lower() not in pins:
                continue
            extras = {extra.strip() for extra in found["extras"].split(",")}
            if not extras <= pins[found["name"].lower()]:
                missing.append(f"{name} needs {need}")
    assert missing == []
