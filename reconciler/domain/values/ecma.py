r"""Regular expressions of ECMA-262, which JSON Schema asks for, in the syntax that Python's parser
reads.

They differ in what ``\d``, ``\w``, ``\s`` and ``.`` mean and in a few escapes. What Python alone
knows is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_LAST = 0x10FFFF
_DIGITS = ((0x30, 0x39),)
_WORDS = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_BREAKS = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_SPACES = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)
_CLASSES = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
# Escapes that both sides read alike: of a character, of a place, of a group (which is refused
# later, in words).
_SHARED = frozenset("fnrtvbB123456789")
_TOKEN = re.compile(
    r"""
    \\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}
    | \\c[A-Za-z] | \\x[0-9A-Fa-f]{2} | \\u\{[0-9A-Fa-f]+\} | \\u[0-9A-Fa-f]{4} | \\.
    | \(\?<(?![=!])[^>]*> | \(\?P | \(\?[#(>] | \{, | \[\^?\]? | .
    """,
    re.VERBOSE | re.DOTALL,
)


def translate(text: str) -> str:
    r"""Every class as ranges of numbers, so that nothing is left that Python reads otherwise.

    Raises ``ValueError`` for what ECMA-262 does not have, or Python reads otherwise.

    >>> translate(r"^\d{4}$")
    '^[\\U00000030-\\U00000039]{4}$'
    >>> translate(r"^a\Z")
    Traceback (most recent call last):
    ValueError: `\Z` is not of ECMA-262
    """
    return "".join(_translate(text))


def _translate(text: str) -> Iterator[str]:
    inside = False
    for token, following in pairwise([*_TOKEN.findall(text), ""]):
        if token[0] == "\\":
            yield _escape(token, inside=inside)
        elif inside and token == "-" and following[1:].lower() in _CLASSES:
            yield r"\-"  # a class ends no range: the hyphen is one
        elif inside:
            inside = token != "]"
            yield f"\\{token}" if token[0] == "[" else token
        elif token in ("[]", "[^]"):
            raise ValueError(f"`{token}` is a set of characters without any")
        elif token in ("(?P", "(?#", "(?(", "(?>", "{,"):
            raise ValueError(f"`{token}` is not of ECMA-262")
        elif token.startswith("(?<"):
            yield "(?:"
        elif token == ".":
            yield f"[{_ranges(_others(_BREAKS))}]"
        else:
            inside = token[0] == "["
            yield token


def _escape(token: str, *, inside: bool) -> str:
    name = token[1:2]
    if name.lower() in _CLASSES:
        ranges = _CLASSES[name.lower()]
        part = _ranges(ranges if name.islower() else _others(ranges))
        return part if inside else f"[{part}]"
    if token.count("\\u") == 2:  # two halves of one character
        high, low = int(token[2:6], 16), int(token[8:], 16)
        return _character(0x10000 + (high - 0xD800 << 10) + low - 0xDC00)
    if len(token) > 2:
        return _character(ord(token[2]) % 32 if name == "c" else int(token[2:].strip("{}"), 16))
    if name == "0":
        return "\\x00"
    if name in _SHARED or not (name.isascii() and name.isalnum()):
        return token
    raise ValueError(
        f"`{token}` is not of ECMA-262" if name not in "pP" else f"`{token}{{…}}` is left out here"
    )


def _others(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    starts = (0, *(last + 1 for _, last in ranges))
    ends = (*(first - 1 for first, _ in ranges), _LAST)
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start <= end)


def _ranges(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"{_character(first)}-{_character(last)}" for first, last in ranges)


def _character(number: int) -> str:
    if number > _LAST:
        raise ValueError(f"there is no character U+{number:X}")
    return f"\\U{number:08x}"
