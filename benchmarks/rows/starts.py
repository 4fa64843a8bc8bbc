"""What a start costs: ``--help``, and what a plan imports."""

from __future__ import annotations

import sys

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.programs import RECONCILER, run_program
from benchmarks.measuring.turns import Turns, take_turns
from benchmarks.rows.row import Bench
from benchmarks.worlds.place import Kind, Place
from benchmarks.worlds.project import ENVIRONMENT

# Runs a command as the script does, then prints which modules came of it, in their order. Those
# without a specification (``__main__``) cannot be imported.
_LIST = """
import sys
from reconciler.cli.main import main
code = main(sys.argv[1:])
sys.stdout = sys.__stdout__
print("modules:", *(name for name, one in sys.modules.items() if getattr(one, "__spec__", None)))
sys.exit(code)
"""
# Finds each of them, as the statement ``import`` would; a part of a package that only its own
# package can make is there already then.
_IMPORT = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    try:
        import_module(name)
    except ModuleNotFoundError:
        if name.split(".")[0] in OURS:
            raise
"""


def measure_help(bench: Bench) -> Turns:
    def ours() -> Sample:
        return run_program([*RECONCILER, "--help"], bench.desk).sample

    return take_turns("help", bench.many, lambda: run_python(bench, "import click"), ours)


def measure_imports(bench: Bench) -> Turns:
    place = bench.applied(Kind(min(bench.clients, 20), webhooks=True))
    modules = list_modules(place)
    code = _IMPORT.replace("OURS", repr(("reconciler",)))

    def ours() -> Sample:
        return run_python(bench, code, *modules)

    return take_turns("imports", bench.many, lambda: run_python(bench, "pass"), ours)


def list_modules(place: Place) -> list[str]:
    """All modules that a plan with nothing to do has imported at its end, first to last."""
    where = ("--project", str(place.directory), "--quiet")
    command = [sys.executable, "-c", _LIST, *where, "plan", "-e", ENVIRONMENT]
    printed = run_program(command, place.environment).printed
    return printed.splitlines()[-1].removeprefix("modules: ").split()


def run_python(bench: Bench, code: str, *arguments: str) -> Sample:
    return run_program([sys.executable, "-c", code, *arguments], bench.desk).sample
