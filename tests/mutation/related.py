"""Which tests run which line: measured by coverage, one test file at a time, and kept in
``.mutants/measured/``.

Rooms share what is measured. A test file is measured anew when its text changed, or that of a
module of the room which it runs.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.kit.programs.commands import ROOT
from tests.mutation.rooms import Room, chosen_tests, modules_of

KEPT = ROOT / ".mutants"
MEASURED = KEPT / "measured"
# What starts the command as a program of its own; coverage does not see what runs there.
_OUTSIDE = (
    "tests.kit.programs.commands",
    "tests.kit.programs.zygote",
    "tests.kit.webhooks.listener",
)


@dataclass(frozen=True)
class Measured:
    """What one test file runs.

    ``digest``: of its text. ``modules``: digests of the modules that it runs. ``seconds``: of each
    test. ``lines``: module -> test -> lines, as the bits of a number; the empty name is for what
    runs when a module is imported.
    """

    digest: str
    modules: dict[str, str]
    seconds: dict[str, float]
    lines: dict[str, dict[str, str]]

    def holds(self, path: str, own: Sequence[str]) -> bool:
        """Whether the test file, the modules of the room and the tests' own are what they were."""
        moved = [one for one in self.modules if not (ROOT / one).exists()]
        return (
            not moved
            and self.digest == digest_of(path)
            and all(self.modules[one] == digest_of(one) for one in own if one in self.modules)
        )


@dataclass(frozen=True)
class Related:
    """``files``: what each test file runs. ``outside``: test files that start programs, and what is
    not measured."""

    files: tuple[Measured, ...]
    outside: tuple[str, ...]

    def tests(self, module: str, line: int, seconds: float) -> list[str]:
        """The tests that run the statement of a line, the quickest first, as many as take so long;
        then what may run it in a program of its own. A statement that is run when the module is
        imported (a table, say) is in the hands of all tests of the room, those of the
        module and of the files that import it first."""
        text = (ROOT / module).read_text()
        found = set(self._that_run(module, statement_of(text, line))) - {""}
        others: set[str] = set()
        if runs_at_import(text, line):  # for whichever test imports it first
            found |= set(self._that_run(module, None)) - {""}
            others = {test for one in self.files for test in one.seconds}
            found |= {test for test in others if names(test.partition("::")[0], module)}
            seconds *= 3
        took = {test: spent for one in self.files for test, spent in one.seconds.items()}

        def quick(tests: Iterable[str]) -> list[str]:
            return sorted(tests, key=lambda one: (took.get(one, 0.0), one))

        chosen: list[str] = []
        spent = 0.0
        # Of every file some, before many of one.
        rank = {test: at for one in self.files for at, test in enumerate(quick(one.seconds))}
        rest = sorted(others - found, key=lambda one: (rank[one], took[one], one))
        for test in [*quick(found), *rest]:
            spent += took.get(test, 0.0)
            if chosen and spent > seconds:
                break
            chosen.append(test)
        return [*chosen, *self.outside]

    def _that_run(self, module: str, wanted: range | None) -> Iterator[str]:
        bits = -1 if wanted is None else sum(1 << line for line in wanted)
        for one in self.files:
            for test, lines in one.lines.get(module, {}).items():
                if int(lines, 16) & bits:
                    yield test


def statement_of(text: str, line: int) -> range:
    """The lines of the innermost statement that has a line, without those of its body."""
    best = range(line, line + 1)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.stmt) or not node.lineno <= line <= (node.end_lineno or 0):
            continue
        body = getattr(node, "body", [])
        end = body[0].lineno if body else (node.end_lineno or 0) + 1
        if node.lineno <= line < max(end, node.lineno + 1):
            best = range(node.lineno, max(end, node.lineno + 1))
    return best


