"""Plan and status with nothing to do, against reading the same files."""

from __future__ import annotations

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.programs import BenchmarkError, run_baseline
from benchmarks.measuring.turns import Measure, Turns, take_turns
from benchmarks.rows.row import COLD, Bench
from benchmarks.worlds.place import Kind, Place
from reconciler.declare.clients.kept_files import LEAST


def measure_cold(bench: Bench) -> Turns:
    place = bench.applied(Kind(bench.clients, webhooks=True))
    return take_turns("plan-cold", bench.rounds, load_files(place), lambda: place.plan(COLD))


def measure_warm(bench: Bench) -> Turns:
    return _warm("plan-warm", bench, Kind(_enough(bench), webhooks=True))


def measure_warm_with_keys(bench: Bench) -> Turns:
    return _warm("plan-warm-keys", bench, Kind(_enough(bench)))


def _enough(bench: Bench) -> int:
    """So many clients that a plan keeps anything."""
    return max(bench.clients, LEAST)


def _warm(name: str, bench: Bench, kind: Kind) -> Turns:
    """The second plan in a row: the first one, which keeps what it found, is not counted.

    Raises ``BenchmarkError`` when it kept nothing: that would be the cold way under another name.
    """
    place = bench.applied(kind)
    place.plan()
    if not place.keeps_anything():
        raise BenchmarkError("the first plan kept nothing in the user's cache")
    return take_turns(name, bench.rounds, load_files(place), place.plan)


def measure_status(bench: Bench) -> Turns:
    place = bench.applied(Kind(bench.clients, webhooks=True))

    def status() -> Sample:
        return place.command("status").sample

    return take_turns("status", bench.rounds, load_files(place), status)


def load_files(place: Place) -> Measure:
    """The baseline of whatever reads the declaration."""
    return lambda: run_baseline("load_yaml", place.environment, str(place.directory))
