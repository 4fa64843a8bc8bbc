"""What a row of the table holds: samples, medians, a ratio, and whether its goals are met.

Pure: values in, values out.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

# The goals are stated for so many clients: with fewer, the start of the interpreter is much of
# what is measured, and there is little to keep in memory.
GOALS_FROM = 10_000


class By(StrEnum):
    """What a row compares: seconds on the clock, or CPU seconds of the client."""

    WALL = "wall"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Sample:
    """One program from its start to its end.

    ``wall`` and ``cpu`` are seconds; ``cpu`` counts the programs that it started, too. ``peak`` is
    the most memory that it, or one of these, held at once: megabytes of 10^6 bytes.
    """

    wall: float
    cpu: float
    peak: float

    def seconds(self, by: By) -> float:
        return self.wall if by is By.WALL else self.cpu


@dataclass(frozen=True, slots=True)
class Goal:
    """At most this: ``ratio`` to the baseline, ``seconds``, ``peak`` megabytes. ``None``: no goal.

    ``from_clients``: with fewer clients nothing is said about it.
    """

    ratio: float | None = None
    seconds: float | None = None
    peak: float | None = None
    from_clients: int = GOALS_FROM

    def __bool__(self) -> bool:
        """Whether there is one at all."""
        return any(most is not None for most in (self.ratio, self.seconds, self.peak))

    def name(self, by: By) -> str:
        """For people: what may be at most how much, and of which seconds if not of the clock's."""
        cpu = " CPU" if by is By.CPU else ""
        parts = ((self.ratio, f"x{cpu}"), (self.seconds, f"s{cpu}"), (self.peak, "MB"))
        return ", ".join(f"≤ {most:g} {unit}" for most, unit in parts if most is not None)


NO_GOAL = Goal()


class State(StrEnum):
    """What became of the goal of a row."""

    MET = "met"
    MISSED = "missed"
    NOT_JUDGED = "too few clients to judge"
    NO_GOAL = "no goal"
    NOT_BUILT = "not built"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """A row that was measured: ``ours`` and ``baseline`` have one sample a turn, both empty where
    nothing was measured: ``unmeasured`` and ``why`` say then what is missing or what failed.

    ``name``, ``what`` and ``against``: the row, what it measures and its baseline, for people.
    """

    name: str
    what: str
    against: str
    by: By = By.WALL
    goal: Goal = NO_GOAL
    clients: int = 0
    ours: Sequence[Sample] = ()
    baseline: Sequence[Sample] = ()
    unmeasured: State = State.NOT_BUILT
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """Of the medians; ``None`` without a baseline."""
        if not self.ours or not self.baseline:
            return None
        return self.median_of_ours / median(self.baseline, self.by)

    @property
    def median_of_ours(self) -> float:
        return median(self.ours, self.by)

    @property
    def peak(self) -> float:
        """The largest of all turns: a limit on memory holds each time."""
        return max(sample.peak for sample in self.ours)

    @property
    def state(self) -> State:
        if not self.ours:
            return self.unmeasured
        if not self.goal:
            return State.NO_GOAL
        if self.clients < self.goal.from_clients:
            return State.NOT_JUDGED
        pairs = (
            (self.ratio, self.goal.ratio),
            (self.median_of_ours, self.goal.seconds),
            (self.peak, self.goal.peak),
        )
        met = all(most is None or (held is not None and held <= most) for held, most in pairs)
        return State.MET if met else State.MISSED


def median(samples: Iterable[Sample], by: By) -> float:
    """Seconds. Raises ``StatisticsError`` when there is no sample."""
    return statistics.median(sample.seconds(by) for sample in samples)
