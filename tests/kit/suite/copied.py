"""A copy of the package and its tests in which modules are changed, and the server that runs tests
there."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.kit.programs.commands import ROOT
from tests.kit.suite.mutated import READY, Ran, Seen


class Copy:
    """The package and its tests, away from the checkout, and the server that runs tests in
    there."""

    def __init__(self, root: Path, hangs: float) -> None:
        """``hangs``: seconds after which a test fails."""
        self.root = root
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "COV"))
        }
        ours = {"PYTHONPATH": str(root), "PYTEST_TIMEOUT": str(hangs)}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.suite.mutated"], cwd=root, env={**environment, **ours},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._server.stdout
        ready = self._server.stdout.readline().strip()
        assert ready == READY, "the copy does not even run: what it printed is above"

    def run(self, module: str, tests: Sequence[str], seconds: float) -> Ran:
        """Run the tests; a run that takes longer is ended. ``module``: dotted, whose file is
        noted."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(
            json.dumps({"module": module, "tests": list(tests), "seconds": seconds}) + "\n"
        )
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "the copy does not even run: what it printed is above"
        found = json.loads(answer)
        return Ran(found["code"], found["printed"], Seen(**found["seen"]))

    def close(self) -> None:
        """It ends with its input."""
        self._server.communicate()


def copied(root: Path, *, hangs: float = 60) -> Copy:
    """What tests need of the checkout, copied to ``root``, which is an empty directory."""
    for name in ("reconciler", "tests", "schemas", "examples", "docs", ".github"):
        # With what is compiled already: files keep their times, so it is theirs in the copy, too.
        shutil.copytree(ROOT / name, root / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "Makefile", "CHANGELOG.md"):
        shutil.copy(ROOT / name, root)
    return Copy(root, hangs)


def rewrite(path: Path, text: str) -> None:
    """Compiled code is told by size and second: it could pass for that of another mutant."""
    path.write_text(text)
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
