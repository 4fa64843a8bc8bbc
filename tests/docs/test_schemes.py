"""The pages name every scheme and every field of one's own, as the table has them.

With ``UPDATE_GOLDEN`` the lines of the tables are written anew; sentences are written by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from reconciler.domain.declared.scheme_fields import TOLERANCE, SchemeField
from reconciler.domain.declared.schemes import (
    ALGORITHMS,
    CUSTOM,
    FIELDS,
    SCHEMES,
    STANDARD_WEBHOOKS,
    Scheme,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "webhooks.md"
ROWS = list(SCHEMES.values())
_BETWEEN = {" ": "yes, by spaces", ",": "yes, by commas", "": "no"}
_KEYS = {"base64": "base64 after `whsec_`", "text": "the whole text"}


def section(title: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    return re.split(rf"^## {title}\n", text, flags=re.MULTILINE)[1].split("\n## ")[0]


def table(below: str, lines: Iterable[str]) -> None:
    """Hold the lines below the line that begins with ``below`` against ``lines``."""
    text = PAGE.read_text(encoding="utf-8")
    head = re.search(rf"^{re.escape(below)}.*\n\|[-|]+\n", text, re.MULTILINE)
    assert head is not None, below
    shown = re.match(r"(\|.*\n)*", text[head.end() :])
    assert shown is not None
    right = "".join(f"{line}\n" for line in lines)
    if os.environ.get("UPDATE_GOLDEN"):
        rest = text[head.end() + shown.end() :]
        PAGE.write_text(text[: head.end()] + right + rest, encoding="utf-8")
    else:
        assert shown[0] == right


def scheme_line(row: Scheme) -> str:
    assert row.tolerance == TOLERANCE
    tag = f"`{row.tag}` " if row.tag else ""
    stamp = f"`{row.timestamp_header}`" if row.timestamp_header else ""
    stamp = f"`{row.timestamp_tag}` in the same header" if row.timestamp_tag else stamp
    cells = (
        f"`{row.name}`" + (" (default)" if row is STANDARD_WEBHOOKS else ""),
        f"`{row.header}`",
        f"{tag}{row.encoding} HMAC-{ALGORITHMS[row.algorithm].upper()}",
        f"`{row.joiner.join(row.signed)}`",
        _KEYS[row.key_encoding],
        f"{stamp}, ±5 min" if stamp else "none",
        _BETWEEN[row.separator],
    )
    return f"| {' | '.join(cells)} |"


def test_the_table_of_schemes() -> None:
    own = (
        f"| `{CUSTOM}` | yours | as declared | as declared | as declared | as declared |"
        " where a separator is declared |"
    )
    table("| `scheme` | Header |", [*map(scheme_line, ROWS), own])


def field_line(one: SchemeField) -> str:
    default = one.form.write(one.default) if one.default is not None else None
    texts = [str(part) for part in default] if isinstance(default, list) else [str(default)]
    told = f" Default: {', '.join(f'`{text}`' for text in texts)}."
    more = told if default and "Default:" not in one.meaning else ""
    return f"| `{one.name}` | {one.meaning}{more} |"


def test_the_table_of_fields() -> None:
    table("| Field of `custom` |", map(field_line, FIELDS))


def test_the_table_of_headers_beside_the_signature() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (`.*`) \|$", section("Headers beside the signature"), re.MULTILINE
    )
    told = {name: set(re.findall(r"`([^`]+)`", headers)) for name, headers in rows}
    assert told == {
        row.name: {f"{header}: {text}" for header, text in row.beside} for row in ROWS if row.beside
    }


SENTENCES: dict[str, tuple[str, Callable[[Scheme], bool]]] = {
    "several signatures": (
        r"\*\*Several signatures\*\* \((.*?), `custom`",
        lambda row: row.several,
    ),
    "one signature": (r"\*\*One signature\*\* \((.*?), `custom`", lambda row: not row.several),
    "neither timestamp nor room": (
        r"\(`RC170`\): (.*?) have neither timestamp nor room",
        lambda row: not row.timed and not row.several,
    ),
    "the future": (r"so with (.*?) that probe is `off`", lambda row: not row.refuses_future),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_names_every_scheme_that_it_is_about(name: str) -> None:
    sentence, about = SENTENCES[name]
    found = re.findall(sentence, PAGE.read_text(encoding="utf-8"))
    assert len(found) == 1
    assert re.findall(r"`([a-z-]+)`", found[0]) == [row.name for row in ROWS if about(row)]


def test_the_headers_of_the_message_id() -> None:
    [sentence] = re.findall(r"^The message id stands in (.*?)\. ", section("Schemes"), re.MULTILINE)
    assert re.findall(r"`([a-z-]+)`", sentence) == [row.id_header for row in ROWS if row.id_header]


def test_the_page_of_fields_names_every_scheme() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    [row] = re.findall(r"^\| `spec.webhooks\[\]\.signature\.scheme` \|.*$", text, re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", row)) == {*SCHEMES, CUSTOM}
