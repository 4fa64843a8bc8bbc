"""JSON documents for other programs and for the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from reconciler.domain.values.canonical import Json, escape_json

DOCUMENT_VERSION = 1
# Python lays JSON out slowly. For so few items of a list that takes less time than an import.
FEW = 200
_ON_ONE_LINE = json.JSONEncoder(ensure_ascii=True, allow_nan=False)
# So many pieces of a list are put together at once: two for each item.
_PIECES = 200


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
    text, before = "", "{\n  "
    for name, value in {"format_version": DOCUMENT_VERSION, "kind": kind, **content}.items():
        text += f"{before}{_write(name, '')}: "
        pieces = _write_list(value) if isinstance(value, Iterator) else iter([_write(value, "  ")])
        # In parts: all pieces and the text that is made of them are never there at once, for Python
        # lengthens a text in place.
        while part := "".join(islice(pieces, _PIECES)):
            text += part
        before = ",\n  "
    text += "\n}\n"
    return text


def _write_list(items: Iterator[Json]) -> Iterator[str]:
    before = "[\n    "
    for number, item in enumerate(items):
        yield before
        yield _write(item, "    ", many=number >= FEW)
        before = ",\n    "
    yield "[]" if before.startswith("[") else "\n  ]"


def _write(value: Json, indent: str, *, many: bool = False) -> str:
    """``value`` laid out, each line but the first after ``indent``: JSON has no other new lines."""
    if many:
        from msgspec.json import format as lay_out  # noqa: PLC0415 - see FEW

        text = lay_out(_ON_ONE_LINE.encode(value), indent=2)
    else:
        text = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)
    return escape_json(text.replace("\n", f"\n{indent}"))
