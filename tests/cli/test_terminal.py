"""Who is asked, and what an answer means: only somebody at a terminal, and only a yes is one; and
where there is colour."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from reconciler.cli.main import main
from reconciler.cli.output import Settings
from reconciler.cli.terminal import Terminal
from reconciler.engine.planfile.document import plan_json
from reconciler.errors import UsageError
from tests.report.samples import review_plan

PLAN = review_plan()


class Stream(io.StringIO):
    def __init__(self, text: str = "", *, terminal: bool = True) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


PIPE = Stream("y\n", terminal=False)


def sit_down(monkeypatch: pytest.MonkeyPatch, stdin: Stream | None) -> Stream:
    """Terminals as stdout and stderr, and a stdin; what is asked there."""
    asked = Stream()
    for name, stream in (("stdin", stdin), ("stdout", Stream()), ("stderr", asked)):
        monkeypatch.setattr(sys, name, stream)
    return asked


def accept() -> bool:
    return Terminal(Settings()).accepts("Send it there?")


def agree() -> bool:
    Terminal(Settings()).agree(PLAN)
    return True


ASKED: tuple[tuple[Callable[[], bool], str], ...] = (
    (accept, "Send it there? [y/N]:"),
    (agree, f"Apply this to {PLAN.environment}? [y/N]:"),
)


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "perhaps\ny\n"])
@pytest.mark.parametrize(("ask", "question"), ASKED)
def test_a_yes_is_one(
    ask: Callable[[], bool], question: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sit_down(monkeypatch, Stream(answer))
    assert ask() is True
    assert question in asked.getvalue()


@pytest.mark.parametrize("answer", ["n\n", "no\n", "\n", "", "perhaps\n"])
@pytest.mark.parametrize(("ask", "question"), ASKED)
def test_everything_else_stops_the_command(
    ask: Callable[[], bool], question: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sit_down(monkeypatch, Stream(answer))
    with pytest.raises(click.Abort):
        ask()
    assert question in asked.getvalue()


@pytest.mark.parametrize(
    ("stream", "instead"),
    [("stdin", None), ("stdin", PIPE), ("stderr", PIPE)],
    ids=["no stdin", "stdin is a pipe", "stderr is a pipe"],
)
def test_where_nobody_sees_the_question_nothing_is_accepted(
    stream: str, instead: Stream | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sit_down(monkeypatch, Stream("y\n"))
    monkeypatch.setattr(sys, stream, instead)
    assert accept() is False
    assert asked.getvalue() == ""


@pytest.mark.parametrize("stdin", [None, PIPE], ids=["no stdin", "stdin is a pipe"])
def test_nobody_at_a_terminal_agrees_to_nothing(
    stdin: Stream | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sit_down(monkeypatch, stdin)
    with pytest.raises(UsageError) as caught:
        agree()
    assert caught.value.code == "RC010"
    assert "--yes" in caught.value.remedy
    assert asked.getvalue() == ""


# (whether stdout is a terminal, NO_COLOR, an option, whether there is colour)
COLOURS = [
    (True, "", (), True),
    (True, "1", (), False),
    (True, "", ("--no-color",), False),
    (False, "", (), False),
]


@pytest.mark.parametrize(("terminal", "variable", "option", "coloured"), COLOURS)
def test_only_at_a_terminal_and_where_nobody_forbids_it_there_is_colour(
    terminal: bool,
    variable: str,
    option: tuple[str, ...],
    coloured: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sit_down(monkeypatch, None)
    printed = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setenv("NO_COLOR", variable)
    (tmp_path / "plan.json").write_text(plan_json(PLAN))
    assert main([*option, "show", str(tmp_path / "plan.json")]) == 0
    assert ("\x1b[" in printed.getvalue()) is coloured
    assert Settings(no_color=bool(option)).colour is coloured


def test_there_is_no_colour_where_there_is_no_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch, None)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setenv("NO_COLOR", "")
    assert Settings().colour is False


@pytest.mark.parametrize(
    ("settings", "laid_out"),
    [
        (Settings(), True),
        (Settings(quiet=True), False),
        (Settings(format="json"), False),
    ],
)
def test_a_plan_is_laid_out_only_where_it_is_shown(
    settings: Settings, laid_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten thousand clients that takes a second."""
    asked = sit_down(monkeypatch, Stream())
    made: list[str] = []

    def lay_out(*_: object, **__: object) -> str:
        made.append("the plan")
        return made[-1]

    monkeypatch.setattr("reconciler.report.plan.text.plan_text", lay_out)
    Terminal(settings).show(PLAN)
    assert bool(made) is laid_out
    assert ("the plan" in asked.getvalue()) is laid_out
