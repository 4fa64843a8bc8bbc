"""Baseline and ours in turns, so that what else the machine does strikes both."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.measuring.figures import Sample

Measure = Callable[[], Sample]


@dataclass
class Turns:
    """The samples of one row: the first of both belong to the first turn, and so on."""

    baseline: list[Sample] = field(default_factory=list)
    ours: list[Sample] = field(default_factory=list)

    def take(self, baseline: Measure | None, ours: Measure) -> None:
        """One turn. ``baseline`` None: there is none, only ours is measured."""
        if baseline is not None:
            self.baseline.append(baseline())
        self.ours.append(ours())


def take_turns(
    name: str,
    rounds: int,
    baseline: Measure | None,
    ours: Measure,
) -> Turns:
    """``rounds`` turns, after one that only warms the disk cache; the table has no figure of it.

    Where there is one round only, nothing is warmed: who asks for that wants to see that it runs.
    """
    if rounds > 1:
        Turns().take(baseline, ours)
    turns = Turns()
    for number in range(rounds):
        turns.take(baseline, ours)
        tell_turn(name, number + 1, rounds, turns)
    return turns


def tell_turn(name: str, number: int, rounds: int, turns: Turns) -> None:
    """A line of progress on stderr about the newest turn."""
    parts = [f"ours {turns.ours[-1].wall:.3f} s"]
    if turns.baseline:
        parts.insert(0, f"baseline {turns.baseline[-1].wall:.3f} s")
    tell(f"{name}: turn {number} of {rounds}: {', '.join(parts)}")


def tell(text: str) -> None:
    """Progress goes to stderr; stdout carries the table and nothing else."""
    print(text, file=sys.stderr, flush=True)
