"""Golden files: what a renderer prints, next to the tests that compare it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """``golden(name, text)`` compares with ``golden/<name>``; UPDATE_GOLDEN=1 writes the file
    instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        assert text == path.read_text(encoding="utf-8"), (
            f"look at {path.name}; if right: UPDATE_GOLDEN=1 make test"
        )

    return compare
