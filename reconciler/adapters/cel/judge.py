"""Rules of one's own, evaluated in a process with limits:

``reconciler.domain.plan.judgement.Judge``.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import reconciler
from reconciler.domain.plan.judgement import RuleFault, RuleJudgement
from reconciler.domain.values.canonical import JsonObject, digest

SECONDS = 3.0  # of computing, for one expression, and for each client so many more:
SECONDS_OF_ONE = 0.005
# of computing, for all expressions together, and for each of them and each client so many more:
BUDGET = 10.0
BUDGET_OF_ONE = 0.001
_START = 0.5  # of computing: what it takes to start a process. With less left none is worth it.
_WALL = 20  # times as long the clock on the wall may run: machines are busy


class CelJudge:
    """Remembers its answers, for a run looks twice at the same clients, and what passed a limit,
    for it would again. ``seconds`` of computing are what one expression may take, ``budget`` what
    all may, a little more with many clients."""

    def __init__(self, seconds: float = SECONDS, budget: float = BUDGET) -> None:
        self._seconds = seconds
        self._budget = budget
        self._known: dict[str, tuple[RuleJudgement, ...]] = {}
        self._passed: dict[str, str] = {}  # expression -> why it is not evaluated again

    def __call__(
        self, expressions: Sequence[str], clients: Sequence[JsonObject], known: Collection[str]
    ) -> Sequence[RuleJudgement]:
        """See ``Judge``. An expression that passes its limits is not evaluated for any client."""
        job: dict[str, Any] = {
            "expressions": list(expressions),
            "clients": list(clients),
            "known": sorted(known),
        }
        key = digest(job)
        if key not in self._known:
            self._known[key] = tuple(self._all(job))
        return self._known[key]

    def _all(self, job: dict[str, Any]) -> list[RuleJudgement]:
        """A judgement for each expression.

        The one that a process ended at is told so, and a new process goes on.
        """
        clients = len(job["clients"])
        left = [one for one in dict.fromkeys(job["expressions"]) if one not in self._passed]
        seconds = self._seconds + SECONDS_OF_ONE * clients
        budget = max(self._budget + BUDGET_OF_ONE * clients * len(left), seconds + _START)
        together = (
            f"the rules before it took the {budget:.1f} s of computing that all have together"
        )
        found: dict[str, RuleJudgement] = {}
        end = _measure_time() + budget
        while left:
            rest = end - _measure_time()
            if rest < _START:
                self._passed |= dict.fromkeys(left, together)
                break
            lines, why = _run({**job, "expressions": left, "seconds": seconds, "budget": rest})
            found |= zip(left, map(_judgement, lines), strict=False)
            left = left[len(lines) :]
            if left and end - _measure_time() >= _START:
                self._passed[left.pop(0)] = why
        return [
            (
                RuleJudgement(verdicts=(self._passed[one],) * clients)
                if one in self._passed
                else found[one]
            )
            for one in job["expressions"]
        ]


def _measure_time() -> float:
    """Seconds of computing that processes took that were started here and have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _run(job: dict[str, Any]) -> tuple[list[str], str]:
    """The lines that one process wrote, and why it ended."""
    # Nothing of our environment goes along: no token, no settings of Python.
    environ = {"PYTHONPATH": str(Path(reconciler.__file__).parents[1])}
    wall = _WALL * (min(job["seconds"] * len(job["expressions"]), job["budget"]) + 1)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-X", "utf8", "-m", "reconciler.adapters.cel.worker"],
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


def _judgement(line: str) -> RuleJudgement:
    answer = json.loads(line)
    faults = tuple(RuleFault(offset, message) for offset, message in answer["faults"])
    return RuleJudgement(faults, frozenset(answer["needs"]), tuple(answer["verdicts"]))