def runs_at_import(text: str, line: int) -> bool:
    """Whether a line is in no function."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return not any(
        isinstance(node, functions) and node.body[0].lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(text))
    )


@cache
def names(path: str, module: str) -> bool:
    """Whether a test file imports a module."""
    dotted = module.removesuffix(".py").replace("/", ".")
    file = ROOT / path
    return file.exists() and f"from {dotted} import" in file.read_text()


def related(room: Room, *, anew: bool = False, last: bool = False) -> Related:
    """Measure, or take what was measured before. ``last``: with the room's longest tests."""
    MEASURED.mkdir(parents=True, exist_ok=True)
    chosen, own = chosen_tests(room), modules_of(room)
    before = {path: _read(path) for path in chosen}
    stale = [path for path, one in before.items() if anew or not one or not one.holds(path, own)]
    if stale:
        _measure(stale)
    outside = [one for one in chosen if any(name in (ROOT / one).read_text() for name in _OUTSIDE)]
    longest = [f"tests/{one}" for one in room.last if last]
    files = [one for one in map(_read, chosen) if one]
    return Related(tuple(files), tuple(dict.fromkeys([*outside, *longest])))


def digest_of(path: str) -> str:
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()[:16]


def _kept(path: str) -> Path:
    return MEASURED / f"{path.removesuffix('.py').replace('/', '.')}.json"


def _read(path: str) -> Measured | None:
    file = _kept(path)
    return Measured(**json.loads(file.read_text())) if file.exists() else None


def _measure(paths: Sequence[str]) -> None:
    digests = {path: digest_of(path) for path in paths}  # before: a file may be edited meanwhile
    with tempfile.TemporaryDirectory(prefix="measured-") as folder:
        data, times = Path(folder, "coverage"), Path(folder, "times.xml")
        settings = Path(folder, "settings")
        settings.write_text("[run]\nsource = reconciler\n")  # lines and no branches: a third of it
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-pno:cacheprovider", "--numprocesses=2"),
            *("--cov=reconciler", "--cov-context=test", f"--cov-config={settings}"),
            *("--cov-report=", "-ojunit_family=xunit1", f"--junitxml={times}"),
            # threads that begin at once trip over one another's tracer
            *("-Wignore::pytest.PytestUnraisableExceptionWarning", *paths),
        ]
        environment = {**os.environ, "COVERAGE_FILE": str(data)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"tests fail without a mutant:\n{done.stdout[-3000:]}")
        lines, seconds = _lines(data), _seconds(times)
    for path in paths:
        mine = lines.get(path, {})
        measured = Measured(
            digest=digests[path],
            modules={module: digest_of(module) for module in mine},
            seconds={one: took for one, took in seconds.items() if one.startswith(f"{path}::")},
            lines={
                module: {
                    test: hex(bits) for test, bits in (lines[""].get(module, {}) | tests).items()
                }
                for module, tests in mine.items()
            },
        )
        _kept(path).write_text(json.dumps(asdict(measured)))


def _lines(data: Path) -> dict[str, dict[str, dict[str, int]]]:
    """Test file -> module -> test -> the bits of its lines; of no file what runs at an import."""
    found: dict[str, dict[str, dict[str, int]]] = {"": {}}
    with closing(sqlite3.connect(data)) as database:
        rows = database.execute(
            "SELECT path, context, numbits FROM line_bits"
            " JOIN file ON file.id = file_id JOIN context ON context.id = context_id"
        )
        for path, context, bits in rows:
            test = str(context).rpartition("|")[0]  # a name may hold one
            module = str(Path(path).relative_to(ROOT))
            of_module = found.setdefault(test.partition("::")[0], {}).setdefault(module, {})
            of_module[test] = of_module.get(test, 0) | int.from_bytes(bits, "little")
    return found


def _seconds(times: Path) -> dict[str, float]:
    cases = ET.parse(times).iter("testcase")
    return {f"{one.get('file')}::{one.get('name')}": float(one.get("time", "0")) for one in cases}
