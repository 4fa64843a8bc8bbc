"""The pack of an auditor as one page that needs nothing else, for a screen or paper.

``report/page/`` holds its styles and its script.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler import __version__
from reconciler.domain.values.canonical import iso
from reconciler.report.evidence.pack import Pack, Sheet
from reconciler.report.evidence.words import list_missing
from reconciler.report.text.html import (
    Html,
    code,
    element,
    html_document,
    read_page_file,
    tag,
    text,
)
from reconciler.report.text.layout import count_words

# Columns whose cells are names and values, shown as code.
_CODE = frozenset({"Commit", "Address", "Credential", "Id", "SHA-256", "URL", "Delivery", "Report"})
# Columns of instants, which stay on one line.
_TIMES = frozenset(
    {
        *("Closed", "At", "Issued", "Active from", "Retiring from", "Grace until", "Expires"),
        *("Revoked", "Destroyed", "Former valid until", "Verified", "Last delivery"),
        *("Failing since", "Secret expires", "Last change", "Void from"),
    }
)
# What is shown of long digests; the CSV has them whole.
_DIGITS = {"Commit": 12, "SHA-256": 16}


def pack_html(pack: Pack, sheets: Sequence[Sheet]) -> str:
    """One page of ASCII, a section a sheet; each is at ``#<its name>``."""
    skip = element("a", {"class": "skip", "href": "#main"}, text("Skip to the content"))
    main = element("main", {"id": "main"}, _navigation(sheets), _tools(), *map(_section, sheets))
    body = Html("\n".join([skip, _header(pack, sheets), main, _footer(pack)]))
    return html_document(
        f"Evidence of {pack.environment}",
        f"reconciler {__version__}",
        body,
        read_page_file("plan.css") + read_page_file("pack.css"),
        read_page_file("pack.js"),
    )


def _header(pack: Pack, sheets: Sequence[Sheet]) -> Html:
    counts = {sheet.name: len(sheet.rows) for sheet in sheets}
    said = (
        f"{count_words(pack.size, 'entry', 'entries')} in the log,"
        f" {count_words(counts['changes'], 'change')} in the period,"
        f" {count_words(counts['revocations'], 'revocation')},"
        f" {count_words(counts['exceptions'], 'exception')}"
    )
    warned = [*list_missing(pack.runs), *([pack.declared.problem] if pack.declared.problem else [])]
    return tag(
        "header",
        tag("p", text(f"{pack.project}, {pack.period.text}"), kind="from"),
        tag("h1", text(f"Evidence of {pack.environment}")),
        tag(
            "div",
            tag("p", text(said), kind="said"),
            tag(
                "p",
                text(
                    "This page is a summary for reading. What proves it is the log beside it:"
                    " README.md says how to verify that without reconciler."
                ),
                kind="counts",
            ),
            *(tag("p", text(sentence), kind="counts") for sentence in warned),
            kind="verdict medium" if warned else "verdict",
        ),
    )


def _navigation(sheets: Sequence[Sheet]) -> Html:
    links = [
        tag(
            "li",
            element("a", {"href": f"#{sheet.name}"}, text(f"{sheet.title} ({len(sheet.rows)})")),
        )
        for sheet in sheets
    ]
    return Html(f"\n{element('nav', {'aria-label': 'Sheets'}, tag('ul', *links))}")


def _tools() -> Html:
    """Hidden until the script makes them work."""
    label = element("label", {"for": "filter", "class": "unseen"}, text("Filter the rows"))
    field = Html(
        '<input id="filter" type="search" placeholder="Filter: payouts rotate" autocomplete="off">'
    )
    shown = element("output", {"for": "filter"})
    return Html(f"\n{element('div', {'class': 'tools', 'hidden': ''}, label, field, shown)}")


def _section(sheet: Sheet) -> Html:
    heading = element("h2", {"id": sheet.name}, text(sheet.title))
    about = tag("p", text(f"{sheet.about} "), code(f"{sheet.name}.csv"), kind="about")
    content = _table(sheet) if sheet.rows else tag("p", text("None."), kind="card none")
    return Html(f"\n{element('section', {'aria-labelledby': sheet.name}, heading, about, content)}")


def _table(sheet: Sheet) -> Html:
    heads = [element("th", {"scope": "col"}, text(title)) for title in sheet.head]
    rows = [Html(f"\n{_row(sheet.head, row)}") for row in sheet.rows]
    caption = element("caption", {"class": "unseen"}, text(sheet.title))
    table = tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows), kind="rows")
    region = {
        "class": "scroll",
        "role": "region",
        "aria-label": f"Table of {sheet.title}",
        "tabindex": "0",
    }
    return element("div", region, table)


def _row(head: Sequence[str], row: Sequence[str]) -> Html:
    shown = [cell[: _DIGITS.get(title)] for title, cell in zip(head, row, strict=True)]
    cells = [
        tag(
            "td",
            code(cell) if title in _CODE and cell else text(cell),
            kind="time" if title in _TIMES else "",
        )
        for title, cell in zip(head[1:], shown[1:], strict=True)
    ]
    return tag("tr", element("th", {"scope": "row"}, text(shown[0])), *cells)


def _footer(pack: Pack) -> Html:
    facts = [
        ("Log", pack.origin),
        ("Entries", str(pack.size)),
        ("Root", pack.root),
        ("Last entry", iso(pack.closed)),
        ("First key", pack.verifier),
        ("Period", pack.period.text),
        ("By", f"reconciler {__version__}"),
    ]
    found = [tag("div", tag("dt", text(name)), tag("dd", code(value))) for name, value in facts]
    return Html(f"\n{tag('footer', tag('dl', *found, kind='facts'))}")
