"""Patterns of a policy: they mean what Python's mean, and no text keeps them busy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.patterns import MAX_LENGTH, PatternError, compile_pattern

_ATOMS = st.sampled_from(
    ["a", "b", "-", ".", "[ab]", "[^a]", r"\d", r"\w", "[a-c0-9]", "1", "^", "$", r"\.", "(?:ab|c)", r"[\]a]", r"\s"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{1,3}", "{2}", "{0,2}", "{2,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    )


@settings(max_examples=500)
@given(st.recursive(_ATOMS, _larger, max_leaves=6), st.text("abc1-.\n", max_size=7))
def test_a_pattern_finds_what_python_finds(pattern: str, text: str) -> None:
    if len(pattern) <= MAX_LENGTH:
        meant = re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern))  # Python's $ also stands before a last line end
        assert compile_pattern(pattern).found_in(text) == bool(meant.search(text))


@settings(max_examples=500)
@given(st.text(r"ab\[](){}*+?|^$.-,0129:dwn", max_size=14), st.text("ab1-", max_size=5))
def test_anything_is_a_pattern_or_is_refused_at_a_place_in_it(pattern: str, text: str) -> None:
    compiled = refused = None
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        refused = error
    if compiled is not None:
        assert compiled.found_in(text) in (True, False)
    if refused is not None:
        assert 0 <= refused.position <= len(pattern)
        assert str(refused)


REFUSED = {
    "(ab": (0, "not closed"),
    "ab)": (2, "closes nothing"),
    "a]": (1, "closes nothing"),
    "a[b": (1, "not closed"),
    "*a": (0, "nothing to repeat"),
    "a|+": (2, "nothing to repeat"),
    "^*": (1, "nothing to repeat"),
    "a**": (2, "behind another"),
    "a+?": (2, "behind another"),
    "a{2,1}": (1, "wrong way round"),
    "a{x}": (1, "write {n}"),
    "a{": (1, "write {n}"),
    "[z-a]": (1, "wrong way round"),
    r"[a-\d]": (1, "from one character to another"),
    r"a\1": (1, "means nothing"),
    r"a\b": (1, "means nothing"),
    "ab\\": (2, "means nothing"),
    "a(?=b)": (1, "looking ahead"),
    "(?i)a": (0, "looking ahead"),
    "(?P<n>a)": (0, "looking ahead"),
    "a{9}{9}": (4, "behind another"),
    "(?:a{99}){99}": (9, "repeats too much"),
    "(" * 30 + ")" * 30: (20, "nested"),
    "a" * 201: (200, "at most 200 characters"),
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_is_refused_and_where(pattern: str) -> None:
    position, words = REFUSED[pattern]
    with pytest.raises(PatternError, match=re.escape(words)) as raised:
        compile_pattern(pattern)
    assert raised.value.position == position


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){12}$", "^a*a*a*a*a*a*b", r"^(\w+\s?)*$", "(x+x+)+y"]
)
def test_no_text_keeps_a_pattern_busy(pattern: str) -> None:
    """Python's own engine would need more time than there is for each of these."""
    text = "a" * 2000 + "!"
    assert compile_pattern(pattern).found_in(text) is False


def test_patterns_are_equal_by_their_text() -> None:
    assert compile_pattern("a+") == compile_pattern("a+")
    assert len({compile_pattern("a+"), compile_pattern("a+"), compile_pattern("a*")}) == 2
