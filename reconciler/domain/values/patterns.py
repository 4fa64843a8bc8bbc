"""Regular expressions of policies and of foreign JSON Schemas, matched in time that grows with
pattern and text alone.

Python's own engine tries every way to share out a text among repetitions: ``^(a+)+$`` and forty
letters keep it busy for years. Here a pattern becomes a list of states, and all that are possible
are followed at once (Thompson 1968, as in RE2). What needs more than states is refused in words:
looking ahead or behind, and referring to a group.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable
from dataclasses import field
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]  # re's own parser: no second grammar to disagree with
from re import _parser  # type: ignore[attr-defined]
from threading import Lock
from typing import Any, NamedTuple

from reconciler.dataclass import dataclass
from reconciler.domain.values.ecma import translate

# Warnings are silenced for a whole process: threads that parse at once would undo it in each
# other's order, and leave it silenced.
_PARSING = Lock()
MAX_PARTS = 4_000  # states, and sequences read to make them: {n,m} repeats what it stands behind
# What is remembered of one pattern: so many steps, those that lead to few states. Memory has an
# end, too.
_REMEMBERED = 1_024
_FEW = 64
_LOOKS = re.compile(r"\(\?<?[=!]")
_FLAGS = "it sets flags, which are left out here"
_ENDLESS = "which is left out here: that could take for ever"
_WORD = re.compile(r"\w")
_ASCII_WORD = re.compile(r"\w", re.ASCII)
_SIMPLE = frozenset({op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN})
_REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT})
_BEGINNINGS = frozenset({op.AT_BEGINNING, op.AT_BEGINNING_STRING})
_BOUNDARIES = frozenset({op.AT_BOUNDARY, op.AT_NON_BOUNDARY})
_ENDS = frozenset({op.AT_END, op.AT_END_STRING})
_CATEGORIES = {
    op.CATEGORY_DIGIT: re.compile(r"\d"),
    op.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    op.CATEGORY_SPACE: re.compile(r"\s"),
    op.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    op.CATEGORY_WORD: _WORD,
    op.CATEGORY_NOT_WORD: re.compile(r"\W"),
}


class PatternError(ValueError):
    """The sentence says what is wrong, ``position`` (from 0) where in the pattern; 0 when it is all
    of it."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class _Place(NamedTuple):
    """Where in a text one is: what anchors and word boundaries ask for. Of a pattern without
    boundaries ``before`` and ``after`` are False: places that it cannot tell apart are one."""

    first: bool
    last: bool
    before: bool  # a letter, digit or underscore stands before it
    after: bool


@dataclass(slots=True)
class _State:
    """Takes one character (``item``), or is at a place (``at``), or nothing; then one of ``next``
    follows."""

    item: tuple[Any, Any] | None = None
    at: Any = None
    next: tuple[int, ...] = ()

    @property
    def work(self) -> int:
        """Steps that it takes to look at it."""
        return (
            1
            + len(self.next)
            + (len(self.item[1]) if self.item is not None and self.item[0] is op.IN else 0)
        )


