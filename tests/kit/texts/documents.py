"""Markdown pages as data: their fenced blocks, their links, and their ``console`` blocks run as one
shell session.

In a page, a fenced block whose first line is ``# <path>`` is a file that the reader is asked to
write. In a ``console`` block, ``$ `` begins a command, ``> `` continues it, and all other lines are
what it printed; a line ``…`` stands for any number of lines that were left out, ``…`` in a line for
any text.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=ticks)[ ]*$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"# (?P<path>[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+)*\.(?:yaml|py))\n")
_LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$", re.MULTILINE)
_MARK = "\x1e"
ELLIPSIS = "…"
# What differs from run to run, and its stand-in. Order matters: a run id holds a time and hex
# digits.
_VARYING = [
    (re.compile(r"\b[0-9]{8}t[0-9]{6}z-[0-9a-f]{12}-[0-9a-f]{4}\b"), "<run>"),
    (re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:]{8}(?:\.[0-9]+)?Z)?"), "<time>"),
    (re.compile(r"\bmsg_[0-9A-Za-z]+"), "<message>"),
    (re.compile(r"\b[a-z][a-z0-9]+_[a-z0-9]+_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b"), "<key>"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "<hex>"),
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+<key>"),
    (re.compile(r"\b[0-9A-Za-z]{12}\b"), "<id>"),
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "<address>"),
    (
        re.compile(
            r"\b[0-9]+ (?:s|min) ago\b|(?<=\()now(?=\))|(?<=verified )now\b|(?<=\w )now(?=\))"
        ),
        "<ago>",
    ),  # within a second: now
    (re.compile(r"\b[0-9]+ (?:ms|s|min)\b"), "<short>"),
    (re.compile(r"\b[0-9]+ s left\b"), "<left>"),
    (re.compile(r"\bin [0-9]+ d\b"), "<days>"),  # 90 days to go are 89 a second later
    (re.compile(r"\bs\.[0-9A-Za-z]{20,}"), "<token>"),
]


@dataclass(frozen=True)
class Block:
    """One fenced block. ``line`` is that of its first line of text, from 1."""

    info: str
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """A command with what the page says that it prints, or a file to write (``path``)."""

    line: int
    command: str
    printed: str = ""
    path: str = ""


@dataclass(frozen=True)
class Answer:
    """What a command really did."""

    code: int
    printed: str


def blocks(text: str) -> list[Block]:
    return [
        Block(found["info"].strip(), found["body"], text.count("\n", 0, found.start()) + 2)
        for found in _FENCE.finditer(text)
    ]


def steps(text: str) -> list[Step]:
    """What a reader of the page does, in order."""
    found: list[Step] = []
    for block in blocks(text):
        file = _FILE.match(block.text)
        if block.info == "console":
            found += _commands(block)
        elif file is not None:
            found.append(Step(block.line, block.text, path=file["path"]))
    return found


def _commands(block: Block) -> Iterator[Step]:
    command: list[str] = []
    printed: list[str] = []
    began = block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            if command:
                yield Step(began, "\n".join(command), "\n".join(printed))
            command, printed, began = [line[2:]], [], number
        elif line.startswith("> ") and command and not printed:
            command.append(line[2:])
        else:
            assert command, f"line {number}: output before the first command"
            printed.append(line)
    if command:
        yield Step(began, "\n".join(command), "\n".join(printed))


def perform(
    todo: list[Step], directory: Path, environ: Mapping[str, str], seconds: float = 840
) -> list[Answer]:
    """Do all steps in one shell, so that variables and the working directory live on; an answer for
    each."""
    script = ["exec 2>&1 </dev/null", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for step in todo:
        if step.path:
            script.append(
                f"mkdir -p \"$(dirname '{step.path}')\"\ncat > '{step.path}' <<'END OF FILE'\n{step.command}END OF FILE"
            )
        else:
            script.append(step.command)
        script.append("printf '\\036%d\\036' $?")
    file = directory / ".session.sh"
    file.write_text("\n".join(script) + "\n")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", str(file)], cwd=directory, env=dict(environ), text=True, timeout=seconds,
        stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    parts = done.stdout.split(_MARK)
    return [
        Answer(int(code), printed) for printed, code in zip(parts[::2], parts[1::2], strict=False)
    ]


def plain(text: str) -> str:
    """``text`` without what differs from run to run, and with single spaces."""
    for pattern, stand_in in _VARYING:
        text = pattern.sub(stand_in, text)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def matches(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, as far as it does not leave things out."""
    pattern = ""
    for line in plain(shown).splitlines():
        if line == ELLIPSIS:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split(ELLIPSIS)) + r"\n"
    return re.fullmatch(pattern, plain(printed) + "\n" if printed.strip() else "") is not None


def links(text: str) -> list[str]:
    """Targets of the inline links outside of code."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    return [found["target"] for found in _LINK.finditer(prose)]


def anchors(text: str) -> set[str]:
    """The anchors that headings get on GitHub."""
    headings = (found["text"] for found in _HEADING.finditer(_FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
