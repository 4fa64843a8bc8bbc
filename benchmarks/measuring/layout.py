"""The table as text and as JSON: pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.measuring.figures import By, Result, Sample, median
from benchmarks.measuring.machine import Origin

_FORMAT_VERSION = 1
_HEADS = (
    "row",
    "ours s",
    "baseline s",
    "ratio",
    "ours CPU s",
    "baseline CPU s",
    "CPU ratio",
    "peak MB",
    "goal",
    "",
)
_LEFT = {0, 8, 9}  # columns of words


def lay_out(
    results: Sequence[Result],
    origin: Origin,
    clients: int,
    rounds: int,
) -> str:
    """The table for people: a head with where it was made, a line a row, then what the rows are."""
    commit = f"{origin.commit or 'unknown'}{' with changes' if origin.dirty else ''}"
    machine = f"{origin.cores} x {origin.processor}, {origin.system}"
    lines = [
        f"reconciler {origin.version}, commit {commit}, {origin.date}",
        f"{machine}, Python {origin.python}, {origin.server}",
        f"clients: {clients:,}; rounds: {rounds}; seconds are medians",
        "",
        *_columns([_HEADS, *(_cells(one) for one in results)]),
        "",
        *_legend(results),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cells(result: Result) -> tuple[str, ...]:
    if not result.ours:
        return (result.name, *["-"] * 7, result.goal.name(result.by), result.state.value)
    ratios = [_ratio(result, By.WALL), _ratio(result, By.CPU)]
    return (
        result.name,
        _seconds(result.ours, By.WALL),
        _seconds(result.baseline, By.WALL),
        ratios[0],
        _seconds(result.ours, By.CPU),
        _seconds(result.baseline, By.CPU),
        ratios[1],
        f"{result.peak:.0f}",
        result.goal.name(result.by),
        result.state.value if result.goal else "",
    )


def _seconds(samples: Sequence[Sample], by: By) -> str:
    return f"{median(samples, by):.3f}" if samples else "-"


def _ratio(result: Result, by: By) -> str:
    if not result.baseline:
        return "-"
    return f"{median(result.ours, by) / median(result.baseline, by):.2f}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return [
        "  ".join(
            cell.ljust(width) if column in _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _legend(results: Sequence[Result]) -> list[str]:
    """What each row measures against what; and why one has no figures."""
    lines = []
    for one in results:
        lines.append(f"{one.name}: {one.what}; baseline: {one.against}")
        if one.why:
            lines.append(f"  {one.state.value}: {one.why}")
    return lines


def to_document(
    results: Sequence[Result],
    origin: Origin,
    clients: int,
    rounds: int,
) -> str:
    """The same for programs; ``benchmarks/README.md`` has its fields."""
    document = {
        "format_version": _FORMAT_VERSION,
        "kind": "benchmark",
        "origin": origin.to_json(),
        "clients": clients,
        "rounds": rounds,
        "rows": [_row(one) for one in results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _row(result: Result) -> dict[str, Any]:
    measured = bool(result.ours)
    goal = result.goal
    return {
        "name": result.name,
        "what": result.what,
        "baseline": result.against,
        "by": result.by.value,
        "goal": {"ratio": goal.ratio, "seconds": goal.seconds, "peak": goal.peak},
        "state": result.state.value,
        "why": result.why,
        "ratio": result.ratio,
        "seconds": result.median_of_ours if measured else None,
        "peak": result.peak if measured else None,
        "samples": {"ours": _samples(result.ours), "baseline": _samples(result.baseline)},
    }


def _samples(samples: Sequence[Sample]) -> list[dict[str, float]]:
    return [{"wall": one.wall, "cpu": one.cpu, "peak": one.peak} for one in samples]
