"""Runs the programs that are measured, each in a process of its own, and says what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measuring.figures import Sample

ROOT = Path(__file__).resolve().parents[2]
BASELINES = ROOT / "benchmarks" / "baselines"
LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")))
# The script that pip makes, as people run it: what it imports itself is part of every start.
RECONCILER = (str(Path(sys.executable).with_name("reconciler")),)
_KILOBYTE = 1024  # ru_maxrss counts these, on Linux


class BenchmarkError(Exception):
    """A benchmark that does not work: a program failed, or did something else than it should."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended well: what it took, and what it printed to stdout."""

    sample: Sample
    printed: str


def run_program(command: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run it to its end. Raises ``BenchmarkError`` with its own last words unless it exits 0.

    ``environment`` are all its variables.
    """
    receiving, reporting = os.pipe()
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        started = subprocess.Popen(
            [*LAUNCHER, str(reporting), *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            pass_fds=(reporting,),
        )
        os.close(reporting)
        with started, os.fdopen(receiving) as figures:
            code, wall, cpu, peak = (figures.read() or "-1 0 0 0").split()
        if int(code) != 0:
            said.seek(0)
            words = said.read().decode(errors="replace").strip()[-2000:]
            raise BenchmarkError(f"{' '.join(command[:8])} … ended with {code}:\n{words}")
        printed.seek(0)
        text = printed.read().decode(errors="replace")
    sample = Sample(float(wall), float(cpu), int(peak) * _KILOBYTE / 1e6)
    return Ended(sample, text)


def run_baseline(
    name: str,
    environment: Mapping[str, str],
    *arguments: str,
) -> Sample:
    """``benchmarks/baselines/<name>.py``: whole, from its start to its end."""
    return run_program(
        [sys.executable, str(BASELINES / f"{name}.py"), *arguments], environment
    ).sample


def run_timed(
    name: str,
    environment: Mapping[str, str],
    *arguments: str,
) -> Sample:
    """A baseline that takes its own time, without its imports: it prints ``{"wall": seconds,
    "cpu": seconds}``."""
    ended = run_program([sys.executable, str(BASELINES / f"{name}.py"), *arguments], environment)
    own = json.loads(ended.printed)
    return replace(ended.sample, wall=own["wall"], cpu=own["cpu"])
