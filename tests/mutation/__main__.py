"""``python -m tests.mutation``: draw mutants, run their tests, print a table by room.

Each result is kept in ``.mutants/results.jsonl`` at once. A later run with the same seed takes up
what is there, so that a larger ``--count`` only adds to it; ``--again`` runs the tests of those
that survived once more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.kit.programs.commands import ROOT
from tests.kit.suite.copied import Copy, copied, rewrite
from tests.kit.suite.mutated import Ran
from tests.mutation.changes import Change, changes
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.related import KEPT, Related, related
from tests.mutation.rooms import ROOMS, Room, modules_of

RESULTS = KEPT / "results.jsonl"
NOTICED, SURVIVED, EQUIVALENT = "noticed", "survived", "equivalent"
NOT_FOUND = "ERROR: not found: "
# Its tests did not end in time, and none had failed: the next run tries again.
UNDECIDED = "undecided"
# Tests of one line beyond so many seconds repeat one another.
MOST_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Mutant:
    """``digest`` stands for the module's text and the change: another text is another mutant."""

    path: str
    change: Change
    digest: str
    line: str
    text: str

    @property
    def equivalent(self) -> bool:
        changed = (self.path, self.change.statement, self.change.new)
        return any((one.path, one.statement, one.new) == changed for one in EQUIVALENTS)

    def __str__(self) -> str:
        return (
            f"{self.path}:{self.change.line}: {self.change.kind}: {self.line} -> {self.change.new}"
        )


@dataclass(frozen=True, slots=True)
class Result:
    room: str
    digest: str
    outcome: str
    mutant: str
    by: str
    seconds: float


def mutants(room: Room) -> list[Mutant]:
    return [mutant for path in modules_of(room) for mutant in mutants_of(path)]


def mutants_of(path: str) -> Iterator[Mutant]:
    text = (ROOT / path).read_text()
    lines = text.splitlines()
    for change in changes(text):
        said = f"{path}\n{text}\n{change}"
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        yield Mutant(path, change, digest, lines[change.line - 1].strip(), text)


def drawn(room: Room, seed: int, count: int, only: str = "") -> list[Mutant]:
    """The same for a seed; a larger ``count`` adds to a smaller one. ``only``: a part of the
    module's path. Each mutant has a place of its own in the order, so an edit elsewhere in the room
    leaves the sample as it was."""
    found = [one for one in mutants(room) if only in one.path]
    again: Counter[str] = Counter()
    places = []
    for one in found:
        name = f"{one.path}\n{one.change.statement}\n{one.change.kind}\n{one.change.new}"
        again[name] += 1
        places.append(hashlib.sha256(f"{seed}\n{name}\n{again[name]}".encode()).hexdigest())
    return [one for _, one in sorted(zip(places, found, strict=True), key=lambda pair: pair[0])][
        :count
    ]


def kept() -> dict[str, Result]:
    """By digest; the newest counts."""
    if not RESULTS.exists():
        return {}
    results = [Result(**json.loads(line)) for line in RESULTS.read_text().splitlines()]
    return {one.digest: one for one in results}


def judged(tree: Copy, room: Room, mutant: Mutant, tests: Related, seconds: float) -> Result:
    began = time.monotonic()
    outcome, by = SURVIVED, "no test runs this line"
    chosen = tests.tests(mutant.path, mutant.change.line, MOST_SECONDS)
    if mutant.equivalent:
        outcome, by = EQUIVALENT, ""
    elif chosen:
        path = tree.root / mutant.path
        text = path.read_text()
        assert text == mutant.text, f"{mutant.path} was edited meanwhile: run it again"
        rewrite(path, mutant.change.apply(text))
        try:
            module = mutant.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            ran = tree.run(module, chosen, seconds)
            if NOT_FOUND in ran.printed:  # the names of tests come from what was changed
                files = dict.fromkeys(one.partition("::")[0] for one in chosen)
                ran = tree.run(module, list(files), seconds)
        finally:
            rewrite(path, text)
        outcome, by = verdict(ran)
    return Result(
        room.name, mutant.digest, outcome, str(mutant), by, round(time.monotonic() - began, 1)
    )


