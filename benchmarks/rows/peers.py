"""The same job the way one would do it without us: a tuned script on hvac, and what octoDNS needs
for a plan of as many records."""

from __future__ import annotations

import secrets
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.programs import ROOT, BenchmarkError, run_program
from benchmarks.measuring.turns import Turns, take_turns, tell_turn
from benchmarks.peers.zone import write_zone
from benchmarks.rows.row import COLD, Bench, NotBuiltError
from benchmarks.worlds.place import Kind, Place, make_place

SCRIPT = str(ROOT / "benchmarks" / "peers" / "hvac_clients.py")
PROGRAMS = ROOT / ".venv-peers" / "bin"


def measure_apply(bench: Bench) -> Turns:
    """Both begin with an empty server."""
    turns = Turns()
    for number in range(bench.few):
        with make_place(Kind(bench.clients)) as place:
            turns.take(partial(Script(place).run, "created"), place.apply)
        tell_turn("peer-hvac-apply", number + 1, bench.few, turns)
    return turns


def measure_plan(bench: Bench) -> Turns:
    """The second time, when all is right already."""
    place = bench.applied(Kind(bench.clients))
    script = Script(place)
    script.run("created")
    return take_turns(
        "peer-hvac-plan",
        bench.few,
        lambda: script.run("unchanged"),
        lambda: place.plan(COLD),
    )


def measure_octodns(bench: Bench) -> Turns:
    """Everything is new, for octoDNS never reads the YAML files that it would write."""
    with make_place(Kind(bench.clients)) as place, tempfile.TemporaryDirectory() as name:
        configuration = write_zone(Path(name), bench.clients)

        def sync() -> Sample:
            command = [str(find("octodns-sync")), "--config-file", str(configuration)]
            return run_program(command, bench.desk).sample

        def plan() -> Sample:
            return place.command("plan", COLD).sample

        return take_turns("peer-octodns", bench.few, sync, plan)


class Script:
    """The one on hvac, with a mount of its own at the server of ``place``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._mount = f"peer-{secrets.token_hex(4)}"

    def run(self, expected: str) -> Sample:
        """``expected``: what it must have done with every key. Raises ``BenchmarkError``
        otherwise."""
        command = [str(find("python")), SCRIPT, str(self._place.directory), self._mount]
        ended = run_program(command, self._place.environment)
        line = f"{expected} {self._place.kind.clients}\n"
        if line not in ended.printed:
            raise BenchmarkError(f"expected {line.strip()}, not {ended.printed!r}")
        return ended.sample


def find(program: str) -> Path:
    """One of the environment of the peers. Raises ``NotBuiltError`` where there is none."""
    path = PROGRAMS / program
    if not path.exists():
        raise NotBuiltError(
            "the peers have an environment of their own, which make bench-peers makes"
        )
    return path
