"""The mutator: it changes what is run and nothing else, and its sample can be had again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.kit.programs.commands import ROOT
from tests.kit.suite.mutants import MUTANTS, Mutant
from tests.mutation import __main__ as main
from tests.mutation.__main__ import drawn, mutants, mutants_of
from tests.mutation.changes import changes
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.related import Measured, Related, runs_at_import, statement_of
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


def test_an_edit_elsewhere_leaves_the_sample_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mutant has a place of its own in the order: one that goes moves no other."""
    room = ROOMS[1]
    there = mutants(room)
    before = drawn(room, seed=1, count=len(there))
    gone = before[0]
    monkeypatch.setattr(main, "mutants", lambda _room: [one for one in there if one != gone])
    assert drawn(room, seed=1, count=len(there)) == before[1:]


STATEMENTS = """
def judge(
    given,
):
    if (
        given
        and most
    ):
        compute(
            given
        )
    return {
        "a": 1,
    }
"""


@pytest.mark.parametrize(
    ("line", "found"), [(3, range(2, 5)), (6, range(5, 9)), (10, range(9, 12)), (13, range(12, 15))]
)
def test_a_line_is_run_by_what_runs_its_statement(line: int, found: range) -> None:
    """Coverage notes some lines of a statement only; a body is no part of its head."""
    assert statement_of(STATEMENTS, line) == found


def test_the_quickest_tests_that_run_a_line_are_chosen() -> None:
    """A table is in the hands of every test: who ran its line is who happened to import it."""
    path = "reconciler/registry/steps.py"
    text = (ROOT / path).read_text()
    here = next(
        number for number, line in enumerate(text.splitlines(), 1) if "not isinstance" in line
    )
    bits = {"": 1 << 1, "slow": 1 << here, "quick": 1 << here, "first": 1 << 1}
    measured = Measured(
        digest="",
        modules={},
        seconds={"slow": 9.0, "quick": 0.1, "first": 0.2, "another": 0.05},
        lines={path: {name: hex(one) for name, one in bits.items()}},
    )
    one = Related(files=(measured,), outside=("program",))
    assert one.tests(path, here, seconds=60) == ["quick", "slow", "program"]
    assert one.tests(path, here, seconds=1) == ["quick", "program"]
    assert one.tests(path, 1, seconds=60) == ["quick", "first", "slow", "another", "program"]


@pytest.mark.parametrize(("line", "found"), [(2, True), (3, True), (6, False), (13, False)])
def test_what_is_in_no_function_runs_at_an_import(line: int, found: bool) -> None:
    assert runs_at_import(STATEMENTS, line) is found


def test_what_is_judged_equivalent_exists() -> None:
    """A row that no mutant fits any more is taken out."""
    for row in EQUIVALENTS:
        assert Path(ROOT / row.path).exists(), row.path
        found = [(one.change.statement, one.change.new) for one in mutants_of(row.path)]
        assert (row.statement, row.new) in found, row


WRAPPED = """
def judge(given, most):
    if (
        given
        and len(given) < most
    ):  # a comment
        return compute(
            given,
            most,
        )
"""
FLAT = "def judge(given, most):\n    if given and len(given)<most: return compute(given, most)\n"


def test_another_layout_has_the_same_mutants() -> None:
    """What a person judged, generated or chosen by hand, survives every formatter."""
    assert _judged(WRAPPED) == _judged(FLAT)
    chosen = Mutant("", "", "", "if given and len(given) < most:", "if given:", ())
    assert chosen.apply(WRAPPED) == chosen.apply(FLAT)
    assert "if given:" in chosen.apply(WRAPPED)


def _judged(text: str) -> list[tuple[str, str]]:
    return [(one.statement, one.new) for one in changes(text)]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_safeguard_of_a_chosen_mutant_is_where_it_says(mutant: Mutant) -> None:
    """Quicker than tests/reliability/test_mutants.py, which takes the safeguard out."""
    text = (ROOT / mutant.path).read_text()
    assert ast.dump(ast.parse(mutant.apply(text))) != ast.dump(ast.parse(text))
