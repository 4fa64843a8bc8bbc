"""How values, and the places of values, read in a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.domain.secrecy import beginning


def join_path(path: Iterable[str | int]) -> str:
    """``spec.webhooks[0].url``"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the document"


def value_in_words(value: object) -> str:
    """How a value reads in a sentence."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"`{beginning(text, 60)}…`" if len(text) > 60 else f"`{text}`"
