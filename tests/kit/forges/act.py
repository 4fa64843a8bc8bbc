"""``act`` runs a workflow for real, offline, on this machine.

What it would fetch from GitHub is put in its place.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# What actions/checkout and actions/upload-artifact do, as far as the workflows use them. A run's
# artifacts go to <ARTIFACTS>/<run>/<name>/, where GitHub's API on loopback serves them from.
STUBS = {
    "actions/checkout": """\
inputs: {ref: {default: ""}, persist-credentials: {default: "true"}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REF: "${{ inputs.ref }}"}
      run: |
        find . -mindepth 1 -delete
        git clone --quiet "$REMOTE" .
        git checkout --quiet "${REF#refs/heads/}"
""",
    "actions/upload-artifact": """\
inputs: {name: {required: true}, path: {required: true}, if-no-files-found: {default: warn}, overwrite: {default: ""}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", FILE: "${{ inputs.path }}"}
      run: mkdir -p "$ARTIFACTS/$GITHUB_RUN_ID/$NAME" && cp "$FILE" "$ARTIFACTS/$GITHUB_RUN_ID/$NAME/"
""",
}
# act 0.2.89 knows no queue, which GitHub added in May 2026, and refuses the whole file.
UNKNOWN = re.compile(r"^ +queue: max\n", re.MULTILINE)


@dataclass(frozen=True)
class Acted:
    """One run. ``jobs`` has each job's result, ``outputs`` what steps put out (the last one of a
    name counts), ``masked`` what steps had masked, ``log`` all lines but those in which they did
    so."""

    code: int
    log: str
    jobs: dict[str, str]
    outputs: dict[str, str]
    summary: str
    masked: list[str]


@dataclass(frozen=True)
class Act:
    """``variables`` are those of every step, ``secrets`` and ``settings`` (``vars``) those of the
    repository."""

    repository: Path
    scratch: Path
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    settings: Mapping[str, str]

    def __call__(self, event: str, workflow: str, payload: Any) -> Acted:
        command = shutil.which("act", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if command is None and not os.environ.get("CI"):
            pytest.skip(
                "act is not installed (there is one for Linux): the workflows run where CI is set"
            )
        assert command is not None, "act must be installed where CI is set"
        file = self.repository / ".github/workflows" / workflow
        self.scratch.mkdir(exist_ok=True)
        (self.scratch / "event.json").write_text(json.dumps(payload))
        options = [
            option
            for name, value in self.variables.items()
            for option in ("--env", f"{name}={value}")
        ]
        options += [
            option
            for name, value in self.settings.items()
            for option in ("--var", f"{name}={value}")
        ]
        options += [option for name in self.secrets for option in ("--secret", name)]
        options += self._stubs(file.read_text())
        done = subprocess.run(
            [command, event, "--workflows", str(file), "--platform", "ubuntu-latest=-self-hosted", "--json",
             "--action-offline-mode", "--no-cache-server", "--eventpath", str(self.scratch / "event.json"), *options],
            cwd=self.repository, capture_output=True, text=True, check=False,
            env={**os.environ, **self.secrets, "XDG_CACHE_HOME": str(self.scratch / "cache"),
                 "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        return _read(done.returncode, done.stdout + done.stderr)

    def _stubs(self, workflow: str) -> list[str]:
        path = self.repository / ".github/actions/reconciler/action.yml"
        action = path.read_text() if path.is_file() else ""
        options = []
        for name, text in STUBS.items():
            folder = self.scratch / "stubs" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "action.yml").write_text(f"name: {name}\ndescription: in its place\n{text}")
            for used in set(re.findall(rf"uses: ({name}@[0-9a-f]{{40}})", workflow + action)):
                options += ["--local-repository", f"{used}={folder}"]
        return options


def _read(code: int, log: str) -> Acted:
    jobs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    masked, lines, summary = [], [], ""
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            entry = {}
        if entry.get("command") == "add-mask":
            masked.append(entry["arg"])
            continue
        lines.append(line)
        if "jobResult" in entry:
            jobs[entry["jobID"]] = entry["jobResult"]
        elif entry.get("command") == "set-output":
            outputs[entry["name"]] = entry["arg"]
        elif entry.get("command") == "summary":
            summary += entry["content"]
    return Acted(code, "\n".join(lines), jobs, outputs, summary, masked)


def adapted(repository: Path) -> None:
    """Make act able to read the workflows, and the reconciler of these tests the one that they
    use."""
    for path in (repository / ".github/workflows").glob("reconciler-*.yml"):
        path.write_text(UNKNOWN.sub("", path.read_text()))
    action = repository / ".github/actions/reconciler/action.yml"
    text = action.read_text()
    assert text.count("default: .github/reconciler/requirements.txt") == 1
    action.write_text(text.replace("default: .github/reconciler/requirements.txt", "default: path"))
