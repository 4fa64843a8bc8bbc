"""What ``doctor --conformance`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.cli.output import emit

if TYPE_CHECKING:
    from reconciler.adapters.vault.conformance.trials import Trial


def show_trials(server: str, trials: Sequence[Trial], form: str) -> int:
    """Print what was found of ``server``; 1 when it differs or something was left behind."""
    from reconciler.report.text.document import document

    if form == "json":
        rows = [
            {"name": one.name, "request": one.request, "result": one.result, "note": one.note}
            for one in trials
        ]
        emit(
            document("conformance", {"server": server, "reconciler": __version__, "trials": rows}),
            form,
        )
    else:
        emit(_table(server, trials))
    return 1 if any(one.result == "differs" for one in trials) else 0


def _table(server: str, trials: Sequence[Trial]) -> str:
    """In Markdown, which reads well as it is."""
    from reconciler.report.text.escape import terminal

    head = ("trial", "result", "requests", "note")
    rows = [head, *((one.name, one.result, one.request, one.note) for one in trials)]
    cells = [[terminal(cell).replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([f"reconciler {__version__} on {server}", "", *lines])
