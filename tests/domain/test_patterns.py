"""Patterns of policies and of foreign schemas: they mean what Python's mean, and no text keeps them
busy."""

from __future__ import annotations

import re
import string
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.values.ecma import translate
from reconciler.domain.values.patterns import PatternError, compile_pattern
from tests.kit.suite.laws import examples

_ATOMS = st.sampled_from([
    "a", "b", "-", ".", "[ab]", "[^a]", r"\d", r"\w", r"\W", r"[a-c\d]", "1", "^", "$", r"\b", r"\B", r"\A", r"\.",
    "(a|b)", "(?:ab|)", "(a|ab)(c|bcd)", "()", r"[\]a]", r"\s",
])  # fmt: skip
_TIMES = st.sampled_from(
    ["", "", "", "*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "*?", "{0,}", "+?"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, _TIMES).map(lambda two: f"(?:{two[0]}){two[1]}"),
    )


_PATTERNS = st.recursive(st.tuples(_ATOMS, _TIMES).map("".join), _larger, max_leaves=6)


@examples(600)
@given(_PATTERNS, st.lists(st.text("abc1-. \n", max_size=7), min_size=1, max_size=3))
def test_a_pattern_finds_what_python_finds(pattern: str, texts: list[str]) -> None:
    """Where ``$`` is the very end, and no boundary is in nothing, as in ECMA-262. What is
    remembered of one text is right for the next."""
    try:
        meant = re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern))
    except re.error:
        with pytest.raises(PatternError):
            compile_pattern(pattern)
        return
    compiled = compile_pattern(pattern)
    if "\\B" in pattern:
        texts = [text or " " for text in texts]
    assert [compiled.occurs_in(text) for text in texts] == [
        meant.search(text) is not None for text in texts
    ]


@examples(500)
@given(st.text(r"ab\[](){}*+?|^$.-,0129:dwn", max_size=14), st.text("ab1-", max_size=5))
def test_anything_is_a_pattern_or_is_refused_at_a_place_in_it(pattern: str, text: str) -> None:
    compiled = refused = None
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        refused = error
    if compiled is not None:
        assert compiled.occurs_in(text) in (True, False)
    if refused is not None:
        assert 0 <= refused.position <= len(pattern)
        assert str(refused)


REFUSED = {
    "(ab": (0, "unterminated"),
    "ab)": (2, "unbalanced"),
    "a[b": (1, "unterminated"),
    "*a": (0, "nothing to repeat"),
    "a|+": (2, "nothing to repeat"),
    "a**": (2, "multiple repeat"),
    "a{2}{3}": (4, "multiple repeat"),
    "a{2,1}": (2, "min repeat greater than max repeat"),
    "[z-a]": (1, "bad character range"),
    "ab\\": (2, "bad escape"),
    "a(?=b)": (1, "looks ahead or behind"),
    "ab(?<!a)b": (2, "looks ahead or behind"),
    r"(a)\1": (0, "refers to a group"),
    "(?P<x>a)(?P=x)": (0, "refers to a group"),
    "(a)?(?(1)b|c)": (0, "refers to a group"),
    "a*+b": (0, "never goes back"),
    "(?i)a": (0, "sets flags"),
    "(?i:a)": (0, "sets flags"),
    "(?:a{99}){99}": (0, "too large"),
    "(){4000000000}": (0, "too large"),
    "(?:()|()){3000000000,}": (0, "too large"),
    "(" + "|" * 5_000 + "){4000}": (0, "too large"),
    "a" * 5_000: (0, "too large"),
    "a{,99999999999999999999}": (0, "too often"),
    "a{" + "9" * 5_000 + "}": (0, "too often"),
    "(" * 5_000 + ")" * 5_000: (0, "nested too deeply"),
}


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:20])
def test_what_is_refused_and_where(pattern: str) -> None:
    position, words = REFUSED[pattern]
    with pytest.raises(PatternError, match=re.escape(words)) as raised:
        compile_pattern(pattern)
    assert raised.value.position == position


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|aa)+$",
        "^(.*a){12}$",
        "^a*a*a*a*a*a*b",
        r"^(\w+\s?)*$",
        "(x+x+)+y",
    ],
)
def test_no_text_keeps_a_pattern_busy(pattern: str) -> None:
    """Python's own engine would need more time than there is for each of these."""
    text = "a" * 2000 + "!"
    assert compile_pattern(pattern).occurs_in(text, steps=100_000) is False


