"""The example of the library, as a checker sees it in a program of somebody else: strictly typed,
and nothing of it ``Any``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "library.py"
# What a program may touch of each value, so that no field of theirs is Any.
TOUCHED = """
import reconciler


def everything(session: reconciler.Session) -> None:
    for finding in session.validate():
        print(finding.code, finding.level, finding.message, finding.remedy, finding.source)
    plan = session.plan(only=["one"], at=None)
    print(plan.digest, plan.created_at, plan.expires_at, plan.findings, plan.blocked)
    for action in plan.actions:
        print(action.kind, action.risk, action.before, action.after, action.permissions)
    run = session.apply(plan, push=True)
    for outcome in run.outcomes:
        print(outcome.status, outcome.detail, outcome.code, outcome.stage, outcome.version)
    print(run.problem, run.report, run.commit, run.complete, run.to_json())
    for tested in session.prove("one/two").tested:
        print(tested.address, tested.failed, tested.delivery)
    print(session.status().clients, session.status().to_json())
"""


def checked(program: Path, *options: str) -> str:
    """What mypy prints about ``program``, which is not ours."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", *options]
    where = ("--cache-dir", str(ROOT / ".mypy_cache" / "typed-users"), "--config-file", "")
    ran = subprocess.run(
        [*command, *where, "--namespace-packages", str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def test_the_example_is_strictly_typed_and_has_no_any(tmp_path: Path) -> None:
    touched = tmp_path / "touched.py"
    touched.write_text(TOUCHED)
    for program in (EXAMPLE, touched):
        assert "Success" in checked(program, "--disallow-any-expr"), program


def test_the_checker_tells_any_and_a_name_that_is_not_there(tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text(
        "import json\nimport reconciler\n\nfound = json.loads('1')\nreconciler.nothing_like_it\n"
    )
    told = checked(program, "--disallow-any-expr")
    assert re.search(r"wrong\.py:4: error: .*Any", told)
    assert 'has no attribute "nothing_like_it"' in told
