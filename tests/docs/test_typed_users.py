"""The example of the library, as a checker sees it in a program of somebody else: strictly typed,
and nothing of it ``Any``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "library.py"
# What a program may touch of each value.
TOUCHED = """
import reconciler


def everything(
    session: reconciler.Session,
    finding: reconciler.Finding,
    plan: reconciler.Plan,
    action: reconciler.Action,
    run: reconciler.Run,
    outcome: reconciler.Outcome,
    tested: reconciler.Tested,
    status: reconciler.Status,
) -> None:
@TOUCHED@
"""
NAMES = {
    "session": ("validate", "plan", "apply", "status", "prove", "rotate", "revoke", "close"),
    "finding": ("code", "level", "message", "address", "remedy", "source", "excerpt"),
    "plan": ("environment", "digest", "created_at", "actions", "changes", "findings", "blocked"),
    "action": (
        "kind", "address", "reason", "message", "risk", "client", "item", "version",
        "before", "after", "risk_reasons", "permissions",
    ),
    "run": ("run_id", "outcomes", "complete", "report", "commit", "problem", "to_json"),
    "outcome": ("action", "status", "message", "detail", "problem", "reached", "code", "stage", "version"),
    "tested": ("client", "webhook", "url", "delivery", "skipped", "address", "failed"),
    "status": ("environment", "at", "clients", "to_json"),
}  # fmt: skip


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


def test_the_example_is_strictly_typed_and_has_no_any() -> None:
    assert "Success" in checked(EXAMPLE, "--disallow-any-expr")


def test_nothing_that_a_program_may_touch_is_any(tmp_path: Path) -> None:
    lines = [f"    reveal_type({value}.{name})" for value, names in NAMES.items() for name in names]
    program = tmp_path / "touched.py"
    program.write_text(TOUCHED.replace("@TOUCHED@", "\n".join(lines)))
    told = checked(program)
    assert "Success" in told
    revealed = re.findall(r'Revealed type is "(.*)"', told)
    assert len(revealed) == len(lines)
    assert [one for one in revealed if re.search(r"\bAny\b", one)] == []


@pytest.mark.parametrize("value", ["finding", "action", "outcome", "tested"])
def test_no_field_is_left_out(value: str) -> None:
    fields: dict[str, object] = getattr(reconciler, value.title()).__dataclass_fields__
    assert set(fields) <= set(NAMES[value])


def test_the_checker_tells_any_and_a_name_that_is_not_there(tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text(
        "import json\nimport reconciler\n\nfound = json.loads('1')\nreconciler.nothing_like_it\n"
    )
    told = checked(program, "--disallow-any-expr")
    assert re.search(r"wrong\.py:4: error: .*Any", told)
    assert 'has no attribute "nothing_like_it"' in told
