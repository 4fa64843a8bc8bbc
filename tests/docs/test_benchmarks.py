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
    commands = re.findall(r"^make bench\S* .*$", CI, re.MULTILINE)
    ran: list[str] = []
    for command in commands:
        options = parse(recipe(command)[-1][3:])
        assert (options.clients, options.rounds) == (20, 1)
        ran += (row.name for row in choose(ROWS, options.rows, growth=options.growth))
    assert ran == [row.name for row in ROWS]


def test_the_peers_are_locked_by_hash_in_the_versions_that_we_have() -> None:
    pinned, ours = (
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("benchmarks/peers/requirements.txt", "requirements-dev.txt")
    )
    wanted = (ROOT / "benchmarks/peers/requirements.in").read_text().split()
    assert {re.split("[>=]", one)[0] for one in wanted} <= pinned.keys()
    both = pinned.keys() & ours.keys()
    assert {name: pinned[name] for name in both} == {name: ours[name] for name in both}
    text = (ROOT / "benchmarks/peers/requirements.txt").read_text()
    assert "://" not in text
    assert text.count("==") == len(re.findall(r"==\S+(?: ;[^\\]*)? \\\n +--hash=sha256:", text))


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
