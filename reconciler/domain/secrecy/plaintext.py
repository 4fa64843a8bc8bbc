"""A text as a terminal, a browser or a receiver would read it: without what hides or divides the
words in it.

Escape sequences, control and invisible characters and line ends inside a word are left out;
percent-encoding, entities of HTML, escapes of JSON and full-width letters are decoded. UTF-16 that
was read as bytes of ASCII is left without its zero bytes.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from html import unescape

from reconciler.dataclass import dataclass
from reconciler.domain.values.invisible import INVISIBLE

_ROUNDS = 4  # an encoding within an encoding within an encoding
_CONTROLS = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "/": "/",
}
_FULL_WIDTH = 0xFEE0
_LETTER = r"[A-Za-z0-9_+/=.\-]"
# Where no line end is inside a word: a text may be looked at from one of these to the next.
PUNCTUATION = " \t\"',;:!?(){}[]<>"
_PUNCTUATION = f"[{re.escape(PUNCTUATION)}]"
_BETWEEN_WORDS = re.compile(rf"\n(?<={_PUNCTUATION}\n)\s*+|\n\s*+(?={_PUNCTUATION}|\Z)")


def _nothing(_match: re.Match[str]) -> str:
    return ""


def _bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _entity(match: re.Match[str]) -> str:
    return unescape(match[0])


def _escape(match: re.Match[str]) -> str:
    text = match[0]
    if text[1] not in "uUx":
        return _CONTROLS[text[1]]
    digits = text[2:]
    number = int(digits, base=16)
    return chr(number) if number <= 0x10FFFF else ""


def _usual_width(match: re.Match[str]) -> str:
    return chr(ord(match[0]) - _FULL_WIDTH)


@dataclass(frozen=True, slots=True)
class _Pass:
    """What is replaced by what.

    ``hint`` is in every text that has it, empty: any but printable ASCII may.
    """

    hint: str
    pattern: re.Pattern[str]
    replacement: Callable[[re.Match[str]], str] = _nothing

    def concerns(self, text: str) -> bool:
        return self.hint in text if self.hint else not text.isascii()


_PASSES: tuple[_Pass, ...] = (
    _Pass("%", re.compile(r"(?:%[0-9A-Fa-f]{2})+"), _bytes),
    _Pass(
        "&",
        re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
        _entity,
    ),
    _Pass(
        "\\",
        re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[nrtbfve/])"),
        _escape,
    ),
    _Pass("", re.compile("[\uff01-\uff5e]"), _usual_width),
    # Colours and moves (CSI), titles and links (OSC), character sets: of others the first character
    # alone.
    _Pass(
        "\x1b",
        re.compile(
            r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[()*+#%][0-9A-Za-z])"
        ),
    ),
    _Pass("\x9b", re.compile(r"\x9b[0-?]*[ -/]*[@-~]")),
)
_UNSEEN_ASCII = bytes(code for code in (*range(0x20), 0x7F) if code != 0x0A)
_UNSEEN = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029{INVISIBLE}\ufffd\ud800-\udfff]")
_LINE_END = re.compile(rf"\n(?<={_LETTER}\n)\s*(?:\| ?)?(?={_LETTER})")


def to_plain_text(text: str) -> str:
    """``text`` in its plain form, which is ``text`` itself where nothing is hidden in it."""
    for _ in range(_ROUNDS):
        before = text
        for one in _PASSES:
            if one.concerns(text):
                text = one.pattern.sub(one.replacement, text)
        if text.isascii():
            text = text.encode("ascii").translate(None, _UNSEEN_ASCII).decode("ascii")
        else:
            text = _UNSEEN.sub("", text)
        text = _LINE_END.sub("", text)
        if text == before:
            break
    return text


def is_plain(text: str) -> bool:
    """Whether ``text`` is its plain form but for the line ends inside of words."""
    shown = text.isascii() and text.replace("\n", "").isprintable()
    return shown and not any(one.concerns(text) for one in _PASSES)


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Parts of ``text`` that no word reaches out of, each with the place where it begins."""
    at = 0
    for match in _BETWEEN_WORDS.finditer(text):
        yield at, text[at : match.end()]
        at = match.end()
    yield at, text[at:]


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain text, and for each of its characters where the text that it stands for begins and
    ends."""

    text: str
    begins: array[int]
    ends: array[int]

    def original(self, begin: int, end: int) -> tuple[int, int]:
        """The span of the original text that ``text[begin:end]`` stands for."""
        return self.begins[begin], self.ends[end - 1]


def trace(text: str) -> Plain:
    """The plain form of ``text`` with the way back."""
    found = Plain(text, array("q", range(len(text))), array("q", range(1, len(text) + 1)))
    for _ in range(_ROUNDS):
        before = found.text
        for one in _PASSES:
            found = _replace_matches(found, one.pattern, one.replacement)
        found = _replace_matches(_replace_matches(found, _UNSEEN, _nothing), _LINE_END, _nothing)
        if found.text == before:
            break
    return found


def _replace_matches(
    found: Plain, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> Plain:
    parts: list[str] = []
    begins, ends = array("q"), array("q")
    at = 0
    for match in pattern.finditer(found.text):
        begin, end = match.span()
        new = replacement(match)
        parts += (found.text[at:begin], new)
        begins += found.begins[at:begin] + array("q", [found.begins[begin]] * len(new))
        ends += found.ends[at:begin] + array("q", [found.ends[end - 1]] * len(new))
        at = end
    if not parts:
        return found
    parts.append(found.text[at:])
    return Plain("".join(parts), begins + found.begins[at:], ends + found.ends[at:])
