"""The program as it was at an earlier commit, taken from the history of this repository."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.programs.commands import GUARD, ROOT, environ

# The last commit whose registries have no evidence log.
BEFORE_THE_LOG = "9db961b9315735ffd391be68b8b920e8de578556"
# What the program reads: itself, and the schemas beside it.
_PACKAGE = ("reconciler", "schemas")
# Ends the program as it comes to one step of its report.
_KILLED = """
import os, signal, sys
from reconciler.adapters.git.ledger import GitLedger
from reconciler.cli.main import main
setattr(GitLedger, sys.argv.pop(1), lambda *given, **named: os.kill(os.getpid(), signal.SIGKILL))
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Former:
    """``folder`` holds its package."""

    folder: Path

    def run(self, checkout: Checkout, *arguments: str, role: str | None = None) -> Ran:
        """As ``Checkout.run`` does, in a process of its own."""
        return self._start(checkout, ["-m", "reconciler", *arguments], role or checkout.role)

    def run_killed(self, checkout: Checkout, step: str, *arguments: str) -> Ran:
        """It dies as it is to ``write`` its report, or to ``commit`` it."""
        return self._start(checkout, ["-c", _KILLED, step, *arguments], checkout.role)

    def _start(self, checkout: Checkout, arguments: Sequence[str], role: str) -> Ran:
        variables = environ(
            PYTHONPATH=f"{GUARD}{os.pathsep}{self.folder}",
            VAULT_TOKEN=checkout.place.token(role),
            NO_COLOR="1",
        )
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # it is started a dozen times
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=checkout.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        checkout.printed += [done.stdout, done.stderr]
        return Ran(done.returncode, done.stdout, done.stderr)


def extract(commit: str, folder: Path) -> Former:
    """Put the package of ``commit`` into ``folder``. Skips the test where the history does not
    reach back to it, as in a shallow clone."""
    git = ["git", "-C", str(ROOT), "archive", "--format=tar", commit, *_PACKAGE]
    archived = subprocess.run(git, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if archived.returncode:
        pytest.skip(
            f"the history of this checkout lacks commit {commit[:7]}, whose program this runs: get"
            " it with `git fetch --unshallow`"
        )
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Former(folder)
