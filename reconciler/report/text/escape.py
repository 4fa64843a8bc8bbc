"""Makes strings that somebody else wrote harmless where they are shown.

The functions work character by character (``terminal``: ``f(a + b) == f(a) + f(b)``), so a caret
under column c of an excerpt stands after ``terminal_width(excerpt[: c - 1])`` cells.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.values.invisible import INVISIBLE

# Cc: control, Cf: format (bidi overrides, zero width, tags), Cs: lone surrogates (cannot be
# encoded), Co/Cn: no agreed look, Zl/Zp: line breaks that terminals and editors treat differently.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters, marks and symbols that are drawn as nothing: they hide a difference between two names. An
# emoji's selector (U+FE0F) is shown, too: what is shown does not depend on what stands before.
_BLANK = re.compile(f"[{INVISIBLE}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_MARKDOWN = str.maketrans(
    {character: f"&#{ord(character)};" for character in "\\`*_[]|~$"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    # Forges look for references in the rendered text, where an entity is decoded already: a zero
    # width space ends them.
    | {"\0": "&#8203;"}
)
_REFERENCE = re.compile(
    r"@|#|(?i:\bg[hl]-)(?=\d)"  # a mention, an e-mail address, an issue (#12, GH-12, GL-12)
    # GitLab: request, epic, alert, snippet, milestone, label, placeholder
    r"|[!&^](?=\w)|[$%~](?=[\w\"{])"
    # GitLab: [vulnerability:12], *iteration:12, an inline diff {+ +}
    r"|[\[*](?=[a-z_]+:)|[\[{](?=[+-])"
    r"|:(?=(?:[\w+-]{0,40}[A-Za-z_][\w+-]{0,40}|[+-]1|100|1234):)"  # an emoji (:tada:)
    r"|:(?=//)"  # GitLab links any scheme
)
_LINK = re.compile(r"(?i)(?<![a-z])(?:(https?|ftp|mailto|xmpp):|(www)\.)")
_MARKUP = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "#": "&#35;"}
)
# A CI system reads commands from what is printed: GitHub `::name::` at the start of a line and,
# like Azure Pipelines and TeamCity, `##` followed by a name anywhere in it (actions/runner,
# src/Runner.Common/ActionCommand.cs). What a CI system trims before it looks is let go by, too:
# blanks, and colours. Some end a line at every separator.
_COMMAND = re.compile(
    r"((?:^|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029])(?:\s|\x1b\[[0-9;]*m)*):(?=:)"
)
# GitLab folds its log at these, Travis at the third.
_SECTION = re.compile(r"(section|travis)_(?=(?:start|end|fold):)")
_HASHES = re.compile(r"##(?=[^\s#])")


def terminal(text: str) -> str:
    r"""One line for a terminal: ESC becomes the four characters ``\x1b``, a newline ``\n``.

    Neutralises escape sequences, bidirectional overrides, zero-width characters and lone
    surrogates.
    """
    if text.isascii() and text.isprintable():  # nearly always
        return text
    return text.translate(_SHOWN)


class _Shown(dict[int, str]):
    """What is shown for a character, by its number; of the first thousands it is remembered."""

    def __missing__(self, number: int) -> str:
        shown = _visible(chr(number))
        if len(self) < _MOST_REMEMBERED:
            self[number] = shown
        return shown


_MOST_REMEMBERED = 4096
_SHOWN = _Shown()


def _visible(character: str) -> str:
    if _BLANK.match(character) or unicodedata.category(character) in _INVISIBLE:
        return _SHORT.get(character) or _code(ord(character))
    return character


def _code(number: int) -> str:
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def terminal_width(text: str) -> int:
    """Cells that ``terminal(text)`` takes:

    East Asian wide characters count 2, combining marks 0.
    """
    shown = terminal(text)
    if shown.isascii():
        return len(shown)
    return sum(
        (
            0
            if unicodedata.combining(character)
            else 2
            if unicodedata.east_asian_width(character) in "WF"
            else 1
        )
        for character in shown
    )


# Words, names and addresses in which there is nothing to be made harmless. After these two letters
# a hyphen may begin a reference.
_PLAIN = re.compile(r"(?:[A-Za-z0-9/ ]++|(?<![HLhl])-)*+")


@lru_cache(maxsize=1024)
def markdown(text: str) -> str:
    """One line of GitHub or GitLab Markdown that shows ``text`` and means nothing: no emphasis,
    code, link, HTML, table cell, mention, reference or emoji. Line breaks become spaces.

    Not for the very start of a line, where ``- `` and ``1. `` begin a list, nor for an HTML
    attribute.
    """
    if _PLAIN.fullmatch(text):
        return text
    flat = terminal(re.sub(r"[\r\n]+", " ", text))
    flat = _REFERENCE.sub(lambda match: f"{match[0]}\0", flat)  # terminal left no such character
    return _LINK.sub(_break_link, flat.translate(_MARKDOWN))


def _break_link(match: re.Match[str]) -> str:
    return f"{match[1]}&#58;" if match[1] else f"{match[2]}&#46;"


# Slack's own three entities; a zero width space parts what would be a mention (@here) or formatting
# (*bold*).
_SLACK = (
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    | {mark: f"\u200b{mark}\u200b" for mark in "*_~`"}
    | {"@": "@\u200b"}
)


def slack(text: str) -> str:
    """One line of Slack's mrkdwn that shows ``text`` and means nothing: no mention
    (``<!channel>``), link or emphasis. Line breaks become spaces. A block that holds it says
    ``verbatim``, so that bare URLs and names stay text, too."""
    flat = terminal(re.sub(r"[\r\n]+", " ", text))
    return "".join(_SLACK.get(character, character) for character in flat)


def workflow_command_data(text: str) -> str:
    """The message of a GitHub workflow command (``::error::message``); line breaks are kept as
    ``%0A``."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "%0A".join(terminal(line).replace("%", "%25") for line in lines)


def workflow_command_property(text: str) -> str:
    """A property of a GitHub workflow command (``file=…``): colon and comma would end it."""
    return terminal(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def markup(text: str) -> str:
    """Text for HTML and XML 1.0, between tags or in a quoted attribute:

    ASCII, no control character.
    """
    return terminal(text).translate(_MARKUP).encode("ascii", "xmlcharrefreplace").decode()


def escape_commands(text: str) -> str:
    """Finished lines of plain text in which no CI system finds a command."""
    if "::" in text:
        text = _COMMAND.sub(r"\1\\x3a", text)
    if "section_" in text or "travis_" in text:
        text = _SECTION.sub(r"\1\\x5f", text)
    return text.replace("##", "#\\x23")


def escape_markdown(text: str) -> str:
    """The same of a finished document in Markdown, which keeps its headings."""
    text = _HASHES.sub("#&#35;", _COMMAND.sub(r"\1&#58;", text))
    return _SECTION.sub(r"\1&#95;", text)


def clip(text: str, length: int) -> str:
    """At most ``length`` characters; what is cut is shown by ``…``."""
    if len(text) <= length:
        return text
    whole = mask_secrets(text)
    return whole if len(whole) <= length else whole[: length - 1] + "…"
