"""Ten times as many clients against the clients asked for: one key each, in CPU seconds."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.turns import Turns, tell_turn
from benchmarks.rows.row import COLD, Bench
from benchmarks.worlds.place import Kind, Place

TIMES = 10
BUCKETS = 4096

Use = Callable[[Place], Sample]


def measure_apply(bench: Bench) -> Turns:
    """One turn: it is the longest of all rows, and the other two go on from there."""
    turns, (small, large) = Turns(), _kinds(bench)
    turns.take(lambda: bench.first_apply(small), lambda: bench.first_apply(large))
    tell_turn("growth-apply", 1, 1, turns)
    return turns


def measure_plan(bench: Bench) -> Turns:
    return _measure("growth-plan", bench, lambda place: place.plan(COLD))


def measure_status(bench: Bench) -> Turns:
    return _measure("growth-status", bench, lambda place: place.command("status").sample)


def _measure(name: str, bench: Bench, use: Use) -> Turns:
    small, large = (bench.applied(kind) for kind in _kinds(bench))
    turns = Turns()
    for number in range(bench.few):
        turns.take(lambda: use(small), lambda: use(large))
        tell_turn(name, number + 1, bench.few, turns)
    return turns


def _kinds(bench: Bench) -> tuple[Kind, Kind]:
    """The smaller in the buckets that ``bootstrap`` makes, as everybody begins."""
    return Kind(bench.clients), Kind(TIMES * bench.clients, buckets=BUCKETS)
