"""Regular expressions that take linear time, for patterns that a policy declares.

Python's own try every way to share out a text among repetitions: ``^(a+)+$`` and forty letters keep them busy for
years. Here all ways are followed at once, a character at a time (Thompson 1968, as in RE2), so a match costs the length
of the text times that of the pattern. What that method cannot do (back references, looking ahead) is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MAX_LENGTH = 200  # characters of a pattern
MAX_STEPS = 1000  # of the program that it is compiled to: {n,m} repeats what it stands behind
MAX_DEPTH = 20  # groups in groups
_REMEMBERED = 4096
_QUANTIFIERS = "*+?{"

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Step:
    """``one`` takes a character that passes ``test``; ``fork`` goes on at both places, counted from here; ``start`` and
    ``end`` hold at an edge of the text."""

    kind: str
    test: Test | None = None
    here: int = 1
    there: int = 1


_Program = list[_Step]


class PatternError(ValueError):
    """The sentence says what is wrong, ``position`` (from 0) where in the pattern."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; equal to another one with the same text. What follows on what is remembered: thousands of
    names begin alike."""

    text: str
    _program: tuple[_Step, ...] = field(compare=False)
    _known: dict[tuple[frozenset[int], str, bool], frozenset[int]] = field(default_factory=dict, compare=False)

    def found_in(self, text: str) -> bool:
        """Whether any part of ``text`` matches; ``^`` and ``$`` are its very beginning and end."""
        end, length = len(self._program), len(text)
        threads = self._follow((0,), first=True, last=not text)
        for place, character in enumerate(text, 1):
            if end in threads:
                return True
            asked = threads, character, place == length
            known = self._known.get(asked)
            if known is None:
                known = self._follow((0, *self._taking(threads, character)), first=False, last=place == length)
                if len(self._known) < _REMEMBERED:
                    self._known[asked] = known
            threads = known
        return end in threads

    def _taking(self, threads: Iterable[int], character: str) -> set[int]:
        tests = ((at, self._program[at].test) for at in threads)
        return {at + 1 for at, test in tests if test is not None and test(character)}

    def _follow(self, threads: Iterable[int], *, first: bool, last: bool) -> frozenset[int]:
        """Where ``threads`` get without taking a character."""
        seen: set[int] = set()
        todo = list(threads)
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            if at == len(self._program):
                continue
            step = self._program[at]
            if step.kind == "fork":
                todo += [at + step.here, at + step.there]
            elif (step.kind == "start" and first) or (step.kind == "end" and last):
                todo.append(at + 1)
        return frozenset(seen)


def compile_pattern(text: str) -> Pattern:
    """Letters, ``.``, classes (``[a-z]``, ``\\d``, ``\\w``, ``\\s``), groups, ``|``, ``* + ? {n,m}``, ``^`` and ``$``.

    Raises ``PatternError``.
    """
    if len(text) > MAX_LENGTH:
        raise PatternError(MAX_LENGTH, f"a pattern has at most {MAX_LENGTH} characters")
    reader = _Reader(text)
    program = reader.alternatives(0)
    if reader.at < len(text):
        raise PatternError(reader.at, "this bracket closes nothing")
    return Pattern(text, tuple(program))


class _Reader:
    """Compiles a pattern while it is read from left to right. ``at`` is the next character."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def alternatives(self, depth: int) -> _Program:
        branches = [self._sequence(depth)]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._sequence(depth))
        program = branches.pop()
        while branches:
            before = branches.pop()
            # Either the branch, and then past the rest; or the rest.
            past = len(program) + 1
            program = [_fork(1, len(before) + 2), *before, _fork(past, past), *program]
        return self._bounded(program)

    def _sequence(self, depth: int) -> _Program:
        program: _Program = []
        while self._peek() not in ("", "|", ")"):
            start = self.at
            atom = self._atom(depth)
            quantified = self._peek() in tuple(_QUANTIFIERS)
            if quantified and self.text[start] in tuple("^$"):
                raise PatternError(self.at, "there is nothing to repeat")
            program += self._repeated(atom) if quantified else atom
            self._bounded(program)
        return program

    def _bounded(self, program: _Program) -> _Program:
        if len(program) > MAX_STEPS:
            raise PatternError(0, f"the pattern is too large: it has more than {MAX_STEPS} steps")
        return program

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._peek()
        self.at += 1
        return character

    def _atom(self, depth: int) -> _Program:
        start, character = self.at, self._take()
        if character == "(":
            return self._group(start, depth)
        if character in ("^", "$"):
            return [_Step("start" if character == "^" else "end")]
        if character in tuple(_QUANTIFIERS):
            raise PatternError(start, "there is nothing to repeat")
        if character in ("]", "}"):
            raise PatternError(start, f"this bracket closes nothing; write \\{character} for the character itself")
        if character == "[":
            return [_Step("one", self._class(start))]
        if character == ".":
            return [_Step("one", lambda one: one != "\n")]
        return [_Step("one", self._escape(start) if character == "\\" else _equal(character))]

    def _group(self, start: int, depth: int) -> _Program:
        if self._peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise PatternError(start, "looking ahead or behind, flags and named groups are not available")
            self.at += 2
        if depth == MAX_DEPTH:
            raise PatternError(start, f"groups are nested more than {MAX_DEPTH} deep")
        inner = self.alternatives(depth + 1)
        if self._take() != ")":
            raise PatternError(start, "this bracket is not closed")
        return inner or [_fork(1, 1)]

    def _escape(self, start: int) -> Test:
        character = self._take()
        if character.lower() in _CLASSES and character:
            inside = _CLASSES[character.lower()]
            return inside if character.islower() else lambda one: not inside(one)
        if character in _CONTROLS:
            return _equal(_CONTROLS[character])
        if character.isalnum() or not character:
            raise PatternError(start, f"\\{character} means nothing here")
        return _equal(character)

    def _class(self, start: int) -> Test:
        negated = self._peek() == "^"
        self.at += negated
        tests: list[Test] = []
        while not tests or self._peek() != "]":
            if not self._peek():
                raise PatternError(start, "this bracket is not closed")
            tests.append(self._member())
        self.at += 1
        return lambda one: any(test(one) for test in tests) is not negated

    def _member(self) -> Test:
        """A character, a class or a range of a class in brackets."""
        start, low = self.at, self._take()
        if low == "\\":
            escaped = self._escape(start)
            if self.text[start + 1] in _CONTROLS or not self.text[start + 1].isalnum():
                low = _CONTROLS.get(self.text[start + 1], self.text[start + 1])
            else:
                return escaped
        if self._peek() != "-" or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return _equal(low)
        self.at += 1
        high = self._take()
        if high == "\\":
            high = self._take()
            if high.isalnum() or not high:
                raise PatternError(start, "a range goes from one character to another")
        if not low <= high:
            raise PatternError(start, f"the range {low}-{high} is the wrong way round")
        return lambda one: low <= one <= high

    def _repeated(self, atom: _Program) -> _Program:
        sign = self.at
        low, high = self._times()
        if self._peek() in tuple(_QUANTIFIERS):
            raise PatternError(self.at, "one repetition behind another; put what is repeated in brackets")
        if max(low, high or 0) * len(atom) > MAX_STEPS:
            raise PatternError(sign, f"this repeats too much: at most {MAX_STEPS} steps in all")
        program = atom * low
        if high is None:
            return [*program, _fork(1, len(atom) + 2), *atom, _fork(-len(atom) - 1, -len(atom) - 1)]
        for left in range(high - low, 0, -1):
            program = [*program, _fork(1, left * (len(atom) + 1)), *atom]
        return program

    def _times(self) -> tuple[int, int | None]:
        start, sign = self.at, self._take()
        if sign != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at : max(end, self.at)].partition(",")
        if end < 0 or not low.isdecimal() or not (high.isdecimal() or not high) or len(low + high) > 8:
            raise PatternError(start, "write {n}, {n,} or {n,m}, or \\{ for the character itself")
        self.at = end + 1
        if comma and high and int(high) < int(low):
            raise PatternError(start, f"the range {low},{high} is the wrong way round")
        return int(low), (int(high) if high else None) if comma else int(low)


def _fork(here: int, there: int) -> _Step:
    return _Step("fork", None, here, there)


def _equal(character: str) -> Test:
    return lambda one: one == character


_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
_CLASSES: dict[str, Test] = {
    "d": lambda one: one.isdecimal(),
    "w": lambda one: one.isalnum() or one == "_",
    "s": str.isspace,
}
