"""What CI systems read from a log: the rules of actions/runner (src/Runner.Common/ActionCommand.cs)
and its kin."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z-]*")


@dataclass(frozen=True)
class Command:
    name: str
    properties: tuple[tuple[str, str], ...]
    data: str


def commands(log: str) -> list[Command]:
    """The commands in it. A line is what a reader of lines may take for one, of any name that a
    command may have."""
    return [
        found
        for line in re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", log)
        if (found := _command(line))
    ]


def _command(line: str) -> Command | None:
    start = line.strip()
    if start.startswith("::") and "::" in start[2:]:
        head, _, data = start[2:].partition("::")
        name, _, properties = head.partition(" ")
        if _NAME.fullmatch(name):
            return Command(name, tuple(_properties(properties, ",")), _decoded(data))
    # The older form, wherever it stands in the line; Azure Pipelines and TeamCity have names before
    # the bracket.
    found = re.search(r"##[a-z]*\[([^]]*)\](.*)", line)
    return None if found is None else Command(found[1].partition(" ")[0], (), found[2])


def _properties(text: str, separator: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in text.split(separator))
    return [
        (name, _decoded(value).replace("%3A", ":").replace("%2C", ","))
        for name, found, value in pairs
        if found
    ]


def _decoded(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
