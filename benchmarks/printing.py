"""What every benchmark prints: the machine, the command, medians with their range, and the
ratio."""

from __future__ import annotations

import os
import platform
import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler import __version__


@dataclass(frozen=True)
class Rounds:
    """What was measured, and the seconds of each round."""

    name: str
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def line(self) -> str:
        least, most = min(self.seconds), max(self.seconds)
        return f"{self.name:<34} {self.median:8.3f} s  ({least:.3f} to {most:.3f})"


def print_ratio(baseline: Rounds, ours: Rounds, what: str, server: str = "") -> None:
    """``what``: one line about what was declared or sent. ``server``: its name and version."""
    print(", ".join(filter(None, [f"reconciler {__version__}; {machine()}", server])))
    print(f"$ python {shlex.join(sys.argv)}")
    print(f"{what}; median, least and most of rounds: {len(ours.seconds)}")
    print(f"baseline: {baseline.line()}")
    print(f"          {ours.line()}")
    print(f"ratio to the baseline {ours.median / baseline.median:33.2f}")


def machine() -> str:
    """What it was measured on: ratios travel, seconds do not."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    python = platform.python_version()
    return f"{os.cpu_count()} x {model}, {platform.system()}, Python {python}"