@pytest.mark.parametrize(
    "pattern", ["[a\u0200]{500}b", "[" + "".join(map(chr, range(0x100, 0x2000, 2))) + "]{9}b"]
)
def test_more_steps_than_there_are_is_said(pattern: str) -> None:
    """A class counts with all that it lists. With the steps there is an answer."""
    text = "a\u0200" * 300
    with pytest.raises(PatternError, match="takes too long on a text of 600 characters"):
        compile_pattern(pattern).occurs_in(text, steps=10_000)
    assert compile_pattern(pattern).occurs_in(text) is False


def test_patterns_are_equal_by_their_text() -> None:
    assert compile_pattern("a+") == compile_pattern("a+")
    assert len({compile_pattern("a+"), compile_pattern("a+"), compile_pattern("a*")}) == 2


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        # Those of the JSON Schema test suite (optional/ecmascript-regex).
        (r"^\cC$", "\x03", True), (r"^\d$", "0", True), (r"^\d$", "\u07c0", False), (r"^\d$", "\u09e6", False),
        (r"^\D$", "0", False), (r"^\D$", "\u07c0", True), (r"^\w$", "a", True), (r"^\w$", "é", False),
        (r"^\W$", "a", False), (r"^\W$", "é", True), (r"^\s$", " ", True), (r"^\s$", "\t", True),
        (r"^\s$", "\v", True), (r"^\s$", "\f", True), (r"^\s$", "\u00a0", True), (r"^\s$", "\ufeff", True),
        (r"^\s$", "\n", True), (r"^\s$", "\u2029", True), (r"^\s$", "\u2003", True), (r"^\s$", "\x01", False),
        (r"^\s$", "\u2013", False), (r"^\S$", "\ufeff", False), (r"^\S$", "\u2003", False),
        (r"^\S$", "\x01", True), (r"^\S$", "\u2013", True), (r"[a-z]cole", "\u00e9cole", False),
        (r"\wcole", "\u00e9cole", False), ("^a$", "a\n", False),
        # And what else the two read otherwise.
        (r"^\s$", "\x1f", False), (r"^[\d\w-]+$", "a-5", True), (r"^[^\W]$", "é", False), (r"^[\D]$", "٣", True),
        (r"\bé", "aé", True), (r"^a.b$", "a\rb", False), (r"^a.b$", "a\u2028b", False), (r"^.$", "😀", True),
        (r"^\u{1F600}$", "😀", True), (r"^\uD83D\uDE00$", "😀", True), (r"^\x41\u0042$", "AB", True),
        (r"^(?<year>a)b$", "ab", True), (r"^[[]$", "[", True), (r"^\0$", "\0", True), (r"^[\b]$", "\b", True),
        (r"^[+-\d]$", "5", True), (r"^[+-\d]$", "-", True), (r"^[+-\d]$", ",", False), (r"^[\d-x]$", "-", True),
    ],
)  # fmt: skip
def test_a_pattern_of_ecma_262(pattern: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern, ecma=True).occurs_in(text) is found


# ECMA-262: WhiteSpace and LineTerminator; CharacterClassEscape; every other character.
_SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_EVERY = "".join(map(chr, range(0x10000))) + "\U00010000\U0001f600\U0010ffff"


@pytest.mark.parametrize(
    ("pattern", "members"),
    [
        (r"\d", string.digits),
        (r"\w", string.ascii_letters + string.digits + "_"),
        (r"\s", _SPACES),
        (r"[^.\S]", _SPACES),
        (r"[\s\d]", _SPACES + string.digits),
    ],
)
def test_a_class_of_ecma_262_has_these_members_and_no_other(pattern: str, members: str) -> None:
    """Asked of every character below U+10000, and of what the class does not have."""
    assert set(re.findall(translate(pattern), _EVERY)) == set(members)
    other = pattern.upper() if len(pattern) == 2 else f"(?!{pattern})[\\s\\S]"
    assert set(re.findall(translate(other), _EVERY)) == set(_EVERY) - set(members)


def test_a_dot_of_ecma_262_is_every_character_but_the_ends_of_lines() -> None:
    assert set(re.findall(translate("."), _EVERY)) == set(_EVERY) - set("\n\r\u2028\u2029")


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\S(|(.|\n)*\S)\Z",
        r"\a",
        r"\A",
        r"\p{Letter}",
        "[]",
        "[^]a]",
        "(?P<a>b)",
        "(?#a)",
        "a{,3}",
        r"\u{110000}",
        "\\",
    ],
)
def test_what_is_not_of_ecma_262_is_refused(pattern: str) -> None:
    """Python would read it, and otherwise."""
    with pytest.raises(PatternError):
        compile_pattern(pattern, ecma=True)


def test_threads_that_parse_at_once_leave_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    patterns = [f"[[a]{number}" for number in range(400)]  # Python warns of a set in a set
    frequent = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(compile_pattern, patterns))
    finally:
        sys.setswitchinterval(frequent)
    assert warnings.filters == before
