"""Lines for a terminal: columns, wrapped sentences, counts, distances in time."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from reconciler.report.text.escape import terminal, terminal_width

DEFAULT_WIDTH = 100
NARROWEST = 40


def wrap_lines(
    text: str,
    width: int,
    indent: str = "",
    following: str | None = None,
) -> list[str]:
    """``text``, neutralised, as lines no wider than ``width``; a longer word (an address, a digest)
    is not cut."""
    shown, width = terminal(text), max(width, NARROWEST)
    if len(indent) + len(shown) <= width and shown == shown.rstrip() != "":
        return [indent + shown]  # as textwrap would in many steps
    return textwrap.wrap(
        shown,
        width=width,
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(
    rows: Sequence[Sequence[str]],
    paint_cell: Callable[[int, int, str], str] = lambda row, column, text: text,
) -> list[str]:
    """``rows`` of cells, neutralised and aligned, two blanks apart. ``paint_cell(row, column, cell)``
    may add colour to a cell after its width was taken."""
    taken = [tuple(map(terminal_width, row)) for row in rows]
    widths = [max(column) for column in zip(*taken, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            paint_cell(number, column, terminal(cell))
            + " " * (widths[column] - taken[number][column])
            for column, cell in enumerate(row)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def shorten_paths(paths: Sequence[str], most: int = 5) -> str:
    """The first of many paths, and how many more there are."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more


def count_words(number: int, one: str, many: str | None = None) -> str:
    """``1 client``, ``3 clients``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def list_words(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def time_distance(instant: datetime, now: datetime) -> str:
    """``in 12 d``, ``3 h ago``, rounded to the nearest; ``now`` within a second."""
    seconds = int(abs(instant - now) / timedelta(seconds=1))
    if seconds == 0:
        return "now"
    size, unit = next(
        (size, unit)
        for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
        if seconds >= size
    )
    text = f"{(seconds + size // 2) // size} {unit}"
    return f"in {text}" if instant > now else f"{text} ago"
