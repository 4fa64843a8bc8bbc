"""Tables that are kept: ``benchmarks/RESULTS.md``, the newest at its end."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measuring.machine import Origin


def append_table(
    path: Path,
    table: str,
    origin: Origin,
    clients: int,
) -> None:
    """Add a section with the table under its date and commit. ``path`` exists: its head says what
    it is."""
    title = f"## {origin.date[:10]}, {origin.commit or 'no commit'}, {clients:,} clients"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{title}\n\n```text\n{table}```\n")
