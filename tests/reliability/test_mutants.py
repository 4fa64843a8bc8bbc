"""Each safeguard is removed from a copy of the package, and the tests that stand for it must fail there.

A mutant that survives means that a safeguard could be lost in a refactoring without anybody noticing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.mutants import MUTANTS, Mutant
from tests.kit.tally import Tally

ROOT = Path(__file__).resolve().parents[2]
# What a test says when it does not find the world as it must be; any other error would be an accident.
NOTICED = {"AssertionError", "Failed"}
MOST_SECONDS = 120


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its tests, away from the checkout."""
    root = tmp_path_factory.mktemp("mutants")
    for name in ("reconciler", "tests", "schemas", "examples"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def run(tree: Path, module: str, selection: tuple[str, ...]) -> tuple[int, dict[str, object], str]:
    """Exit code, what was seen, and all that was printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.mutated", module, *selection],
        cwd=tree, env={**environment, "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False,
        timeout=MOST_SECONDS,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    try:
        seen = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        pytest.fail(f"the copy does not even run:\n{printed}")
    return done.returncode, seen, printed


@contextmanager
def mutated(tree: Path, mutant: Mutant) -> Iterator[None]:
    path = tree / mutant.path
    text = path.read_text()
    found = text.count(mutant.old)
    assert found == 1, f"{mutant.path} has the text of this mutant {found} times: adapt it in tests/kit/mutants.py"
    rewrite(path, text.replace(mutant.old, mutant.new))
    try:
        yield
    finally:
        rewrite(path, text)


def rewrite(path: Path, text: str) -> None:
    """Compiled code is told by size and second: it could pass for that of another mutant."""
    path.write_text(text)
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_removed_safeguard_is_noticed(mutant: Mutant, tree: Path, tally: Tally) -> None:
    with mutated(tree, mutant):
        code, seen, printed = run(tree, mutant.module, mutant.tests)
    assert seen["file"] == str(tree / mutant.path), "another copy was tested"
    assert code != 0, f"survived: nobody notices the loss of this: {mutant.safeguard}"
    assert code == 1, printed
    assert not seen["broken"], printed
    assert set(dict(seen["failed"]).values()) <= NOTICED, printed  # type: ignore[call-overload]
    assert seen["failed"], printed
    tally("mutants of safeguards, each noticed", 1)


def test_without_a_mutant_all_of_these_tests_pass(tree: Path) -> None:
    """In the same copy: what fails under a mutant fails for it. Every selection finds a test."""
    selected = sorted({test for mutant in MUTANTS for test in mutant.tests})
    code, seen, printed = run(tree, MUTANTS[0].module, tuple(selected))
    assert code == 0, printed
    passed = [str(one) for one in seen["passed"]]  # type: ignore[attr-defined]
    for test in selected:
        assert any(one == test or one.startswith((f"{test}[", f"{test}::")) for one in passed), f"nothing in {test}"


def test_every_mutant_has_a_name_of_its_own_and_says_what_is_lost() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.safeguard.endswith(".") and mutant.tests for mutant in MUTANTS)
