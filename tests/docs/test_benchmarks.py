"""No benchmark can stop working unseen: CI runs each of them, small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = sorted(
    path.name for path in (ROOT / "benchmarks").glob("*.py") if "ArgumentParser" in path.read_text()
)


def recipe(target: str) -> str:
    found = re.search(
        rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert found
    return found[1]


@pytest.mark.parametrize("name", BENCHMARKS)
@pytest.mark.parametrize("target", ["bench", "bench-small"])
def test_every_benchmark_is_run(target: str, name: str) -> None:
    assert f"benchmarks/{name}" in recipe(target)


def test_ci_runs_them_small() -> None:
    assert "\nmake bench-small\n" in (ROOT / ".ci/run").read_text()
    assert len(BENCHMARKS) > 1
