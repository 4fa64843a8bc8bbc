"""Where inside a text a position lies, as an editor shows it."""

from __future__ import annotations

from reconciler.declare.findings.nodes import Mark

_BLOCK = "|>"


def inside(
    mark: Mark,
    value: str,
    offset: int,
    text: str,
) -> Mark:
    """The place of ``value[offset]`` in a file that reads ``text``, where ``value`` begins at
    ``mark``.

    Exact while it is written as it is read; where quotes, escapes or folding make that differ, the
    beginning of the value, or of its line.
    """
    file, line, column = mark
    lines = text.split("\n")
    head = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    before, _, _ = value[:offset].rpartition("\n")
    number = value.count("\n", 0, offset)
    within = offset - (len(before) + 1 if number else 0)
    read = value.split("\n")[number]
    if head[:1] in tuple(_BLOCK):
        return _in_block(mark, read, number, within, lines)
    quote = head[:1] in ("'", '"')
    if number == 0 and head[quote:].startswith(read):
        return file, line, column + quote + within
    return mark


def _in_block(
    mark: Mark,
    read: str,
    number: int,
    within: int,
    lines: list[str],
) -> Mark:
    """``read`` is the ``number``-th line of a block (``|``); a folded one (``>``) is found only in
    its first line."""
    file, line, _ = mark
    at = line + number  # from 0: the line after the sign is the first one
    while number == 0 and at < len(lines) and not lines[at].strip():
        at += 1
    written = lines[at] if at < len(lines) else ""
    indent = written.find(read) if read else 0
    if indent < 0:
        shared = len(written) - len(written.lstrip())
        fits = within < len(written) - shared and read.startswith(written.strip())
        return (file, at + 1, shared + within + 1) if fits else mark
    return file, at + 1, indent + within + 1
