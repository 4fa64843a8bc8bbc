"""Strict YAML with positions: one parser (libyaml's events), no constructor, nothing resolved that
surprises.

Refused: forbidden characters, anchors, aliases, tags, directives, fields written twice, field names
that are not text, depth over the limit. Resolved: ``null``, ``~``, nothing at all, ``true``,
``false`` and plain whole numbers; everything else is text (``NO``, ``on``, ``12:30``, ``1.10`` and
``0777`` stay what was written). A whole number has 64 bits, with or without a sign; a larger one is
refused and never becomes something else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Mark, Seq
from reconciler.declare.yaml.syntax import report_conflict, report_syntax
from reconciler.declare.yaml.yaml12 import is_doubtful, report_doubts
from reconciler.domain.secrecy import Found, secrets_in
from reconciler.domain.secrecy.shapes import CREDENTIALS_IN_URL
from reconciler.domain.values.invisible import EMOJI_BASES, INVISIBLE


@dataclass(frozen=True, slots=True)
class TextLimits:
    """``foreign``: written for another program (OpenAPI), where numbers as field names, anchors and
    tags are customary; an alias then is the anchored value itself, never a copy."""

    size: int = 1 << 20  # bytes
    depth: int = 20
    foreign: bool = False


STRICT = TextLimits()


@dataclass(slots=True)
class Parsed:
    """One document. ``whole`` is False when a part of ``value`` could not be read as it was
    meant."""

    value: Any
    mark: Mark
    whole: bool = True


_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_FORBIDDEN_ASCII = re.compile(f"[{_CONTROL}]|\r(?!\n)")
# C1 controls, line separators, what is drawn as nothing, what is no character: they hide or redraw
# the rest. The selector U+FE0F may stand where it makes an emoji.
_EMOJI = f"(?<![{EMOJI_BASES}]\ufe0f)(?<![0-9#*]\ufe0f(?=\u20e3))"
_FORBIDDEN = re.compile(
    f"[{_CONTROL}\x80-\x9f\u2028\u2029{INVISIBLE}\ufff9-\uffff]{_EMOJI}|\r(?!\n)"
)
_SHOWN = 20  # forbidden characters, and secrets, that are listed for one file
_PLAIN: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_SHORT = 18  # digits, and a sign, that always fit into 64 bits
_LONG = 20  # digits of the largest number of 64 bits
_64_BITS = range(-(1 << 63), 1 << 64)


def parse(
    text: str,
    file: str,
    found: Collector,
    limits: TextLimits = STRICT,
) -> list[Parsed]:
    """The documents of ``text``, empty ones left out. What is wrong goes to ``found``; after a
    syntax error the documents before it are returned."""
    if report_conflict(text, file, found):
        return []
    if not limits.foreign and not _characters_allowed(text, file, found):
        return []
    builder = _Builder(file, found, limits, escapes="\\" in text)
    try:
        parser = CParser(text)
        while not builder.stopped:
            event = parser.get_event()
            if event is None:
                break
            builder.take(event)
    except YAMLError as error:
        report_syntax(error, text, file, found)
        builder.abandon()
    if (
        not limits.foreign
        and (builder.doubtful or is_doubtful(text))
        and report_doubts(text, file, found)
    ):
        builder.doubt()
    return builder.documents


_DROPPED = "\0"  # stands for a field name that is none; what it names is left out


class _Builder:
    """Turns events into values. ``container`` is what is being filled, ``stack`` what surrounds it;
    in a mapping ``key`` is the field name that waits for its value."""

    def __init__(
        self,
        file: str,
        found: Collector,
        limits: TextLimits,
        *,
        escapes: bool,
    ) -> None:
        self.documents: list[Parsed] = []
        self.stopped = self.doubtful = False
        self._file = file
        self._found = found
        self._limits = limits
        self._escapes = escapes
        self._container: Map | Seq | None = None
        self._key: str | None = None
        self._key_mark: Mark = (file, 1, 1)
        self._stack: list[tuple[Map | Seq | None, str | None, Mark]] = []
        self._whole = True
        self._ended = 0
        self._anchors: dict[str, Any] = {}
        self._flow = 0  # how many flow collections are open

    def doubt(self) -> None:
        """What was read may be read otherwise elsewhere."""
        for document in self.documents:
            document.whole = False

    def abandon(self) -> None:
        """Forget the document that a syntax error cut short."""
        del self.documents[self._ended :]

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is ScalarEvent:
            self._scalar(event)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            self._open(event, Map if kind is MappingStartEvent else Seq)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._close(event)
        elif kind is AliasEvent:
            self._alias(event)
        elif kind is DocumentStartEvent:
            self._whole, self._anchors = True, {}
            if not self._limits.foreign:
                self._directives(event)
        elif kind is DocumentEndEvent:
            if self.documents and not self._whole:
                self.documents[-1].whole = False
            self._ended = len(self.documents)

    def _directives(self, event: Any) -> None:
        """libyaml reads YAML 1.1 whatever version a file says; a tag prefix changes what tags
        mean."""
        if event.version:
            self._add("RC108", event, "a %YAML directive is not allowed")
        if event.tags:
            self._add("RC108", event, "a %TAG directive is not allowed")

    def _mark(self, event: Any) -> Mark:
        start = event.start_mark
        return self._file, start.line + 1, start.column + 1

    def _add(self, code: str, event: Any, message: str) -> None:
        self._found.add(code, self._mark(event), message)

    def _scalar(self, event: Any) -> None:
        text = event.value
        value: Any = text
        if event.implicit[0]:
            if text in _PLAIN:
                value = _PLAIN[text]
            elif text[0] in "-0123456789" and _WHOLE_NUMBER.match(text):
                value = int(text) if len(text) <= _SHORT else self._large(event, text)
        else:
            self._check_quoted(event)
        if event.anchor is not None or event.tag is not None:
            self._take_anchor(event, value)
        mark = self._mark(event)
        if type(self._container) is Map and self._key is None:
            self._field(value, text, mark)
        else:
            self._put(value, mark)

    def _large(self, event: Any, text: str) -> int | str:
        digits = len(text.lstrip("-"))
        if digits <= _LONG and int(text) in _64_BITS:
            return int(text)
        if not self._limits.foreign:
            message = f"this number has {digits} digits; a number has at most 64 bits"
            self._found.add(
                "RC128",
                self._mark(event),
                message,
                remedy="put it in quotes if it is meant as a text",
            )
            self._whole = False
        return text

    def _check_quoted(self, event: Any) -> None:
        """A text in quotes, or a block of text."""
        if event.start_mark.line != event.end_mark.line or event.style in ("|", ">"):
            self.doubtful = True
        if self._escapes and event.style == '"' and not self._limits.foreign:
            self._check_escapes(event)

    def _check_escapes(self, event: Any) -> None:
        """Escapes of a double-quoted text can write what the raw text was searched for."""
        match = _FORBIDDEN.search(event.value)
        if match:
            self._add(
                "RC105",
                event,
                f"the text holds the character {_name_character(match[0])}, which is not allowed",
            )
            self._whole = False
        for secret in _find_secrets(event.value):
            self._add("RC112", event, f"this looks like {secret.name}")

    def _take_anchor(self, event: Any, value: Any) -> None:
        if self._limits.foreign:
            if event.anchor is not None:
                self._anchors[event.anchor] = value
            return
        if event.anchor is not None:
            self._add("RC107", event, f"the anchor `&{event.anchor}` is not allowed")
        if event.tag is not None:
            self._add("RC108", event, f"the tag `{event.tag}` is not allowed")

    def _alias(self, event: Any) -> None:
        if self._limits.foreign:
            value = self._anchors.get(event.anchor)
        else:
            self._add("RC107", event, f"the alias `*{event.anchor}` is not allowed")
            self._whole, value = False, None
        if type(self._container) is Map and self._key is None:
            self._field(value, f"*{event.anchor}", self._mark(event))
        else:
            self._put(value, self._mark(event))

    def _open(self, event: Any, make: type[Map | Seq]) -> None:
        mark = self._mark(event)
        value = make(mark)
        if event.anchor is not None or event.tag is not None:
            self._take_anchor(event, value)
        if type(self._container) is Map and self._key is None:
            braces = make is Map and self._container.mark[1:] == (mark[1], mark[2] - 1)
            remedy = 'put the whole value in quotes: "{{ … }}"' if braces else ""
            self._found.add(
                "RC110", mark, "a field name cannot be a list or a mapping", remedy=remedy
            )
            self._whole = False
            self._key = _DROPPED
            self._key_mark = mark
            self._stack.append((self._container, self._key, self._key_mark))
        else:
            self._put(value, mark)
            self._stack.append((self._container, None, mark))
        self._container = value
        self._key = None
        if event.flow_style:
            self._flow += 1
        if len(self._stack) > self._limits.depth:
            self._found.add(
                "RC111", mark, f"this is nested more than {self._limits.depth} levels deep"
            )
            self.stopped = True
            self._whole = False
            self.documents[-1].whole = False

    def _close(self, event: Any) -> None:
        if self._flow:
            self._flow -= 1
            assert self._container is not None
            if event.end_mark.line + 1 != self._container.mark[1]:
                self.doubtful = True  # a flow collection of several lines
        self._container, self._key, self._key_mark = self._stack.pop()

    def _field(self, value: Any, text: str, mark: Mark) -> None:
        """``value`` (written as ``text``) is the name of a field of the current mapping."""
        assert isinstance(self._container, Map)
        if not isinstance(value, str):
            if not self._limits.foreign:
                self._found.add(
                    "RC110", mark, f"the field name `{text}` is not text but {_type_of(value)}"
                )
                self._whole, text = False, _DROPPED
            value = text
        if value in self._container:
            _, line, column = self._container.key_marks[value]
            first = f"it is already written in line {line}, column {column}"
            self._found.add("RC109", mark, f"the field `{value}` is written twice: {first}")
        self._key = value
        self._key_mark = mark

    def _put(self, value: Any, mark: Mark) -> None:
        container = self._container
        if container is None:
            if value is not None:
                self.documents.append(Parsed(value, mark))
        elif type(container) is Seq:
            container.append(value)
            container.marks.append(mark)
        elif isinstance(container, Map) and self._key is not None:
            key, self._key = self._key, None
            if key is not _DROPPED and key not in container:  # the first of two equal fields stays
                container[key] = value
                container.marks[key] = mark
                container.key_marks[key] = self._key_mark


def _type_of(value: object) -> str:
    return (
        "nothing" if value is None else "true or false" if isinstance(value, bool) else "a number"
    )


def _characters_allowed(text: str, file: str, found: Collector) -> bool:
    """Also looks for secrets, comments included; these are reported but do not stop the reading."""
    for secret in _find_secrets(text)[:_SHOWN]:
        found.add("RC112", _mark_at(text, secret.begin, file), f"this looks like {secret.name}")
    pattern = _FORBIDDEN_ASCII if text.isascii() else _FORBIDDEN
    allowed = True
    for match in islice(pattern.finditer(text), _SHOWN):
        allowed = False
        found.add(
            "RC105",
            _mark_at(text, match.start(), file),
            f"the character {_name_character(match[0])} is not allowed",
        )
    return allowed


def _find_secrets(text: str) -> list[Found]:
    """A URL with a password in it is reported where a URL is read."""
    return [secret for secret in secrets_in(text) if secret.name != CREDENTIALS_IN_URL]


def _mark_at(text: str, offset: int, file: str) -> Mark:
    return file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _name_character(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name})"
