"""The command line as another process, the way that a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# Every Python that a test starts is under the guard of tests/kit/suite/guarding.py.
GUARD = ROOT / "tests/kit/suite/guard"
PYTHON_PATH = f"{GUARD}{os.pathsep}{ROOT}"
COMMAND = [sys.executable, "-P", "-m", "reconciler"]


def environ(**variables: str) -> dict[str, str]:
    """This process's environment without anything of Vault or CI, and with our package."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VAULT_", "BAO_", "CI"))
    }
    return {**kept, "PYTHONPATH": PYTHON_PATH, **variables}


def reconciler(
    directory: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run one command in ``directory``, without a terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=directory, env=environ(**variables), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def living_in(directory: Path) -> list[int]:
    """The pids of programs whose working directory lies in ``directory``."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(directory):
                found.append(int(link.parent.name))
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
    return found
