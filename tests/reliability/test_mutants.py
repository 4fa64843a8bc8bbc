"""Each safeguard is removed from a copy of the package, and the tests that stand for it must fail
there.

A mutant that survives means that a safeguard could be lost in a refactoring without anybody
noticing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.kit.suite.copied import Copy, copied, rewrite
from tests.kit.suite.mutants import MUTANTS, Mutant
from tests.kit.suite.tally import Tally

# What a test says when it does not find the world as it must be; any other error would be an
# accident.
MOST_SECONDS = 120
NOTICED = {"AssertionError", "Failed"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with closing(copied(tmp_path_factory.mktemp("mutants"))) as copy:
        yield copy


@contextmanager
def mutated(tree: Copy, mutant: Mutant) -> Iterator[None]:
    path = tree.root / mutant.path
    text = path.read_text()
    rewrite(path, mutant.apply(text))
    try:
        yield
    finally:
        rewrite(path, text)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_removed_safeguard_is_noticed(mutant: Mutant, tree: Copy, tally: Tally) -> None:
    with mutated(tree, mutant):
        ran = tree.run(mutant.module, mutant.tests, MOST_SECONDS)
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
    ran = tree.run(MUTANTS[0].module, selected, MOST_SECONDS)
    assert ran.code == 0, ran.printed
    for test in selected:
        assert any(
            one == test or one.startswith((f"{test}[", f"{test}::")) for one in ran.seen.passed
        ), f"nothing in {test}"


def test_every_mutant_has_a_name_of_its_own_and_says_what_is_lost() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.safeguard.endswith(".") and mutant.tests for mutant in MUTANTS)
