"""Where and when a table was made: seconds do not travel without that, and ratios need it to be
understood."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring.programs import ROOT
from reconciler import __version__
from reconciler.adapters.openbao.server import find_binary


@dataclass(frozen=True, slots=True)
class Origin:
    """``date``: UTC, to the second. ``commit``: 12 digits, empty outside git; ``dirty``: tracked
    files differ from it. ``server``: name and version."""

    date: str
    version: str
    commit: str
    dirty: bool
    cores: int
    processor: str
    system: str
    python: str
    server: str

    def to_json(self) -> dict[str, str | int | bool]:
        return asdict(self)


def find_origin() -> Origin:
    """Here and now."""
    return Origin(
        date=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        version=__version__,
        commit=_git("rev-parse", "--short=12", "HEAD"),
        dirty=bool(_git("status", "--porcelain", "--untracked-files=no")),
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        system=platform.system(),
        python=platform.python_version(),
        server=_server(),
    )


def _git(*arguments: str) -> str:
    """What it prints; nothing where there is no git or no repository."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return ran.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _server() -> str:
    command = [str(find_binary()), "version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.partition(" (")[0].partition(",")[0].strip()
