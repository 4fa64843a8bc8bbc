"""Regular expressions of a foreign JSON Schema, matched in time that grows with pattern and text alone.

Python's ``re`` tries every way to match and can run for ever (``(a+)+$``). Here a pattern becomes a list of states, and
all that are possible are followed at once (Thompson 1968). What needs more than states is refused in words: looking
ahead or behind, and referring to a group.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]  # re's own parser: no second grammar to disagree with
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_MOST_STATES = 2_000
_MOST_STEPS = 2_000_000  # states looked at for one text: some seconds
_WORD = re.compile(r"\w")
_SIMPLE = frozenset({op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN})
_REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT})
_CATEGORIES = {
    op.CATEGORY_DIGIT: re.compile(r"\d"), op.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    op.CATEGORY_SPACE: re.compile(r"\s"), op.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    op.CATEGORY_WORD: _WORD, op.CATEGORY_NOT_WORD: re.compile(r"\W"),
}  # fmt: skip


@dataclass(slots=True)
class _State:
    """Takes one character (``item``), or is at a place (``at``), or nothing; then one of ``next`` follows."""

    item: tuple[Any, Any] | None = None
    at: Any = None
    next: list[int] = field(default_factory=list)


class Pattern:
    """One pattern. Raises ``ValueError`` that says why it cannot be used."""

    def __init__(self, text: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # what Python may read otherwise one day is none of the author's concern
                tree = _parser.parse(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"`{text}` is not a regular expression: {error}") from None
        if tree.state.flags & ~re.UNICODE.value:
            raise ValueError(f"`{text}` sets flags, which JSON Schema does not have")
        self._text = text
        self._states: list[_State] = []
        self._end = self._add(_State())
        self._start = self._chain(tree, self._end)

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches somewhere in ``text``. Raises ``ValueError`` when the text is too long for it."""
        if len(self._states) * (len(text) + 1) > _MOST_STEPS:
            raise ValueError(f"`{self._text}` takes too long on a text of {len(text)} characters")
        states = self._states
        current: set[int] = set()
        for place in range(len(text) + 1):
            current = self._closure([self._start, *current], text, place)
            if self._end in current:
                return True
            if place < len(text):
                following = (state for state in map(states.__getitem__, current) if state.item is not None)
                current = {state.next[0] for state in following if _takes(state.item, text[place])}
        return False

    def _closure(self, starts: Iterable[int], text: str, place: int) -> set[int]:
        """Every state that is reached without taking a character."""
        reached: set[int] = set()
        todo = list(starts)
        while todo:
            number = todo.pop()
            if number in reached:
                continue
            reached.add(number)
            state = self._states[number]
            if state.item is None and (state.at is None or _is_at(state.at, text, place)):
                todo += state.next
        return reached

    def _add(self, state: _State) -> int:
        if len(self._states) >= _MOST_STATES:
            raise ValueError(f"`{self._text}` is too large: its repetitions come to more than {_MOST_STATES} steps")
        self._states.append(state)
        return len(self._states) - 1

    def _chain(self, nodes: Iterable[Any], after: int) -> int:
        """The state with which ``nodes``, one after the other, begin; ``after`` follows them."""
        for node in reversed(list(nodes)):
            after = self._node(node, after)
        return after

    def _node(self, node: tuple[Any, Any], after: int) -> int:
        kind, value = node
        if kind in _SIMPLE:
            return self._add(_State(item=node, next=[after]))
        if kind is op.AT:
            return self._add(_State(at=value, next=[after]))
        if kind is op.BRANCH:
            return self._add(_State(next=[self._chain(branch, after) for branch in value[1]]))
        if kind is op.SUBPATTERN:
            _, on, off, inner = value
            if on or off:
                raise ValueError(f"`{self._text}` sets flags, which JSON Schema does not have")
            return self._chain(inner, after)
        if kind in _REPEATS:
            least, most, inner = value
            return self._repeat(least, most, inner, after)
        what = "looks ahead or behind" if kind in (op.ASSERT, op.ASSERT_NOT) else "refers to a group or never goes back"
        raise ValueError(f"`{self._text}` {what}, which is left out here: it could take for ever")

    def _repeat(self, least: int, most: Any, inner: Any, after: int) -> int:
        if most is op.MAXREPEAT:
            loop = self._add(_State(next=[after]))
            self._states[loop].next.insert(0, self._chain(inner, loop))
            start = loop
        else:
            start = after
            for _ in range(most - least):
                start = self._add(_State(next=[self._chain(inner, start), after]))
        for _ in range(least):
            start = self._chain(inner, start)
        return start


@lru_cache(maxsize=512)
def pattern(text: str) -> Pattern:
    """The compiled pattern. Raises ``ValueError`` that says why it cannot be used."""
    return Pattern(text)


def _is_at(place: Any, text: str, index: int) -> bool:
    """As ECMA-262 reads it: ``$`` is the very end, also before a last newline."""
    if place in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
        return index == 0
    if place in (op.AT_END, op.AT_END_STRING):
        return index == len(text)
    before = index > 0 and _WORD.match(text[index - 1]) is not None
    after = index < len(text) and _WORD.match(text[index]) is not None
    return (before != after) is (place is op.AT_BOUNDARY)


def _takes(item: Any, character: str) -> bool:
    kind, value = item
    if kind is op.LITERAL:
        return ord(character) == int(value)
    if kind is op.NOT_LITERAL:
        return ord(character) != int(value)
    if kind is op.ANY:
        return character != "\n"
    parts = value[1:] if value[0][0] is op.NEGATE else value
    return any(_is_in(part, character) for part in parts) is not (value[0][0] is op.NEGATE)


def _is_in(part: Any, character: str) -> bool:
    kind, value = part
    if kind is op.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if kind is op.CATEGORY:
        return _CATEGORIES[value].match(character) is not None
    return ord(character) == int(value)
