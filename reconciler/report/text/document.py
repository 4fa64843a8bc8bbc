"""JSON documents for other programs and for the ledger."""

from __future__ import annotations

import json

from reconciler.domain.values.canonical import Json, escape_json

DOCUMENT_VERSION = 1


def document(kind: str, content: Json) -> str:
    """One indented document, ``format_version`` and ``kind`` first, ASCII only: what looks like
    another character to a reader (bidirectional overrides, look-alikes) is shown as its escape."""
    whole = {"format_version": DOCUMENT_VERSION, "kind": kind, **content}
    return escape_json(json.dumps(whole, indent=2, ensure_ascii=True, allow_nan=False)) + "\n"
