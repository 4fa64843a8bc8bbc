"""What is left of a document when its text is taken away: two documents of one structure differ in
words alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

# A place where a line may break: there are as many as a text has slashes.
_IGNORED = frozenset({"wbr"})


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.words: list[str] = []
        self._quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _IGNORED:
            self.found.append(f"<{tag} {' '.join(name for name, _ in attrs)}>")
        self._quiet += tag in {"code", "pre"}

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"</{tag}>")
        self._quiet -= tag in {"code", "pre"}

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append("<!---->")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.found.append("<![]>")

    def handle_pi(self, data: str) -> None:
        self.found.append("<?>")


def of_html(page: str) -> list[str]:
    """Elements with the names of their attributes, in order."""
    outline = _Outline()
    outline.feed(page)
    outline.close()
    return outline.found


def words_of_html(page: str) -> str:
    """The text outside of code, where forges look for mentions and references."""
    outline = _Outline()
    outline.feed(page)
    outline.close()
    return "\n".join(outline.words)


def html_of_markdown(text: str) -> str:
    """As a forge shows it, as far as CommonMark with tables and strikethrough goes."""
    return str(MarkdownIt("commonmark").enable("table").enable("strikethrough").render(text))


def of_json(value: Any) -> Any:
    """Names and types; every text is one text."""
    if isinstance(value, dict):
        return {name: of_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [of_json(inner) for inner in value]
    return type(value).__name__


def of_xml(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements with the names of their attributes, in order. Raises ``ParseError``."""
    return [(element.tag, tuple(element.attrib)) for element in ET.fromstring(text).iter()]
