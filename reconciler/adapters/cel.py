"""Rules of one's own, evaluated in a process with limits: ``reconciler.domain.judgement.Judge``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import reconciler
from reconciler.domain.canonical import JsonObject, digest
from reconciler.domain.judgement import Fault, Judgement

SECONDS = 3.0  # of computing, for one expression, and for each client so many more:
SECONDS_OF_ONE = 0.005
_WALL = 20  # times as long the clock on the wall may run: machines are busy


class CelJudge:
    """Remembers its answers: a run looks twice at the same clients. ``seconds`` of computing are what one expression
    may take, a little more with many clients."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[str, tuple[Judgement, ...]] = {}

    def __call__(
        self, expressions: Sequence[str], clients: Sequence[JsonObject], known: Collection[str]
    ) -> Sequence[Judgement]:
        """See ``Judge``. An expression that passes its limits is not evaluated for any client."""
        job: dict[str, Any] = {
            "expressions": list(expressions),
            "clients": list(clients),
            "known": sorted(known),
        }
        key = digest(job)
        if key not in self._known:
            job["seconds"] = self._seconds + SECONDS_OF_ONE * len(clients)
            self._known[key] = tuple(_all(job))
        return self._known[key]


def _all(job: dict[str, Any]) -> list[Judgement]:
    """A judgement for each expression. The one that a process ended at is told so, and a new process goes on."""
    expressions = job["expressions"]
    found: list[Judgement] = []
    while len(found) < len(expressions):
        lines, why = _run({**job, "expressions": expressions[len(found) :]})
        found += [_judgement(line) for line in lines]
        if len(found) < len(expressions):
            found.append(Judgement(verdicts=(why,) * len(job["clients"])))
    return found


def _run(job: dict[str, Any]) -> tuple[list[str], str]:
    """The lines that one process wrote, and why it ended."""
    # Nothing of our environment goes along: no token, no settings of Python.
    environ = {"PYTHONPATH": str(Path(reconciler.__file__).parents[1])}
    wall = _WALL * (job["seconds"] * len(job["expressions"]) + 1)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-X", "utf8", "-m", "reconciler.adapters.cel_worker"],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            timeout=wall,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        return _lines(error.stdout), f"it was not done after {wall:.0f} s"
    except OSError as error:
        return [], f"a process to evaluate it cannot be started: {os.strerror(error.errno or 0)}"
    if done.returncode == -signal.SIGPROF:
        why = f"it took more than {job['seconds']:.1f} s of computing"
    elif done.returncode < 0:
        why = "it took too much memory"
    else:
        why = f"the process that evaluates it ended with {done.returncode}"
    return _lines(done.stdout), why


def _lines(written: bytes | None) -> list[str]:
    """Whole lines: the last one may have been cut short."""
    return (written or b"").decode().split("\n")[:-1]


def _judgement(line: str) -> Judgement:
    answer = json.loads(line)
    faults = tuple(Fault(offset, message) for offset, message in answer["faults"])
    return Judgement(faults, frozenset(answer["needs"]), tuple(answer["verdicts"]))
