"""``gitlab-ci-local`` runs the jobs of GitLab CI for real, offline, on this machine: each in a copy
of a checkout as a runner makes it, with the artifacts of the jobs that it needs.

What it does not do is asserted elsewhere: it makes no ID tokens (they are given as variables), and
looks at no ``regex`` of an input (the schema and the tests of the component do).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.git.repositories import git
from tests.kit.programs.debian import program
from tests.kit.programs.npm import closure, fetched

# MIT. The closure is pinned package by package.
PINS = Path(__file__).with_name("gitlab_ci_local.txt")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Pipeline:
    """``jobs`` has each job that ran: whether it passed.

    ``folder`` is where gitlab-ci-local keeps its own.
    """

    code: int
    log: str
    jobs: dict[str, bool]
    folder: Path

    def artifact(self, path: str) -> bytes:
        """What the one job kept that keeps such a file."""
        [found] = self.folder.glob(f"artifacts/*/{path}")
        return found.read_bytes()


@dataclass
class Runner:
    """``remote`` is the project's repository, ``variables`` are those of every job."""

    remote: Path
    scratch: Path
    variables: Mapping[str, str]
    ran: list[Pipeline] = field(default_factory=list)

    def __call__(self, source: str, commit: str, *manual: str, **variables: str) -> Pipeline:
        """A pipeline for ``commit``; ``manual`` are jobs that somebody starts."""
        options = [option for name in manual for option in ("--manual", name)]
        checkout, code, log = self._local(source, commit, options, variables)
        passed = dict.fromkeys(re.findall(r"^ PASS +(.+?) *$", log, re.MULTILINE), True)
        failed = dict.fromkeys(re.findall(r"^ FAIL +(.+?) *$", log, re.MULTILINE), False)
        self.ran.append(Pipeline(code, log, passed | failed, checkout / ".gitlab-ci-local"))
        shutil.rmtree(self.ran[-1].folder / "builds", ignore_errors=True)
        return self.ran[-1]

    def jobs(self, source: str, commit: str, **variables: str) -> list[str]:
        """The jobs that such a pipeline has."""
        _, code, log = self._local(source, commit, ["--list-csv"], variables)
        assert code == 0, log
        return re.findall(r'^"?([^;"\n]+)"?;"', log.partition("name;description")[2], re.MULTILINE)

    def _local(
        self, source: str, commit: str, options: Sequence[str], variables: Mapping[str, str]
    ) -> tuple[Path, int, str]:  # fmt: skip
        """Run it in a new checkout, as a runner makes it: detached.

        The schema is judged with the component.
        """
        program(["rsync"], "rsync", "GitLab's jobs run")
        folder = fetched("gitlab-ci-local", closure(PINS), "node")
        checkout = Path(tempfile.mkdtemp(prefix="pipeline", dir=self.scratch))
        git(self.scratch, "clone", "--quiet", str(self.remote), str(checkout))
        git(checkout, "checkout", "--quiet", "--detach", commit)
        given = {
            "CI_PIPELINE_SOURCE": source,
            "CI_COMMIT_SHA": commit,
            **self.variables,
            **variables,
        }
        set_to = [
            option for name, value in given.items() for option in ("--variable", f"{name}={value}")
        ]
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VAULT_", "BAO_", "CI"))
        }
        done = subprocess.run(
            ["node", str(folder / "node_modules/gitlab-ci-local/src/index.js"), "--force-shell-executor",
             "--shell-isolation", "--json-schema-validation=false", *set_to, *options],
            cwd=checkout, capture_output=True, text=True, check=False,
            env={**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        return checkout, done.returncode, _ESCAPE.sub("", done.stdout + done.stderr)
