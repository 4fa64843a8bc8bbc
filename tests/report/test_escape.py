"""Attacks on what shows foreign strings: terminal, Markdown, workflow commands."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.report.text.escape import (
    clip,
    escape_commands,
    escape_markdown,
    markdown,
    markup,
    slack,
    terminal,
    terminal_width,
    workflow_command_data,
    workflow_command_property,
)
from tests.kit.texts.invisible import IGNORABLE, NO_INK, characters
from tests.report.samples import HOSTILE

ANY_TEXT = st.text(
    st.characters() | st.sampled_from(list("|`*_<>[]()#@&\\~$:/-.!\"'{}\n\r\t\x1b\u202e"))
)


@given(ANY_TEXT)
def test_a_terminal_line_has_no_character_that_acts(text: str) -> None:
    shown = terminal(text)
    assert not any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in shown
    )
    shown.encode()


@given(ANY_TEXT, ANY_TEXT)
def test_terminal_works_character_by_character(first: str, second: str) -> None:
    """So the caret below an excerpt can be placed by the width of what stands before it."""
    assert terminal(first + second) == terminal(first) + terminal(second)
    assert terminal_width(first + second) == terminal_width(first) + terminal_width(second)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ünïcode → 日本", "plain text, ünïcode → 日本"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\u3164", "\\u3164"),
    ],
)
def test_terminal(text: str, shown: str) -> None:
    assert terminal(text) == shown


# Format characters that are drawn (Prepended_Concatenation_Mark, interlinear annotation, Egyptian
# joiners).
DRAWN = [
    (0x600, 0x605), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x13440),
]  # fmt: skip


def test_the_list_of_ignorable_characters_is_whole() -> None:
    """As far as Python knows their names and categories."""
    assigned = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) not in {"Cn", "Co", "Cs"}
    ]
    derived = {
        character for character in assigned if unicodedata.category(character) == "Cf"
        or re.search(r"VARIATION SELECTOR|HANGUL .*FILLER|GRAPHEME JOINER|INHERENT", unicodedata.name(character, ""))
    }  # fmt: skip
    assert derived - characters(DRAWN) <= characters(IGNORABLE)


@pytest.mark.parametrize("show", [terminal, markdown, markup, slack, workflow_command_data])
def test_what_is_drawn_as_nothing_is_shown(show: Callable[[str], str]) -> None:
    for character in sorted(characters(IGNORABLE + NO_INK)):
        code = f"{ord(character):x}"
        assert code in show(f"examp{character}le"), code
        assert character not in show(f"examp{character}le"), code


def test_width_of_wide_characters() -> None:
    assert [terminal_width(text) for text in ("abc", "日本", "e\u0301", "\x1b")] == [3, 4, 1, 4]


@given(ANY_TEXT)
def test_markdown_means_nothing(text: str) -> None:
    """Rendered by a CommonMark parser with tables and links, foreign text is one run of text in one
    cell."""
    parser = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    page = parser.parse(f"| a | b |\n|---|---|\n| x {markdown(text)} | y |\n")
    cells = [token for token in page if token.type == "inline"]
    assert [cell.content for cell in (cells[0], cells[1], cells[3])] == ["a", "b", "y"]
    assert len(cells) == 4
    parts = cells[2].children or []
    assert {part.type for part in parts} <= {"text", "text_special"}
    shown = "".join(part.content for part in parts).replace("\u200b", "")
    expected = terminal(re.sub(r"[\r\n]+", " ", text))
    assert shown.split() == f"x {expected}".split()


@given(ANY_TEXT)
def test_markdown_has_no_mention_reference_or_link(text: str) -> None:
    """Forges look for these in the rendered text; the zero width space stands between."""
    shown = markdown(text)
    assert not re.search(r"@[\w-]|(?<!&)#\w|(?i:gh-)\d|(?i:https?:|www\.)", shown)


@pytest.mark.parametrize("text", ["see GH-12", "gl-3", "a/GH-1-b", "12-gl-4 x-y"])
def test_a_word_with_a_hyphen_is_plain_only_where_it_is_no_reference(text: str) -> None:
    shown = markdown(text)
    assert re.search(r"(?i:g[hl]-)\d", shown) is None
    assert shown.replace("&#8203;", "") == text


@pytest.mark.parametrize("text", ["", "client/a-b/key/primary", "new key 3 - high-risk half-2"])
def test_plain_words_stay_as_they_are_in_markdown(text: str) -> None:
    assert markdown(text) == text


@pytest.mark.parametrize(
    "text",
    ["https://evil.example", "1http://evil.example", "WWW.evil.example", "mailto:a@b.example"],
)
def test_markdown_does_not_link(text: str) -> None:
    assert "://" not in markdown(text)
    assert "@b" not in markdown(text)
    assert "WWW." not in markdown(text)


@given(ANY_TEXT)
def test_a_workflow_command_stays_one_line(text: str) -> None:
    assert len(f"::error::{workflow_command_data(text)}".splitlines()) == 1
    assert not re.search(r"[:,\r\n]", workflow_command_property(text))


def test_workflow_commands() -> None:
    assert workflow_command_data("100 %\r\nnext\n::error::x") == "100 %25%0Anext%0A::error::x"
    assert workflow_command_property("a:b,c%d\n") == "a%3Ab%2Cc%25d\\n"
    assert "\x1b" not in workflow_command_data(HOSTILE)


COMMANDS = [
    "::add-mask::x", "  ::error::x", "\t::set-output name=a::b", "\x1b[31m::debug::x", "a\r::stop-commands::x",
    "a\u2028::error::x", "##[error]x", "a ##[group]x", "##vso[task.setvariable variable=a]b", "##teamcity[x]",
    "section_start:1560896352:x", "a section_end:1560896352:x", "travis_fold:start:x",
]  # fmt: skip


@pytest.mark.parametrize("defuse", [escape_commands, escape_markdown])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_ci_system_finds_a_command(command: str, defuse: Callable[[str], str]) -> None:
    for text in (command, f"before\n{command}\nafter", f"{command}\n{command}"):
        shown = defuse(text)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert not re.search(r"(?m)^\s*::", "\n".join(plain.splitlines()))
        assert not re.search(r"##\w*\[|section_(?:start|end):|travis_fold:", shown)
        assert defuse(shown) == shown


def test_the_headings_of_markdown_stay() -> None:
    assert escape_markdown("## Actions\n\n### More ##\n") == "## Actions\n\n### More ##\n"


def test_what_is_clipped_was_masked_before() -> None:
    key = "acme_prod_Id0123456789_" + "aB3xY" * 9 + "Qz90"
    for begin in range(0, 200, 7):
        shown = clip("x" * begin + " " + key + " " + "y" * 200, 120)
        assert len(shown) <= 120
        assert "acme_prod_" not in shown or "***" in shown
        assert "aB3x" not in shown
