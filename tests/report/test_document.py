"""A document is laid out as Python lays it out, however large it is and however its lists come."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.values.canonical import escape_json
from reconciler.report.text import document as documents
from reconciler.report.text.document import FEW, document

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.sampled_from(
    ["##vso", "\x7f", "\u202e", '"', "\\"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


def plainly(kind: str, content: Any) -> str:
    whole = {"format_version": 1, "kind": kind, **content}
    return escape_json(json.dumps(whole, indent=2)) + "\n"


@pytest.mark.parametrize("few", [FEW, 1], ids=["few items", "many items"])
def test_every_document_has_one_layout(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "FEW", few)

    @given(st.dictionaries(TEXT, VALUES, max_size=4), st.lists(VALUES, max_size=4))
    def law(content: dict[str, Any], items: list[Any]) -> None:
        assert document("test", content) == plainly("test", content)
        streamed, listed = {**content, "items": iter(items)}, {**content, "items": items}
        assert document("test", streamed) == plainly("test", listed)

    law()


def test_a_large_document_is_made_in_little_more_than_twice_its_own_memory() -> None:
    """Twenty times before."""

    def items(count: int) -> Any:
        return (
            {"name": f"client-{one}", "versions": [one, {"state": "active"}]}
            for one in range(count)
        )

    document("test", {"items": items(9)})
    tracemalloc.start()
    try:
        text = document("test", {"items": items(9_000)})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(text), f"{peak / len(text):.1f}"
