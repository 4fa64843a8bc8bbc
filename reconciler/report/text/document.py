"""JSON documents for other programs and for the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reconciler.domain.values.canonical import Json, escape_json

DOCUMENT_VERSION = 1
# In characters, without a layout. Python lays a document out itself item by item, which takes ten
# times the document's memory; for a smaller one that takes less time than an import.
LARGE_TEXT = 256 * 1024


def document(kind: str, content: Json) -> str:
    """One indented document, ``format_version`` and ``kind`` first, ASCII only: what looks like
    another character to a reader (bidirectional overrides, look-alikes) is shown as its escape.

    A field that is an iterator is a list, of which one item is there at a time.

    >>> print(document("status", {"clients": iter(["payouts"])}), end="")
    {
      "format_version": 1,
      "kind": "status",
      "clients": [
        "payouts"
      ]
    }
    """
    whole = {"format_version": DOCUMENT_VERSION, "kind": kind, **content}
    fields = (f"{_write(name)}:{_write_field(value)}" for name, value in whole.items())
    return escape_json(_lay_out(f"{{{','.join(fields)}}}")) + "\n"


def _write_field(value: Json) -> str:
    if isinstance(value, Iterator):
        return f"[{','.join(map(_write, value))}]"
    return _write(value)


def _write(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _lay_out(text: str) -> str:
    if len(text) < LARGE_TEXT:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=True)
    from msgspec.json import format as lay_out  # noqa: PLC0415 - see LARGE_TEXT

    return lay_out(text, indent=2)