def verdict(ran: Ran) -> tuple[str, str]:
    """The outcome, and who noticed or why nobody did."""
    if NOT_FOUND in ran.printed:
        raise SystemExit(
            f"the tests are not those that were measured: use --anew\n{ran.printed[-500:]}"
        )
    failed = [*ran.seen.failed, *ran.seen.broken]
    if failed:
        return NOTICED, failed[0]
    if ran.code == 0:
        return SURVIVED, f"{len(ran.seen.passed)} tests passed"
    if ran.code in (-signal.SIGTERM, -signal.SIGKILL):
        return UNDECIDED, "the time was over"
    return NOTICED, f"exit {ran.code}"  # it cannot even be imported


def try_room(room: Room, options: argparse.Namespace, until: float) -> list[Result]:
    """Results of the sample, as far as the time goes."""
    before = kept()
    sample = drawn(room, options.seed, options.count, options.only)
    redo = (SURVIVED, UNDECIDED) if options.again else (UNDECIDED,)
    old = {one.digest: before[one.digest] for one in sample if one.digest in before}
    missing = [one for one in sample if one.digest not in old or old[one.digest].outcome in redo]
    results = [one for one in old.values() if one.outcome not in redo]
    results = [
        Result(**{**asdict(one), "outcome": EQUIVALENT}) if mutant.equivalent else one
        for one in results
        for mutant in [next(each for each in sample if each.digest == one.digest)]
    ]
    if not missing or time.monotonic() > until:
        return results
    tests = related(room, anew=options.anew, last=options.again)
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        closing(copied(Path(folder), hangs=options.limit / 2)) as tree,
    ):
        for mutant in missing:
            if time.monotonic() > until:
                break
            result = judged(tree, room, mutant, tests, options.limit)
            results.append(result)
            with RESULTS.open("a") as file:
                file.write(json.dumps(asdict(result)) + "\n")
            if result.outcome == SURVIVED:
                tell(f"survived ({result.by}, {result.seconds} s): {mutant}")
    return results


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def table(rows: Sequence[tuple[Room, list[Result]]]) -> None:
    """Score: noticed among those that are not judged equivalent."""
    tell(
        f"\n{'room':<10} {'mutants':>8} {'tried':>6} {'noticed':>8} {'equivalent':>11} {'score':>7}"
    )
    everything: list[Result] = []
    for room, results in rows:
        everything += results
        tell(row(room.name, len(mutants(room)), results))
    tell(row("all", sum(len(mutants(room)) for room, _ in rows), everything))


def row(name: str, there: int, results: Sequence[Result]) -> str:
    found = [sum(one.outcome == word for one in results) for word in (NOTICED, EQUIVALENT)]
    counted = sum(one.outcome in (NOTICED, SURVIVED) for one in results)
    score = f"{100 * found[0] / counted:.0f} %" if counted else "-"
    return f"{name:<10} {there:>8} {len(results):>6} {found[0]:>8} {found[1]:>11} {score:>7}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Mutants of reconciler, by room."
    )
    names = [room.name for room in ROOMS]
    parser.add_argument("--room", choices=names, action="append", help="default: every room")
    parser.add_argument("--only", default="", help="only modules whose path has this part")
    parser.add_argument("--count", type=int, default=20, help="how many of each room (default: 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="begin no mutant after that (default: 60)"
    )
    parser.add_argument(
        "--limit", type=float, default=240.0, help="seconds for one mutant (default: 240)"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="run those that survived once more, with the room's longest tests, too",
    )
    parser.add_argument(
        "--anew", action="store_true", help="measure anew which tests run which line"
    )
    options = parser.parse_args()
    until = time.monotonic() + options.minutes * 60
    rooms = [room for room in ROOMS if not options.room or room.name in options.room]
    table([(room, try_room(room, options, until)) for room in rooms])
    return 0


if __name__ == "__main__":
    sys.exit(main())
