"""Where libyaml reads on although YAML 1.2 does not allow it, or reads otherwise: such a text is
refused.

What one program reads as a field and another as a text is a hole in every review. Most texts hold
nothing that could be read in two ways; only the others are looked at event by event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.declare.findings.collector import Collector

# Beside a tab: a `#` without a space, a `?` that begins a word, a `-` that ends before a bracket.
# Each is searched for where its character is, which most texts do not have.
_DOUBTFUL = {
    "#": re.compile(r"\S#"),
    "?": re.compile(r"(?:^|[\s\[{,])\?", re.MULTILINE),
    "-": re.compile(r"-\s*[,\]}]"),
}
_SHOWN = 20  # places of one file
_COMMENT = re.compile(r"#[^\n]*")
_HEADER = re.compile(r"[|>][+-]?([1-9])?[+-]?(?: +#[^\n]*| *)\r?(?:\n|\Z)")
_ESCAPED_BREAK = re.compile(r"\\\r?\n[ \t]*\r?\n")
_REST_EMPTY = re.compile(r"[ \t\r]*\n")
_EMPTY_LINES = re.compile(r"[ \r\n]*")
_BLANK = re.compile(r"[ \r]*\Z")


class Doubt(NamedTuple):
    """Where in the text (an offset), what is wrong, and what to write instead."""

    offset: int
    message: str
    remedy: str


class _Level(NamedTuple):
    """A collection that is open. ``indent`` is the column of the block that it is, or stands in;
    -1: none.

    ``key`` says whether a field name comes next; None in a list.
    """

    indent: int
    flow: bool
    key: bool | None
    start: Any


def is_doubtful(text: str) -> bool:
    """Whether ``text`` may hold what is read in two ways, as far as its characters tell.

    Texts and flow collections of several lines are doubtful, too; whoever reads them knows.
    """
    return "\t" in text or any(
        character in text and pattern.search(text) is not None
        for character, pattern in _DOUBTFUL.items()
    )


def report_doubts(
    text: str,
    file: str,
    found: Collector,
) -> bool:
    """Report RC129 for each place that YAML 1.2 reads otherwise, and whether there is one."""
    seen = False
    try:
        for doubt in islice(_Reader(text).doubts(), _SHOWN):
            line = text.count("\n", 0, doubt.offset) + 1
            mark = file, line, doubt.offset - text.rfind("\n", 0, doubt.offset)
            found.add("RC129", mark, doubt.message, remedy=doubt.remedy)
            seen = True
    except YAMLError:
        pass  # reported by whoever reads the text
    return seen


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._levels: list[_Level] = []
        self._before = 0  # where the last event ended

    def doubts(self) -> Iterator[Doubt]:
        parser: Any = CParser(self._text)
        while (event := parser.get_event()) is not None:
            kind = type(event)
            start, end = event.start_mark.index, event.end_mark.index
            yield from self._between(start)
            self._before = max(self._before, end)
            if kind is DocumentStartEvent:
                self._levels = []
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if event.flow_style and self._text[start : start + 1] == "?":
                    yield Doubt(start, *_QUESTION)
                yield from self._check_place(event)
                self._open(event, key=True if kind is MappingStartEvent else None)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                yield from self._close(event)
            elif kind is ScalarEvent:
                if start != end:
                    yield from self._check_place(event)
                    yield from self._scalar(event)
                self._turn()
        yield from self._between(len(self._text))

    def _between(self, start: int) -> Iterator[Doubt]:
        """What stands between two events: separators, brackets, indicators and comments."""
        gap = self._text[self._before : start]
        flow = bool(self._levels) and self._levels[-1].flow
        for match in _COMMENT.finditer(gap):
            at = self._before + match.start()
            # Right after a value in brackets not even the beginning of a line is apart.
            value = flow and not gap[: match.start()].strip()
            if at > 0 and self._text[at - 1] not in (" \t" if value else " \t\n"):
                yield Doubt(
                    at, "a comment needs a space before its `#`", "put a space before the `#`"
                )
        bare = _COMMENT.sub(lambda match: " " * len(match[0]), gap)
        at = bare.find("?")
        if at >= 0 and (flow or _REST_EMPTY.match(bare, at + 1)):
            yield Doubt(self._before + at, *_QUESTION)

    def _open(
        self,
        event: Any,
        *,
        key: bool | None,
    ) -> None:
        indent = self._indent() if event.flow_style else event.start_mark.column
        self._levels.append(_Level(indent, bool(event.flow_style), key, event.start_mark))

    def _indent(self) -> int:
        return self._levels[-1].indent if self._levels else -1

    def _turn(self) -> None:
        """A field name or a value is complete."""
        if self._levels and self._levels[-1].key is not None:
            self._levels[-1] = self._levels[-1]._replace(key=not self._levels[-1].key)

    def _check_place(self, event: Any) -> Iterator[Doubt]:
        """A value stands to the right of the block that it is in, unless it is a block itself."""
        level = self._levels[-1] if self._levels else None
        block = type(event) is not ScalarEvent and not event.flow_style
        if level is None or level.flow or level.key or block:
            return
        if event.start_mark.column <= level.indent:
            yield Doubt(event.start_mark.index, *_INDENT)

    def _close(self, event: Any) -> Iterator[Doubt]:
        level = self._levels.pop()
        outermost = level.flow and not (self._levels and self._levels[-1].flow)
        if outermost:
            start, end = level.start.index, event.end_mark.index
            yield from self._lines(start, end, level.indent + 1, last=level.indent)
        self._turn()

    def _lines(
        self,
        start: int,
        end: int,
        indent: int,
        *,
        last: int,
    ) -> Iterator[Doubt]:
        """Each further line from ``start`` to ``end`` begins with ``indent`` spaces; ``last`` do
        before a bracket that is the end."""
        at = self._text.find("\n", start, end) + 1
        while at > 0:
            following = self._text.find("\n", at, end) + 1
            line = self._text[at : following - 1 if following else end]
            bare = line.lstrip(" ")
            spaces = len(line) - len(bare)
            needed = last if not following and len(bare) == 1 else indent
            comment = last < indent and bare.startswith("#")
            if spaces < needed and not _BLANK.match(line) and not comment:
                yield Doubt(at + spaces, *_INDENT)
                return
            at = following

    def _scalar(self, event: Any) -> Iterator[Doubt]:
        start, end, style = event.start_mark.index, event.end_mark.index, event.style
        if style in ("|", ">"):
            yield from self._block(start, end)
        elif style in ("'", '"'):
            yield from self._lines(start, end, self._indent() + 1, last=self._indent() + 1)
            escaped = _ESCAPED_BREAK.search(self._text, start, end)
            if style == '"' and escaped:
                yield Doubt(
                    escaped.start(),
                    "an empty line follows a line that ends in a backslash",
                    "remove it",
                )
        elif event.value == "-" and self._levels and self._levels[-1].flow:
            yield Doubt(start, "a `-` alone is not a text here", "put it in quotes")

    def _block(
        self,
        start: int,
        end: int,
    ) -> Iterator[Doubt]:
        header = _HEADER.match(self._text, start)
        if header is None:
            yield Doubt(
                start,
                "`|` and `>` need a space before what follows them",
                "begin the text on the next line",
            )
            return
        body = self._text[header.end() : end]
        if not self._text.endswith("\n") and not self._text[end:].strip():
            yield Doubt(start, "the file ends within this text", "end the file with a line break")
        if not self._levels:
            yield Doubt(start, "a document cannot be a text", "write fields")
        elif header[1] is None or not body.strip():
            yield from self._first_lines(start, body)
        else:
            yield from self._last_lines(start, header.end() + len(body.rstrip()))

    def _last_lines(
        self,
        start: int,
        end: int,
    ) -> Iterator[Doubt]:
        """Lines without text after the last one with text, of a block whose indentation is a
        number."""
        empty = _EMPTY_LINES.match(self._text, end)
        if empty is not None and any(" " in line for line in empty[0].split("\n")[1:-1]):
            yield Doubt(
                start, "empty lines at the end of this text have spaces", "remove their spaces"
            )

    def _first_lines(
        self,
        start: int,
        body: str,
    ) -> Iterator[Doubt]:
        """Lines without text before the first one with text: they are not longer than its
        indentation."""
        longest = 0
        for line in body.split("\n"):
            spaces = len(line) - len(line.lstrip(" "))
            if not _BLANK.match(line):
                longest = max(0, longest - spaces)
                break
            longest = max(longest, spaces)
        if longest:
            yield Doubt(
                start,
                "empty lines at the beginning of this text are indented",
                "remove their spaces",
            )


_QUESTION = "a text cannot begin with `?` here", "put the text in quotes"
_INDENT = "this line is not indented enough", "indent it more than the field that it belongs to"
