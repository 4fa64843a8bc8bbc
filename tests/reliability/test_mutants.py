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
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.kit.mutants import MUTANTS, Mutant
from tests.kit.mutated import Ran, Seen
from tests.kit.tally import Tally

ROOT = Path(__file__).resolve().parents[2]
# What a test says when it does not find the world as it must be; any other error would be an accident.
NOTICED = {"AssertionError", "Failed"}


class Copy:
    """The package and its tests, away from the checkout, and the server that runs tests in there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.mutated"], cwd=root, env={**environment, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, module: str, tests: Sequence[str]) -> Ran:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps({"module": module, "tests": list(tests)}) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "the copy does not even run: what it printed is above"
        found = json.loads(answer)
        return Ran(found["code"], found["printed"], Seen(**found["seen"]))

    def close(self) -> None:
        """It ends with its input."""
        self._server.communicate()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    root = tmp_path_factory.mktemp("mutants")
    for name in ("reconciler", "tests", "schemas", "examples"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    with closing(Copy(root)) as copy:
        yield copy


@contextmanager
def mutated(tree: Copy, mutant: Mutant) -> Iterator[None]:
    path = tree.root / mutant.path
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
def test_a_removed_safeguard_is_noticed(mutant: Mutant, tree: Copy, tally: Tally) -> None:
    with mutated(tree, mutant):
        ran = tree.run(mutant.module, mutant.tests)
    assert ran.code != 0, f"survived: nobody notices the loss of this: {mutant.safeguard}"
    assert ran.code == 1, ran.printed
    assert ran.seen.file == str(tree.root / mutant.path), "another copy was tested"
    assert not ran.seen.broken, ran.printed
    assert ran.seen.failed, ran.printed
    assert set(ran.seen.failed.values()) <= NOTICED, ran.printed
    tally("mutants of safeguards, each noticed", 1)


def test_without_a_mutant_all_of_these_tests_pass(tree: Copy) -> None:
    """In the same copy: what fails under a mutant fails for it. Every selection finds a test."""
    selected = sorted({test for mutant in MUTANTS for test in mutant.tests})
    ran = tree.run(MUTANTS[0].module, selected)
    assert ran.code == 0, ran.printed
    for test in selected:
        assert any(one == test or one.startswith((f"{test}[", f"{test}::")) for one in ran.seen.passed), (
            f"nothing in {test}"
        )


def test_every_mutant_has_a_name_of_its_own_and_says_what_is_lost() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.safeguard.endswith(".") and mutant.tests for mutant in MUTANTS)
