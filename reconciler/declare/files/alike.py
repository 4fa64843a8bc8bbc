"""Texts of clients that differ from one that was read in nothing but a few words.

Ten thousand clients are written after a few patterns. A text that has the lines of an earlier one,
but for words in the places of words, means the same tree with these words in it: no event of the
parser, no secret and no doubt can be elsewhere. So it is not parsed; it shares all that is equal
with the earlier one. Whatever is not so plain is parsed.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import field
from operator import attrgetter
from typing import Any, NamedTuple

from reconciler.dataclass import dataclass
from reconciler.declare.files.documents import Document, Moves
from reconciler.declare.findings.nodes import Map, Seq
from reconciler.declare.schema.schemas import leaf_acceptor
from reconciler.domain.secrecy import holds_secret
from reconciler.domain.secrecy.plaintext import PUNCTUATION, is_plain

_MOST_LINES = 12  # that differ
_MOST_MODELS = 3  # of one length
# What can be replaced by its like and stays one plain scalar, or one in double quotes, in every
# place of a block and of a flow collection: words with one character between them, none of which
# begins or ends anything in YAML, hides anything from a reader or is decoded by anybody.
_WORDS = r"[A-Za-z][A-Za-z0-9]*(?:[-_./@ ][A-Za-z0-9]+)*"
_QUOTED = r"[A-Za-z0-9](?:[A-Za-z0-9:/._@~+-]*[A-Za-z0-9/])?"
_IS_WORDS, _IS_QUOTED = re.compile(_WORDS), re.compile(_QUOTED)
# Read as something else than a text.
_NO_TEXTS = frozenset({"null", "true", "false"})
_PUNCTUATION = tuple(PUNCTUATION)


_Path = tuple[str | int, ...]
_Change = tuple[_Path, str]


class _Place(NamedTuple):
    """Where a text stands in a line, and in the document. ``accepts``: whether the schema allows a
    text there."""

    begin: int
    end: int
    quoted: bool
    path: _Path
    accepts: Callable[[object], bool]

    def allows(self, text: str) -> bool:
        """Whether ``text`` is read as a text there, and may be one."""
        return (self.quoted or text not in _NO_TEXTS) and self.accepts(text)


class _Line(NamedTuple):
    """What a line with other words in it looks like, and the lines around it out of which no word
    reaches."""

    pattern: re.Pattern[str]
    places: tuple[_Place, ...]
    block: range


@dataclass(slots=True)
class Model:
    """A text with nothing wrong, and the document that it is."""

    text: str
    document: Document
    # made when the first other text is compared
    _lines: list[str] = field(default_factory=list)
    _places: dict[int, list[_Place]] = field(default_factory=dict)
    _looks: dict[int, _Line | None] = field(default_factory=dict)

    def read(
        self,
        text: str,
        file: str,
    ) -> Document | None:
        """The document that ``text`` is, which has as many lines; None where only a parser can
        tell."""
        if not self._lines:
            self._lines = self.text.split("\n")
        mine, lines = self._lines, text.split("\n")
        others = [number for number, line in enumerate(lines) if line != mine[number]]
        if len(others) > _MOST_LINES:
            return None
        changes: list[_Change] = []
        moves: Moves = {}
        around: set[int] = set()
        for number in others:
            look = self._look(number)
            match = look.pattern.fullmatch(lines[number]) if look is not None else None
            if look is None or match is None:
                return None
            around.update(look.block)
            for place, found in zip(look.places, match.groups(), strict=True):
                before = mine[number][place.begin : place.end]
                if found != before:
                    if not place.allows(found):
                        return None
                    changes.append((place.path, found))
                    by = len(found) - len(before)
                    moves.setdefault(number + 1, []).append((place.begin + 1, by))
        if holds_secret("\n".join([lines[number] for number in sorted(around)])):
            return None
        document = self.document.change(_put(self.document.value, changes), file, moves)
        return document if document.name else None

    def _look(self, number: int) -> _Line | None:
        if number not in self._looks:
            self._looks[number] = self._describe(number)
        return self._looks[number]

    def _describe(self, number: int) -> _Line | None:
        lines = self._lines
        if not self._places:
            self._places = _find_places(self.document.value, lines)
        places = tuple(sorted(self._places.get(number, ()), key=attrgetter("begin")))
        if not places:
            return None
        line, at, parts = lines[number], 0, []
        for place in places:
            parts += [re.escape(line[at : place.begin]), f"({_QUOTED if place.quoted else _WORDS})"]
            at = place.end
        parts.append(re.escape(line[at:]))
        return _Line(re.compile("".join(parts)), places, _block(lines, number))


class Models:
    """The texts that others are compared with: of each number of lines the last ones."""

    def __init__(self) -> None:
        self._by_length: dict[int, deque[Model]] = defaultdict(lambda: deque(maxlen=_MOST_MODELS))

    def find(
        self,
        text: str,
        file: str,
    ) -> Document | None:
        """The document that ``text`` is, where it is like one that was kept."""
        models = self._by_length.get(text.count("\n"), ())
        return next(filter(None, (one.read(text, file) for one in models)), None)

    def keep(self, text: str, document: Document) -> None:
        """Compare others with ``text``, which is ``document`` alone, and in which nothing is
        wrong."""
        if is_plain(text) and document.like is None:
            self._by_length[text.count("\n")].appendleft(Model(text, document))


def _find_places(document: Map, lines: list[str]) -> dict[int, list[_Place]]:
    """The texts that may be replaced, by the number of their line, from 0."""
    found: dict[int, list[_Place]] = defaultdict(list)
    for value, (_, line, column), path in _texts(document, ()):
        rest, begin = lines[line - 1][column - 1 :], column - 1
        quoted = rest.startswith(f'"{value}"')
        if quoted and _IS_QUOTED.fullmatch(value):
            begin += 1
        elif quoted or not rest.startswith(value) or not _IS_WORDS.fullmatch(value):
            continue
        accepts = leaf_acceptor("IntegrationClient", path)
        if accepts is not None:
            found[line - 1].append(_Place(begin, begin + len(value), quoted, path, accepts))
    return found


def _texts(
    container: Map | Seq,
    path: _Path,
) -> Iterator[tuple[str, tuple[str, int, int], _Path]]:
    """The texts that are values of fields, with their places. Those of lists are left out: what is
    asked of a list as a whole depends on them."""
    items: Any = container.items() if isinstance(container, Map) else enumerate(container)
    for part, value in items:
        if isinstance(value, Map | Seq):
            yield from _texts(value, (*path, part))
        elif isinstance(value, str) and isinstance(container, Map):
            yield value, container.marks[part], (*path, part)


def _block(lines: list[str], number: int) -> range:
    """The lines around one out of which no word reaches, wherever lines are joined."""

    def divides(after: int) -> bool:
        following = lines[after + 1].lstrip()
        return lines[after].endswith(_PUNCTUATION) or following.startswith(_PUNCTUATION)

    first, last = number, number
    while first > 0 and not divides(first - 1):
        first -= 1
    while last + 1 < len(lines) and not divides(last):
        last += 1
    return range(first, last + 1)


def _put(document: Map, changes: list[_Change]) -> Map:
    """``document`` with other texts; whatever does not hold one of them is shared."""
    result = document.copy()
    copies = {id(result)}
    for path, text in changes:
        container: Any = result
        for part in path[:-1]:
            inner = container[part]
            if id(inner) not in copies:
                inner = container[part] = inner.copy()
                copies.add(id(inner))
            container = inner
        container[path[-1]] = text
    return result
