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
from collections.abc import Callable
from itertools import islice
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.dataclass import dataclass
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
_ORDINARY = bytes((*range(0x20, 0x7F), 0x0A))  # what most texts are made of
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
_DIGITS = frozenset("-0123456789")  # what a whole number begins with
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
    reader = _Reader(text, file, found, limits)
    try:
        reader.read()
    except YAMLError as error:
        report_syntax(error, text, file, found)
    if (
        not limits.foreign
        and (reader.doubtful or is_doubtful(text))
        and report_doubts(text, file, found)
    ):
        reader.doubt()
    return reader.documents


_BEGINNINGS = frozenset({MappingStartEvent, SequenceStartEvent})  # of collections


class _TooDeep(Exception):
    """Nested deeper than is allowed; what was read by then is kept."""


class _Reader:
    """Turns events into values. A collection is put where it belongs before it is filled, so that
    a text that cannot be read to its end leaves what was read."""

    def __init__(
        self,
        text: str,
        file: str,
        found: Collector,
        limits: TextLimits,
    ) -> None:
        self.documents: list[Parsed] = []
        self.doubtful = False
        self._next: Callable[[], Any] = CParser(text).get_event
        self._file = file
        self._found = found
        self._limits = limits
        self._escapes = "\\" in text
        self._whole = True
        self._anchors: dict[str, Any] = {}
        self._depth = 0
        self._flow = 0  # how many flow collections are open

    def doubt(self) -> None:
        """What was read may be read otherwise elsewhere."""
        for document in self.documents:
            document.whole = False

    def read(self) -> None:
        """Read to the end. Raises ``YAMLError``, and forgets the document that is cut short."""
        complete = 0
        try:
            while (event := self._next()) is not None:
                if type(event) is DocumentStartEvent:
                    self._read_document(event)
                    complete = len(self.documents)
        except _TooDeep:
            self.documents[-1].whole = False
        except YAMLError:
            del self.documents[complete:]
            raise

    def _read_document(self, start: Any) -> None:
        self._whole, self._anchors = True, {}
        if not self._limits.foreign:
            self._check_directives(start)
        event = self._next()
        mark = self._mark(event)
        value = self._value(event, mark)
        if value is None:
            return
        document = Parsed(value, mark)
        self.documents.append(document)
        self._fill(event, value)
        document.whole = self._whole

    def _check_directives(self, event: Any) -> None:
        """libyaml reads YAML 1.1 whatever version a file says; a tag prefix changes what tags
        mean."""
        if event.version:
            self._add("RC108", event, "a %YAML directive is not allowed")
        if event.tags:
            self._add("RC108", event, "a %TAG directive is not allowed")

    def _mark(self, event: Any) -> Mark:
        start = event.start_mark
        return self._file, start.line + 1, start.column + 1

    def _add(
        self,
        code: str,
        event: Any,
        message: str,
    ) -> None:
        self._found.add(code, self._mark(event), message)

    def _value(
        self,
        event: Any,
        mark: Mark,
    ) -> Any:
        """The value that begins with ``event``; a collection is still empty."""
        kind = type(event)
        if kind is ScalarEvent:
            value = event.value
            if not event.implicit[0]:
                self._check_quoted(event)
            elif value in _PLAIN:
                value = _PLAIN[value]
            elif value[0] in _DIGITS and _WHOLE_NUMBER.match(value):
                value = int(value) if len(value) <= _SHORT else self._large(event, value)
        elif kind is MappingStartEvent:
            value = Map(mark)
        elif kind is SequenceStartEvent:
            value = Seq(mark)
        else:
            return self._alias(event)
        if event.anchor is not None or event.tag is not None:
            self._take_anchor(event, value)
        return value

    def _large(
        self,
        event: Any,
        text: str,
    ) -> int | str:
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

    def _take_anchor(
        self,
        event: Any,
        value: Any,
    ) -> None:
        if self._limits.foreign:
            if event.anchor is not None:
                self._anchors[event.anchor] = value
            return
        if event.anchor is not None:
            self._add("RC107", event, f"the anchor `&{event.anchor}` is not allowed")
        if event.tag is not None:
            self._add("RC108", event, f"the tag `{event.tag}` is not allowed")

    def _alias(self, event: Any) -> Any:
        if self._limits.foreign:
            return self._anchors.get(event.anchor)
        self._add("RC107", event, f"the alias `*{event.anchor}` is not allowed")
        self._whole = False
        return None

    def _fill(
        self,
        start: Any,
        value: Any,
    ) -> None:
        """Read what is in ``value``, which ``start`` began; nothing where it is no collection."""
        kind = type(start)
        if kind not in _BEGINNINGS:
            return
        self._depth += 1
        self._flow += start.flow_style
        if self._depth > self._limits.depth:
            self._found.add(
                "RC111",
                value.mark,
                f"this is nested more than {self._limits.depth} levels deep",
            )
            raise _TooDeep
        end = self._fill_map(value) if kind is MappingStartEvent else self._fill_seq(value)
        if self._flow:
            self._flow -= 1
            if end.end_mark.line + 1 != value.mark[1]:
                self.doubtful = True  # a flow collection of several lines
        self._depth -= 1

    def _fill_seq(self, container: Seq) -> Any:
        following, file, marks = self._next, self._file, container.marks
        while type(event := following()) is not SequenceEndEvent:
            start = event.start_mark
            mark = (file, start.line + 1, start.column + 1)
            value = self._value(event, mark)
            container.append(value)
            marks.append(mark)
            if type(event) in _BEGINNINGS:
                self._fill(event, value)
        return event

    def _fill_map(self, container: Map) -> Any:
        following, file = self._next, self._file
        marks, key_marks = container.marks, container.key_marks
        while type(event := following()) is not MappingEndEvent:
            start = event.start_mark
            key_mark = (file, start.line + 1, start.column + 1)
            key = self._value(event, key_mark)
            if type(key) is not str or key in container:
                key = self._check_field(event, key, container)
            event = following()
            start = event.start_mark
            mark = (file, start.line + 1, start.column + 1)
            value = self._value(event, mark)
            if key is not None:
                container[key], marks[key], key_marks[key] = value, mark, key_mark
            if type(event) in _BEGINNINGS:
                self._fill(event, value)
        return event

    def _check_field(
        self,
        event: Any,
        key: Any,
        container: Map,
    ) -> str | None:
        """The name of a field that is no text, or is in ``container`` already: the first of two
        equal fields stays. None: what it names is left out."""
        mark, kind = self._mark(event), type(event)
        if kind in _BEGINNINGS:
            braces = type(key) is Map and container.mark[1:] == (mark[1], mark[2] - 1)
            remedy = 'put the whole value in quotes: "{{ … }}"' if braces else ""
            self._found.add(
                "RC110", mark, "a field name cannot be a list or a mapping", remedy=remedy
            )
            self._whole = False
            self._fill(event, key)
            return None
        if type(key) is not str:
            text = f"*{event.anchor}" if kind is AliasEvent else event.value
            if not self._limits.foreign:
                what = _type_of(key)
                self._found.add("RC110", mark, f"the field name `{text}` is not text but {what}")
                self._whole = False
                return None
            key = text
        if key not in container:
            return str(key)
        _, line, column = container.key_marks[key]
        first = f"it is already written in line {line}, column {column}"
        self._found.add("RC109", mark, f"the field `{key}` is written twice: {first}")
        return None


def _type_of(value: object) -> str:
    return (
        "nothing" if value is None else "true or false" if isinstance(value, bool) else "a number"
    )


def _characters_allowed(
    text: str,
    file: str,
    found: Collector,
) -> bool:
    """Also looks for secrets, comments included; these are reported but do not stop the reading."""
    for secret in _find_secrets(text)[:_SHOWN]:
        found.add("RC112", _mark_at(text, secret.begin, file), f"this looks like {secret.name}")
    if text.isascii() and not text.encode("ascii").translate(None, _ORDINARY):
        return True
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


def _mark_at(
    text: str,
    offset: int,
    file: str,
) -> Mark:
    return file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _name_character(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name})"
