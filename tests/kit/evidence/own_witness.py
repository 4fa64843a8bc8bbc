"""The repository that ``init --witness`` writes, set up as its README says, and its job run as each
platform runs it: in a new checkout of a remote."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reconciler.cli.main import main
from tests.kit.git.repositories import git
from tests.kit.programs.commands import COMMAND, environ

JOBS = {"github": ".github/workflows/witness.yml", "gitlab": ".gitlab-ci.yml"}


@dataclass(frozen=True)
class OwnWitness:
    """``root`` is the witness's own clone; ``remote`` is at its platform ``ci``. The private key
    lies beside them."""

    folder: Path
    ci: str

    @property
    def root(self) -> Path:
        return self.folder / "own"

    @property
    def remote(self) -> Path:
        return self.folder / "own.git"

    @property
    def key(self) -> str:
        return (self.folder / "witness.key").read_text().strip()

    def follow_readme(self, log_keys: Mapping[str, str]) -> str:
        """Its steps by hand, up to the push; ``log_keys`` are those of the logs, by environment.
        What verifies the witness."""
        make_key, look = _blocks((self.root / "README.md").read_text())[:2]
        git(self.root, "add", ".")
        git(self.root, "commit", "--quiet", "-m", "Start")
        made = self._run(make_key, self.root)
        assert made.returncode == 0, made.stderr
        for environment, line in log_keys.items():
            (self.root / environment).mkdir()
            (self.root / environment / "log.vkey").write_text(f"{line}\n")
        done = self._run(look, self.root)
        assert done.returncode == 0, done.stderr
        git(self.folder, "clone", "--quiet", "--bare", str(self.root), str(self.remote))
        return made.stdout.strip()

    def look(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """The job's own lines, in a new checkout."""
        given = {"WITNESS_KEY": self.key, "CI_DEFAULT_BRANCH": "main", **variables}
        checkout = self.folder / f"checkout-{len(list(self.folder.iterdir()))}"
        git(self.folder, "clone", "--quiet", str(self.remote), str(checkout))
        if self.ci == "none":
            [*_, line] = _blocks((checkout / "README.md").read_text())
            return self._run(line, checkout, variables)
        job: Any = yaml.safe_load((checkout / JOBS[self.ci]).read_text())[
            "jobs" if self.ci == "github" else "witness"
        ]
        if self.ci == "gitlab":
            git(checkout, "checkout", "--quiet", "--detach")
            lines = [job["before_script"][-1], *job["script"]]
            return self._run("\n".join(lines), checkout, {**job["variables"], **given})
        step = job["witness"]["steps"][-1]
        own = {name: value for name, value in step["env"].items() if "${{" not in value}
        return self._run(step["run"], checkout, {**own, **given, "RUNNER_TEMP": str(self.folder)})

    def commits(self) -> int:
        """How many the remote has."""
        return len(git(self.remote, "log", "--format=%h").split())

    def read(self, path: str) -> bytes:
        """A file as the remote has it."""
        return git(self.remote, "show", f"HEAD:{path}").encode() + b"\n"

    def _run(
        self, script: str, folder: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """In ``folder``, as the shell of a platform does: nothing is installed, the command is on
        PATH."""
        programs = self.folder / "venv/bin"
        programs.mkdir(parents=True, exist_ok=True)
        command = programs / "reconciler"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
        command.chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env=environ(PATH=path, **(variables or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def make_own_witness(folder: Path, project: Path, ci: str, *environments: str) -> OwnWitness:
    """What ``init`` writes for the log of ``project``, a repository."""
    made = OwnWitness(folder, ci)
    folder.mkdir()
    named = [word for one in environments for word in ("-e", one)]
    where = ("--witness", project.as_uri(), "--ci", ci)
    assert main(["-q", "init", str(made.root), *where, *named]) == 0
    return made


def _blocks(readme: str) -> list[str]:
    """Its commands, a text for each block."""
    found = re.findall(r"^( *)```\n(.*?)^\1```$", readme, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]
