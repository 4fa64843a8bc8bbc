"""How much was tried: tests count their cases, the end of the run prints the sums, also with
several workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

Tally = Callable[[str, int], None]
MARK = "tally: "


def counting(record_property: Callable[[str, object], None]) -> Tally:
    """What a test calls with a kind of case and how many of them it tried."""
    return lambda what, count: record_property(f"{MARK}{what}", count)


def sums(reports: Iterable[pytest.TestReport]) -> dict[str, int]:
    found: dict[str, int] = {}
    for report in reports:
        if report.when == "call":
            for name, count in report.user_properties:
                if name.startswith(MARK):
                    what = name.removeprefix(MARK)
                    found[what] = found.get(what, 0) + int(str(count))
    return found


def print_sums(terminal: pytest.TerminalReporter) -> None:
    """The table at the end of a run.

    A failed test is a case in which something was lost, or may have been.
    """
    stats = terminal.stats
    found = sums([*stats.get("passed", ()), *stats.get("failed", ())])
    if not found:
        return
    terminal.section("tried")
    for what, count in sorted(found.items()):
        terminal.write_line(f"{count:>9,}  {what}")
    failed = len(stats.get("failed", ())) + len(stats.get("error", ()))
    terminal.write_line(f"{failed} tests failed: see above" if failed else "nothing lost")
