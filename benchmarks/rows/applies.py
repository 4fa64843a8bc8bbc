"""Apply of a whole declaration to an empty environment, against bare requests to the same server."""

from __future__ import annotations

from functools import partial

from benchmarks.measuring.programs import BenchmarkError, run_baseline
from benchmarks.measuring.turns import Turns, tell_turn
from benchmarks.rows.row import Bench
from benchmarks.worlds.place import Kind, Place, make_place
from benchmarks.worlds.project import EVENTS


def measure_keys(bench: Bench) -> Turns:
    return _measure("apply-keys", bench, Kind(bench.clients))


def measure_webhooks(bench: Bench) -> Turns:
    return _measure("apply-webhooks", bench, Kind(bench.clients, webhooks=True))


def _measure(name: str, bench: Bench, kind: Kind) -> Turns:
    """Each turn has a server of its own: nothing is applied there yet."""
    turns = Turns()
    for number in range(bench.few):
        with make_place(kind) as place:
            requests = _bare_requests(place)
            turns.take(partial(run_baseline, "write", place.environment, *requests), place.apply)
            _compare_deliveries(place)
        tell_turn(name, number + 1, bench.few, turns)
    return turns


def _bare_requests(place: Place) -> tuple[str, ...]:
    """What an apply cannot do without: a write for each key and signing secret, and a delivery of
    each event."""
    clients = place.kind.clients
    if place.receiver is None:
        return (str(clients),)
    return (str(2 * clients), str(len(EVENTS) * clients), *place.receiver.urls)


def _compare_deliveries(place: Place) -> None:
    """Raises ``BenchmarkError`` unless the apply sent as many deliveries as its baseline did."""
    if place.receiver is not None:
        came, expected = place.receiver.count(), 2 * len(EVENTS) * place.kind.clients
        if came != expected:
            raise BenchmarkError(f"{came} deliveries came, {expected} were expected")
