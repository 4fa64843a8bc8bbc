"""Patterns of foreign schemas: what Python's own engine says, in linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.declare.patterns import pattern

_ATOMS = st.sampled_from([
    "a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\W", r"[a-c\d]", "^", "$", r"\b", "(a|b)", "(?:ab|)",
    "(a|ab)(c|bcd)",
])  # fmt: skip
_TIMES = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "*?", "{0,}", "+?"])
_PIECES = st.lists(st.tuples(_ATOMS, _TIMES).map("".join), min_size=1, max_size=4).map("".join)
_PATTERNS = st.one_of(_PIECES, st.tuples(_PIECES, _TIMES, _PIECES).map(lambda parts: "({}){}{}".format(*parts)))


@settings(max_examples=300, deadline=None)
@given(_PATTERNS, st.text("abc1 .\n", max_size=6))
def test_it_agrees_with_python(text: str, searched: str) -> None:
    """Where ``$`` is the very end, as in ECMA-262."""
    try:
        expected = re.compile(re.sub(r"\$", r"\\Z", text)).search(searched) is not None
    except re.error:
        with pytest.raises(ValueError, match="not a regular expression"):
            pattern(text)
        return
    assert pattern(text).found_in(searched) is expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(", "is not a regular expression"),
        ("a{2}{3}", "is not a regular expression"),
        ("(?=a)b", "looks ahead or behind"),
        ("(?<!a)b", "looks ahead or behind"),
        (r"(a)\1", "refers to a group"),
        ("(?P<x>a)(?P=x)", "refers to a group"),
        ("(a)?(?(1)b|c)", "refers to a group"),
        ("a*+b", "never goes back"),
        ("(?i)a", "sets flags"),
        ("(?i:a)", "sets flags"),
        ("(a{100}){100}", "too large"),
        ("a{,99999999999999999999}", "is not a regular expression"),
        ("(" * 5_000 + ")" * 5_000, "is not a regular expression"),
    ],
)
def test_what_is_left_out_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        pattern(text)


def test_too_long_a_text_for_a_large_pattern_is_said() -> None:
    with pytest.raises(ValueError, match="takes too long on a text of 20000 characters"):
        pattern("a{500}").found_in("a" * 20_000)
