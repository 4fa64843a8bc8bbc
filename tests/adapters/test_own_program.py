"""What one version of the program kept is nothing to another one."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.system import own_program
from reconciler.adapters.system.own_program import describe_program


def grow(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


CHANGES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "nothing": (lambda base: None, False),
    "a module of ours": (lambda base: grow(base / "ours/deep/module.py"), True),
    "a new module": (lambda base: (base / "ours/new.py").write_text(""), True),
    "what Python compiled": (lambda base: (base / "ours/__pycache__/a.pyc").write_text("x"), False),
    "the parser": (lambda base: grow(base / "parser/__init__.py"), True),
    "time zones": (lambda base: grow(base / "zones/tzdata.zi"), True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_another_one(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (
        "ours/__init__.py",
        "ours/deep/module.py",
        "parser/__init__.py",
        "zones/tzdata.zi",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "ours/__pycache__").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_program, "_OURS", "ours")
    monkeypatch.setattr(own_program, "_OTHERS", ("parser", "none-such"))
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path / "zones"),))
    before = describe_program()
    how, differs = CHANGES[change]
    how(tmp_path)
    assert (describe_program() != before) is differs


def test_another_python_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe_program()
    assert describe_program() == before
    monkeypatch.setattr(sys, "version", "another one")
    assert describe_program() != before
