"""Measures the rows that are asked for and prints one table: ``python -m benchmarks``.

``make bench`` calls it; ``benchmarks/README.md`` says what the rows and columns are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring.choosing import choose_rows
from benchmarks.measuring.figures import Result, State
from benchmarks.measuring.layout import lay_out, to_document
from benchmarks.measuring.machine import find_origin
from benchmarks.measuring.programs import BenchmarkError
from benchmarks.measuring.record import append_table
from benchmarks.measuring.turns import tell
from benchmarks.rows.row import Bench, NotBuiltError, Row
from benchmarks.rows.table import ROWS

RESULTS = Path(__file__).with_name("RESULTS.md")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure, and print one table."
    )
    parser.add_argument("--clients", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each row (default: 5)")
    parser.add_argument("--rows", default="", help="names, or their first words; default: all")
    parser.add_argument("--growth", action="store_true", help="with the rows of ten times as many")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--record", action="store_true", help=f"append it to {RESULTS.name}")
    return parser.parse_args(arguments)


def choose(rows: Sequence[Row], wanted: str, *, growth: bool) -> list[Row]:
    """Raises ``ValueError`` for a word that is no row."""
    if wanted:
        names = choose_rows([row.name for row in rows], wanted.split())
        return [row for row in rows if row.name in names]
    return [row for row in rows if not row.apart or (growth and row.name.startswith("growth-"))]


def measure(row: Row, bench: Bench) -> Result:
    """Never raises for a row that fails: the others are measured, too, and the table says so."""
    tell(f"{row.name}: {row.what}")
    about = Result(row.name, row.what, row.against, row.by, row.goal, bench.clients)
    try:
        turns = row.measure(bench)
    except NotBuiltError as error:
        return replace(about, why=str(error))
    except BenchmarkError as error:
        tell(f"{row.name} failed: {error}")
        return replace(about, unmeasured=State.FAILED, why=str(error).partition("\n")[0])
    return replace(about, ours=turns.ours, baseline=turns.baseline)


def main() -> int:
    """1 when a row failed, 64 for a row that does not exist, 130 when it was stopped.

    A goal that is missed is a figure, no failure.
    """
    options = parse()
    try:
        rows = choose(ROWS, options.rows, growth=options.growth)
    except ValueError as error:
        tell(str(error))
        return 64
    try:
        with Bench(options.clients, options.rounds) as bench:
            results = [measure(row, bench) for row in rows]
    except KeyboardInterrupt:
        tell("stopped; the servers are gone, and there is no table")
        return 130
    origin = find_origin()
    render = to_document if options.format == "json" else lay_out
    print(render(results, origin, options.clients, options.rounds), end="")
    if options.record:
        table = lay_out(results, origin, options.clients, options.rounds)
        append_table(RESULTS, table, origin, options.clients)
    return int(any(one.state is State.FAILED for one in results))


if __name__ == "__main__":
    sys.exit(main())
