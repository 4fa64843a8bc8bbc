"""What libyaml says about text that is not YAML, in words that help."""

from __future__ import annotations

import re

from yaml import YAMLError
from yaml.error import MarkedYAMLError

from reconciler.declare.findings.collector import Collector

# What libyaml says (the beginning of it), what a person can use.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a colon is not expected here",
        "quote a text that holds `: `",
    ),
    (
        "did not find expected key",
        "the indentation does not fit, or a field is missing its colon",
        "",
    ),
    ("could not find expected ':'", "a field has no colon", "write `name: value`"),
    ("did not find expected '-' indicator", "the indentation of the list does not fit", ""),
    ("did not find expected ',' or '}'", "a `{` is not closed, or a comma is missing", ""),
    ("did not find expected ',' or ']'", "a `[` is not closed, or a comma is missing", ""),
    ("found unexpected end of stream", "a quote is not closed", "close the quote"),
    (
        "found unknown escape character",
        "an escape that does not exist",
        "double the backslash, or use single quotes",
    ),
    (
        "found unknown directive name",
        "a line cannot begin with `%`",
        "remove the directive, or put the text in quotes",
    ),
    (
        "did not find expected <document start>",
        "text after the end of the document",
        "begin a new document with `---`",
    ),
    (
        "block sequence entries are not allowed",
        "a list item is not expected here",
        "begin the list on its own line",
    ),
)
# Where a field without a space after its colon swallowed what follows it.
_SWALLOWED = ("could not find expected ':'", "mapping values are not allowed")
_NO_SPACE = re.compile(r"\s*(?:- +)*[\w.-]+:(?=[^\s:/])")
_UNCLOSED = ("did not find expected ',' or", "found unexpected end of stream")
# What git leaves where two sides changed the same lines. No YAML or JSON has it at the beginning of
# a line.
_CONFLICT = re.compile(r"^(?:<{7,}|>{7,})(?=[ \r\n]|\Z)", re.MULTILINE)


def conflict_line(text: str) -> int | None:
    """The line (from 1) of the first marker of a merge conflict; None when there is none."""
    found = _CONFLICT.search(text) if "<<<<<<<" in text or ">>>>>>>" in text else None
    return text.count("\n", 0, found.start()) + 1 if found else None


def report_conflict(
    text: str,
    file: str,
    found: Collector,
) -> bool:
    """Report RC165 for a file that a merge left unfinished, and whether it is one."""
    line = conflict_line(text)
    if line is not None:
        found.add("RC165", (file, line, 1), "a merge conflict was not resolved here")
    return line is not None


def report_syntax(
    error: YAMLError,
    text: str,
    file: str,
    found: Collector,
) -> None:
    """One finding for what stopped the parser, at the place where a person would look."""
    problem = str(getattr(error, "problem", "") or "")
    mark = (
        (getattr(error, "problem_mark", None) or getattr(error, "context_mark", None))
        if problem
        else None
    )
    if not isinstance(error, MarkedYAMLError) or mark is None:
        found.add("RC106", (file, 1, 1), "this is not YAML")
        return
    lines = text.split("\n")
    if problem.startswith(_SWALLOWED):
        missing = _missing_space(lines, mark.line)
        if missing is not None:
            line, column = missing
            message = "a space is missing after this colon"
            found.add("RC106", (file, line + 1, column), message, remedy="write `name: value`")
            return
        if problem.startswith(_SWALLOWED[0]) and error.context_mark is not None:
            # the word that has no colon; the problem is where the next one is met
            mark = error.context_mark
    opened = error.context_mark if problem.startswith(_UNCLOSED) else None
    if opened is not None and opened.line != mark.line:
        mark = opened  # where it was opened says more than where its end was missed
    line, column = mark.line, mark.column
    if line >= len(lines) or not "".join([lines[line][column:], *lines[line + 1 :]]).strip():
        line, column = _end(lines)
    at = lines[line][column : column + 1]
    message, remedy = f"this is not YAML: {problem}", ""
    if problem.startswith("found character that cannot start any token"):
        message = (
            "a tab where YAML wants spaces" if at == "\t" else f"a text cannot begin with `{at}`"
        )
        remedy = "indent with spaces" if at == "\t" else "put the text in quotes"
    for beginning, meaning, advice in _SYNTAX:
        if problem.startswith(beginning):
            message, remedy = meaning, advice
    found.add("RC106", (file, line + 1, column + 1), message, remedy=remedy)


def _missing_space(lines: list[str], line: int) -> tuple[int, int] | None:
    """Line (from 0) and column (from 1) of a colon without a space, in a line or the one with text
    above it."""
    above = next(
        (number for number in range(min(line, len(lines)) - 1, -1, -1) if lines[number].strip()),
        None,
    )
    for number in (above, line):
        found = (
            _NO_SPACE.match(lines[number]) if number is not None and number < len(lines) else None
        )
        if number is not None and found:
            return number, found.end()
    return None


def _end(lines: list[str]) -> tuple[int, int]:
    """Line and column (from 0) after the last thing that is written."""
    line = max((number for number, text in enumerate(lines) if text.strip()), default=0)
    return line, len(lines[line].rstrip())
