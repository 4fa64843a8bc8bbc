"""Findings in four forms, compared with golden files."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import NOWHERE, Address, Finding, Level, Source
from reconciler.report.findings import (
    finding_documents,
    findings_github,
    findings_json,
    findings_sarif,
    findings_text,
)

FINDINGS = [
    Finding(
        "RC134", Level.ERROR, "the scope `payout:write` does not exist", Address.read("client/payouts"),
        "did you mean `payouts:write`? If not, correct the scope or add it to scopes.yaml",
        Source("clients/payouts.yaml", 8, 12), "  scopes: [payout:write]",
    ),
    Finding(
        "RC156", Level.WARNING, "the URL is http: deliveries are not encrypted", Address.read("client/bücher"),
        "use https",
        Source("clients/b,ü:1%.yaml", 120, 14), "\t日本: a\u0301 \x1b[31m http://a.example/",
    ),
    Finding("RC139", Level.NOTE, "there is no ScopeCatalog: scopes are not checked", NOWHERE, "add scopes.yaml"),
    Finding(
        "RC127", Level.ERROR, "a line\n::error::and \x1b[2J \u202e more 100%", NOWHERE, "",
        Source("clients/long.yaml", 3, 181), "x: " + "a" * 177 + "!" + "b" * 80,
    ),
    Finding("RC106", Level.ERROR, "a quote is not closed", NOWHERE, "close it", Source("policy.yaml", 9, 40), "short"),
    Finding("RC104", Level.ERROR, "the byte 0xE9 is not UTF-8", NOWHERE, "save it as UTF-8", Source("a b.yaml", 1, 1)),
]  # fmt: skip
Golden = Callable[[str, str], None]


def test_text(golden: Golden) -> None:
    golden("findings.txt", findings_text(FINDINGS))


def test_colour(golden: Golden) -> None:
    golden("findings-colour.ansi", findings_text(FINDINGS[:2], colour=True))


def test_json(golden: Golden) -> None:
    text = findings_json(FINDINGS)
    golden("findings.json", text)
    document = json.loads(text)
    assert (document["kind"], document["valid"]) == ("validation", False)
    assert document["summary"] == {"errors": 4, "warnings": 1, "notes": 1}
    assert document["findings"] == finding_documents(FINDINGS)


def test_github(golden: Golden) -> None:
    text = findings_github(FINDINGS, folder="integrations")
    golden("findings.github", text)
    assert len(text.splitlines()) == len(FINDINGS)


def test_sarif(golden: Golden) -> None:
    text = findings_sarif(FINDINGS)
    golden("findings.sarif", text)
    (run,) = json.loads(text)["runs"]
    assert [result["level"] for result in run["results"]] == [
        "error",
        "warning",
        "note",
        "error",
        "error",
        "error",
    ]


def test_nothing_found() -> None:
    assert findings_text([]) == "no findings\n"
    assert json.loads(findings_json([]))["valid"] is True
    assert findings_github([]) == ""


def test_warnings_alone_are_valid() -> None:
    assert json.loads(findings_json(FINDINGS[1:3]))["valid"] is True


def test_the_caret_stands_below_the_column() -> None:
    """A tab is shown as two characters, a wide character takes two cells, a combining mark none."""
    excerpt = "\t日a\u0301!"
    finding = Finding("RC127", Level.ERROR, "x", source=Source("f", 1, 5), excerpt=excerpt)
    _, line, caret, *_ = findings_text([finding]).splitlines()
    assert line == "    1 | \\t日a\u0301!"
    assert caret == "      | " + " " * (2 + 2 + 1) + "^"


@given(st.text(max_size=150), st.integers(1, 200), st.text(max_size=30))
def test_no_text_escapes(excerpt: str, column: int, message: str) -> None:
    """Whatever a file holds, nothing but printable lines reach the terminal; and it never fails."""
    finding = Finding(
        "RC127",
        Level.ERROR,
        message,
        Address.read(message),
        message,
        Source(message, 1, column),
        excerpt,
    )
    shown = findings_text([finding])
    assert len(shown.splitlines()) == (7 if message else 6)
    assert "\x1b" not in shown
    assert len(findings_github([finding]).splitlines()) == 1
    assert findings_json([finding]).isascii()
    json.loads(findings_sarif([finding]))
