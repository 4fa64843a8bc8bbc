"""The page of the benchmarks is true: its commands are those of the Makefile, its rows and goals
those of the table. And CI runs every row, so that none can stop working unseen."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import choose, parse
from benchmarks.measuring.figures import By, State
from benchmarks.rows.table import ROWS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^make [^#\n]+", PAGE, re.MULTILINE)
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")


def recipe(command: str) -> list[list[str]]:
    """The command lines that make would run, without running them."""
    said = subprocess.run(
        [*shlex.split(command), "--dry-run", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    joined = said.stdout.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if "-m benchmarks" in line]


@pytest.mark.parametrize("command", COMMANDS, ids=str.strip)
def test_a_command_of_the_page_measures_something(command: str) -> None:
    arguments = recipe(command)[0][3:]
    options = parse(arguments)
    assert choose(ROWS, options.rows, growth=options.growth)


def test_the_rows_of_the_page_are_those_of_the_table() -> None:
    section = PAGE.partition("## Rows")[2].partition("\n## ")[0]
    goals: dict[str, str] = {}
    for names, goal in re.findall(r"^\| (`.+?) \|.*\| ([^|]*) ?\|$", section, re.MULTILINE):
        goals |= dict.fromkeys(re.findall(r"`([a-z-]+)`", names), goal.strip())
    table = {}
    for row in ROWS:
        first = row.goal.ratio or row.goal.seconds
        unit = " s of CPU" if row.goal.seconds and row.by is By.CPU else ""
        peak = f", {row.goal.peak:,} MB" if row.goal.peak else ""
        table[row.name] = f"≤ {first}{unit}{peak}" if first else ""
    assert goals == table
    assert all(f"`{state}`" in PAGE for state in State)


def test_ci_runs_every_row_small() -> None:
    command = re.search(r"^make bench .*CLIENTS=20\b.*$", CI, re.MULTILINE)
    assert command
    options = parse(recipe(command[0])[0][3:])
    assert (options.clients, options.rounds) == (20, 1)
    assert choose(ROWS, options.rows, growth=options.growth) == list(ROWS)


def test_stdout_is_the_document_and_nothing_else() -> None:
    command = [sys.executable, "-m", "benchmarks", "--rows", "help", "--rounds", "1"]
    ran = subprocess.run(
        [*command, "--format", "json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    document = json.loads(ran.stdout)
    assert [row["name"] for row in document["rows"]] == ["help"]
    fields = re.sub(r"\s", "", PAGE.partition("## JSON")[2])
    for place in (document, document["origin"], document["rows"][0]):
        assert all(re.search(rf"\b{name}\b", fields) for name in place), place.keys()


def test_a_row_that_does_not_exist_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "benchmarks", "--rows", "help plans"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 64
    assert "there is no row 'plans'" in ran.stderr
