"""What a row is, and what all rows share while they are measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.measuring.figures import NO_GOAL, By, Goal, Sample
from benchmarks.measuring.turns import Turns, tell
from benchmarks.worlds.place import Kind, Place, lean_environment, make_place

# An apply takes long; a start takes little, and varies much.
FEW, MANY = 3, 4


# The option of a plan that uses nothing that was kept.
COLD = "--no-cache"


class NotBuiltError(Exception):
    """What a row measures does not exist in this version: the table says so, and has no figure."""


@dataclass
class Bench:
    """``clients`` and ``rounds`` as asked for; and places where everything is applied, which the
    rows share. Use it as a context manager."""

    clients: int
    rounds: int
    _stack: ExitStack = field(default_factory=ExitStack)
    _applied: dict[Kind, tuple[Place, Sample]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def few(self) -> int:
        """The rounds of what takes long: three at most."""
        return min(self.rounds, FEW)

    @property
    def many(self) -> int:
        """The rounds of what takes a blink: four times as many, when there are several."""
        return self.rounds * MANY if self.rounds > 1 else 1

    @cached_property
    def desk(self) -> dict[str, str]:
        """The variables of a program that needs no server."""
        home = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-"))
        return lean_environment(Path(home))

    def applied(self, kind: Kind) -> Place:
        """A place of this kind where all clients are applied: made once, kept to the end."""
        return self._apply(kind)[0]

    def first_apply(self, kind: Kind) -> Sample:
        """What it took to apply all clients of ``applied(kind)``."""
        return self._apply(kind)[1]

    def _apply(self, kind: Kind) -> tuple[Place, Sample]:
        if kind not in self._applied:
            tell(f"making a place of {kind.clients} clients")
            place = self._stack.enter_context(make_place(kind))
            self._applied[kind] = place, place.apply()
        return self._applied[kind]


@dataclass(frozen=True, slots=True)
class Row:
    """``what`` is measured ``against`` a baseline ``by`` the clock or by CPU; ``measure`` does it,
    and raises ``NotBuiltError`` or ``BenchmarkError``.

    ``apart``: it is only measured when it is asked for.
    """

    name: str
    what: str
    against: str
    measure: Callable[[Bench], Turns]
    goal: Goal = NO_GOAL
    by: By = By.WALL
    apart: bool = False
