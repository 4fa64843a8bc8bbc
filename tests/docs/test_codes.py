"""Every code is a row of one table: what raises it, and the page of codes, are held against it."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from reconciler import errors
from reconciler.errors import Level, ReconcilerError
from reconciler.errors.codes import CODES, TABLES
from reconciler.errors.codes.code import Code

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
TABLE = ROOT / "reconciler" / "errors" / "codes"
_ANYWHERE = re.compile(r"RC[0-9]{3}")
_ROW = re.compile(r"^\| (RC[0-9]{3}) \|.*$", re.MULTILINE)


@cache
def modules() -> dict[str, ast.Module]:
    """All of the program but the table itself."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "reconciler").rglob("*.py"))
        if not path.is_relative_to(TABLE)
    }


def docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def written(tree: ast.Module) -> set[str]:
    """The codes in texts that the program uses: not in docstrings and comments."""
    prose = set(docstrings(tree))
    return {
        code
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose
        for code in _ANYWHERE.findall(node.value)
    }


def test_a_code_has_one_row_in_the_table_of_its_hundred() -> None:
    rows = [code for table in TABLES for code in table]
    assert len(rows) == len(CODES)
    for path in TABLE.glob("*.py"):
        assert (
            len(
                {
                    code[2]
                    for code in re.findall(r'^        "(RC\d{3})",', path.read_text(), re.MULTILINE)
                }
            )
            <= 1
        )
    for row in rows:
        assert _ANYWHERE.fullmatch(row.id)
        for text in (row.meaning, row.remedy):
            assert text.strip(), row.id
            assert not text.endswith("."), row.id


def test_every_code_that_is_named_has_a_row() -> None:
    """In docstrings and comments, too."""
    unknown = {
        (name, code)
        for name in modules()
        for code in _ANYWHERE.findall((ROOT / name).read_text(encoding="utf-8"))
        if code not in CODES
    }
    assert sorted(unknown) == []


def test_every_row_is_used() -> None:
    used = set().union(*(written(tree) for tree in modules().values()))
    assert sorted(CODES.keys() - used) == []


def test_a_code_outside_the_table_would_be_found() -> None:
    assert written(ast.parse('"""RC111"""\nraise UsageError("RC998", f"RC999: {x}")')) == {
        "RC998",
        "RC999",
    }


def named(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Calls of ``name`` with a code first, and the code."""
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and named(node) == name and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and first.value in CODES:
                    yield str(first.value), node


TREE = sorted(
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, ReconcilerError)
)


@pytest.mark.parametrize("name", TREE)
def test_the_exit_code_of_a_row_is_that_of_the_error_that_is_raised(name: str) -> None:
    for code, _ in calls(name):
        if (name, code) != ("RegistryError", "RC306"):  # a guard's, by which bootstrap refuses, too
            assert CODES[code].exit == getattr(errors, name).exit_code, code


def test_the_level_of_a_row_is_that_of_its_findings() -> None:
    levels = defaultdict(set)
    for code, call in calls("Finding"):
        level = call.args[1] if len(call.args) > 1 else None
        known = isinstance(level, ast.Attribute) and isinstance(level.value, ast.Name)
        levels[code].add(level.attr if known and isinstance(level, ast.Attribute) else "")
    assert len(levels) > 10
    for code, found in levels.items():
        if "" not in found:
            assert CODES[code].level.name in found, code


# The path of a field, outside of code: ``deliveries.caCert``.
_FIELD = re.compile(r"(?<![\w./:-])[a-z]+(?:\.[a-zA-Z]+)+")


def sentence(text: str) -> str:
    """``text`` as the page has it: pages of the documentation are links, fields are code."""
    parts = re.sub(r"docs/([a-z-]+)\.md", r"[\1](\1.md)", text).split("`")
    plain = [part if "](" in part else _FIELD.sub(r"`\g<0>`", part) for part in parts[::2]]
    parts[::2] = plain
    whole = "`".join(parts)
    whole = whole[0].upper() + whole[1:]
    return whole if whole.endswith((".", ".)", "…")) else f"{whole}."


def line(row: Code) -> str:
    title = re.sub(r"^Rule ([a-z]+(?:-[a-z]+)*)$", r"Rule `\1`", row.title)
    said = [sentence(text) for text in (row.meaning, row.more) if text]
    meaning = " ".join([f"{title}.", *said] if title else said)
    ends = "–" if row.exit is None else str(row.exit)
    if row.exit is not None and row.level is not Level.ERROR:
        ends = f"0 ({row.level})"
    return f"| {row.id} | {meaning} | {sentence(row.remedy)} | {ends} |"


def test_the_page_of_codes_is_the_table() -> None:
    """With ``UPDATE_GOLDEN`` its lines are written anew; a new one is put in by hand."""
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        text = _ROW.sub(lambda found: line(CODES[found[1]]), text)
        PAGE.write_text(text, encoding="utf-8")
    assert sorted(_ROW.findall(text)) == sorted(CODES)  # also: each has one line
    for found in _ROW.finditer(text):
        assert found[0] == line(CODES[found[1]])
