"""Which tests run which line: measured once for a room, by coverage, and kept in ``.mutants/``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from coverage import CoverageData

from tests.kit.programs.commands import ROOT
from tests.mutation.rooms import Room, chosen_tests

KEPT = ROOT / ".mutants"
# What starts the command as a program of its own; coverage does not see what runs there.
_OUTSIDE = (
    "tests.kit.programs.commands",
    "tests.kit.programs.zygote",
    "tests.kit.webhooks.listener",
)


@dataclass(frozen=True)
class Related:
    """``lines``: module -> line -> ids of tests. ``seconds``: of each test. ``outside``: test files
    that start programs, and what was not measured."""

    lines: Mapping[str, Mapping[int, list[str]]]
    seconds: Mapping[str, float]
    outside: tuple[str, ...]

    def tests(self, module: str, line: int, most: int) -> list[str]:
        """The quickest tests that run the line, then what may run it in a program of its own. A
        line that is run when the module is imported (a table, say) is in the hands of all tests of
        the module."""
        lines = self.lines.get(module, {})
        found = [one for one in lines.get(line, []) if one]
        if not found and "" in lines.get(line, []):
            found = sorted({one for some in lines.values() for one in some if one})
        quick = sorted(found, key=lambda one: self.seconds.get(one, 0.0))
        return [*quick[:most], *self.outside]


def related(room: Room, *, anew: bool = False) -> Related:
    """Measure, or take what was measured before."""
    KEPT.mkdir(exist_ok=True)
    data, times = KEPT / f"{room.name}.coverage", KEPT / f"{room.name}.xml"
    if anew or not data.exists() or not times.exists():
        _measure(room, data, times)
    outside = tuple(
        one
        for one in chosen_tests(room)
        if any(name in (ROOT / one).read_text() for name in _OUTSIDE)
    )
    last = tuple(f"tests/{one}" for one in room.last)
    return Related(_lines(data), _seconds(times), (*outside, *last))


def _measure(room: Room, data: Path, times: Path) -> None:
    command = [
        sys.executable, "-m", "pytest", "-q", "-pno:cacheprovider", "--numprocesses=2", "--cov=reconciler",
        "--cov-context=test", "--cov-report=", "-ojunit_family=xunit1", f"--junitxml={times}", *chosen_tests(room),
    ]  # fmt: skip
    environment = {**os.environ, "COVERAGE_FILE": str(data)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        times.unlink(missing_ok=True)
        raise SystemExit(f"the tests of {room.name} fail without a mutant:\n{done.stdout[-3000:]}")


def _lines(data: Path) -> dict[str, dict[int, list[str]]]:
    found = CoverageData(str(data))
    found.read()
    return {
        str(Path(path).relative_to(ROOT)): {
            line: [context.partition("|")[0] for context in contexts]
            for line, contexts in found.contexts_by_lineno(path).items()
        }
        for path in found.measured_files()
    }


def _seconds(times: Path) -> dict[str, float]:
    cases = ET.parse(times).iter("testcase")
    return {f"{one.get('file')}::{one.get('name')}": float(one.get("time", "0")) for one in cases}
