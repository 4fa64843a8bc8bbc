"""The mutator: it changes what is run and nothing else, and its sample can be had again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.kit.programs.commands import ROOT
from tests.mutation.__main__ import drawn, mutants, mutants_of
from tests.mutation.changes import changes
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.rooms import ROOMS, Room, chosen_tests, modules_of, room_of

TEXT = '''"""A docstring is no code."""
from os import path

def judge(given: list[int], most: int = 3) -> str:
    """Nor is this."""
    if not given or len(given) < most and "a" in given:
        raise ValueError(f"ä {most + 1}")
    try:
        given.append(most - 1)
    except (OSError, ValueError):
        given[0] = 2
        return "a sentence for people"
    return "word"
'''


def test_each_mutant_is_one_change_of_what_is_run() -> None:
    found = [(one.line, one.kind, one.new) for one in changes(TEXT)]
    assert (7, "no raise", "pass") in found
    assert (6, "comparison", "(len(given) <= most)") in found
    assert (6, "condition of a not", "(given)") in found
    assert (6, "operand", "(len(given) < most)") in found
    assert (9, "no statement", "pass") in found
    assert (9, "operator", "(most + 1)") in found
    assert (11, "no statement", "pass") in found
    assert (11, "not caught", "raise") in found
    assert (13, "constant", "'wordx'") in found
    assert (13, "no result", "return None") in found
    assert {line for line, _, _ in found} == {4, 6, 7, 9, 11, 12, 13}
    assert not any("sentence" in new for _, _, new in found)
    for change in changes(TEXT):
        mutated = change.apply(TEXT)
        assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(TEXT)), change
        assert mutated.splitlines()[: change.line - 1] == TEXT.splitlines()[: change.line - 1]


def test_every_module_has_a_room() -> None:
    for path in (ROOT / "reconciler").rglob("*.py"):
        if "starter" not in path.parts:
            room_of(path.relative_to(ROOT / "reconciler"))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_has_modules_and_tests(room: Room) -> None:
    assert modules_of(room)
    assert all(list((ROOT / "tests").glob(one)) for one in room.tests)
    assert chosen_tests(room)


def test_a_larger_sample_adds_to_a_smaller_one() -> None:
    room = ROOMS[1]
    few, more = drawn(room, seed=1, count=10), drawn(room, seed=1, count=30)
    assert more[:10] == few
    assert drawn(room, seed=2, count=10) != few
    assert len({one.digest for one in mutants(room)}) == len(mutants(room))


def test_what_is_judged_equivalent_exists() -> None:
    """A row that no mutant fits any more is taken out."""
    for row in EQUIVALENTS:
        assert Path(ROOT / row.path).exists(), row.path
        found = [(one.line, one.change.new) for one in mutants_of(row.path)]
        assert (row.line, row.new) in found, row