_Step = tuple[frozenset[int], str, _Place]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; equal to another one with the same text. What follows on what is
    remembered: thousands of names begin alike."""

    text: str
    _states: tuple[_State, ...] = field(compare=False)
    _start: int = field(compare=False)
    _bounded: bool = field(compare=False)  # has a word boundary
    _word: re.Pattern[str] = field(compare=False)  # what stands on one side of a boundary
    _known: dict[_Step, frozenset[int]] = field(default_factory=dict, compare=False)

    def occurs_in(self, text: str, steps: int | None = None) -> bool:
        """Whether any part of ``text`` matches; ``^`` and ``$`` are its very beginning and end, as
        in ECMA-262.

        Raises ``PatternError`` when more than ``steps`` would be needed; None: however many.

        >>> compile_pattern("^(a+)+$").occurs_in("a" * 40 + "!")  # Python's own would need years
        False
        """
        spent, length, current = 0, len(text), frozenset[int]()
        before = after = False
        for at in range(length + 1):
            if self._bounded:
                before, after = after, self._word.match(text, at) is not None
            asked = current, text[at - 1 : at], _Place(at == 0, at == length, before, after)
            found = self._known.get(asked)
            if found is None:
                found, work = self._follow(*asked)
                spent += work
                if len(self._known) < _REMEMBERED and len(found) <= _FEW:
                    self._known[asked] = found
            current, spent = found, spent + 1
            if 0 in current:
                return True
            if steps is not None and spent > steps:
                raise PatternError(f"it takes too long on a text of {length} characters")
        return False

    def _follow(
        self, current: Collection[int], character: str, place: _Place
    ) -> tuple[frozenset[int], int]:
        """Every state that is reached by taking ``character``, then without taking one; and the
        steps of that."""
        looked_at = [self._states[number] for number in current]
        work = sum(state.work for state in looked_at)
        todo = [self._start]
        todo += [
            state.next[0]
            for state in looked_at
            if state.item is not None and _takes(state.item, character)
        ]
        reached: set[int] = set()
        while todo:
            number = todo.pop()
            if number in reached:
                continue
            reached.add(number)
            state = self._states[number]
            work += state.work
            if state.item is None and (state.at is None or _is_at(state.at, place)):
                todo += state.next
        return frozenset(reached), work


@lru_cache(maxsize=128)
def compile_pattern(text: str, *, ecma: bool = False) -> Pattern:
    r"""Python's syntax, or that of ECMA-262, without flags, references to groups and looking ahead
    or behind.

    Raises ``PatternError``.

    >>> compile_pattern("^pay").occurs_in("paystack")
    True
    >>> [compile_pattern(r"^\w$", ecma=ecma).occurs_in("é") for ecma in (False, True)]
    [True, False]
    >>> compile_pattern("pay(?=stack)")
    Traceback (most recent call last):
    reconciler.domain.values.patterns.PatternError: it looks ahead or behind, ...
    """
    try:
        with _PARSING, warnings.catch_warnings():
            # what Python may read otherwise one day is none of the author's concern
            warnings.simplefilter("ignore")
            tree = _parser.parse(translate(text) if ecma else text)
    except re.error as error:
        raise PatternError(error.msg, min(error.pos or 0, len(text))) from None
    except RecursionError:
        raise PatternError("its groups are nested too deeply") from None
    except OverflowError:
        raise PatternError("it repeats something too often") from None
    except ValueError as error:
        raise PatternError(str(error) if ecma else "it repeats something too often") from None
    if tree.state.flags & ~re.UNICODE.value:
        raise PatternError(_FLAGS)
    builder = _Builder(text)
    start = builder.chain(tree, builder.add(_State()))
    bounded = any(state.at in _BOUNDARIES for state in builder.states)
    return Pattern(
        text,
        tuple(builder.states),
        start,
        bounded,
        _ASCII_WORD if ecma else _WORD,
    )


class _Builder:
    """Makes states from the tree of a pattern, from its end to its beginning.

    State 0 is the end.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.states: list[_State] = []
        self._parts = 0

    def add(self, state: _State) -> int:
        self._count()
        self.states.append(state)
        return len(self.states) - 1

    def _count(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise PatternError(
                f"it is too large: with its repetitions it comes to more than {MAX_PARTS} steps"
            )

    def chain(self, nodes: Iterable[Any], after: int) -> int:
        """The state with which ``nodes``, one after the other, begin; ``after`` follows them."""
        self._count()
        for node in reversed(list(nodes)):
            after = self._node(node, after)
        return after

    def _node(self, node: tuple[Any, Any], after: int) -> int:
        kind, value = node
        if kind in _SIMPLE:
            return self.add(_State(item=node, next=(after,)))
        if kind is op.AT:
            return self.add(_State(at=value, next=(after,)))
        if kind is op.BRANCH:
            return self.add(
                _State(next=tuple(dict.fromkeys(self.chain(branch, after) for branch in value[1])))
            )
        if kind is op.SUBPATTERN:
            _, on, off, inner = value
            if on or off:
                raise PatternError(_FLAGS)
            return self.chain(inner, after)
        if kind in _REPEATS:
            least, most, inner = value
            return self._repeat(least, most, inner, after)
        if kind in (op.ASSERT, op.ASSERT_NOT):
            found = _LOOKS.search(self._text)
            raise PatternError(
                f"it looks ahead or behind, {_ENDLESS}", found.start() if found is not None else 0
            )
        raise PatternError(f"it refers to a group or never goes back, {_ENDLESS}")

    def _repeat(
        self,
        least: int,
        most: Any,
        inner: Any,
        after: int,
    ) -> int:
        start = after
        if most is op.MAXREPEAT:
            start = self.add(_State())
            self.states[start].next = (self.chain(inner, start), after)
        else:
            for _ in range(most - least):
                start = self.add(_State(next=(self.chain(inner, start), after)))
        for _ in range(least):
            start = self.chain(inner, start)
        return start


def _is_at(what: Any, place: _Place) -> bool:
    if what in _BEGINNINGS:
        return place.first
    if what in _ENDS:
        return place.last
    return (place.before != place.after) is (what is op.AT_BOUNDARY)


def _takes(item: tuple[Any, Any], character: str) -> bool:
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
