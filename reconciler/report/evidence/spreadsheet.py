"""A sheet as CSV (RFC 4180, UTF-8), in which no cell is a formula."""

from __future__ import annotations

import csv
import io

from reconciler.report.evidence.pack import Sheet
from reconciler.report.text.escape import terminal

# What a spreadsheet takes for the beginning of a formula; also the wide forms of these signs.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def sheet_csv(sheet: Sheet) -> str:
    """The head and the rows. Control and invisible characters are shown as their escapes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in (sheet.head, *sheet.rows):
        writer.writerow([cell_text(cell) for cell in row])
    return out.getvalue()


def cell_text(text: str) -> str:
    """``text`` as a cell that is shown and never computed: what would begin a formula gets an
    apostrophe before it.

    >>> cell_text("=1+1"), cell_text("2026-03-03")
    ("'=1+1", '2026-03-03')
    """
    shown = terminal(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
