"""What a program took is its own, and a program that fails is a failed benchmark."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.measuring.programs import BenchmarkError, run_program

HELD = "held = bytearray(%d * 1_000_000); held[::4096] = b'x' * len(held[::4096])"
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}


def test_memory_is_that_of_the_program_and_not_of_whoever_starts_it() -> None:
    """The tests hold much more than a bare interpreter does."""
    mine = bytearray(80_000_000)
    mine[::4096] = b"x" * len(mine[::4096])
    small = run_program([sys.executable, "-I", "-S", "-c", "pass"], ENVIRONMENT).sample.peak
    large = run_program([sys.executable, "-I", "-S", "-c", HELD % 60], ENVIRONMENT).sample.peak
    assert small < 40
    assert 55 <= large - small <= 70
    assert len(mine) == 80_000_000


def test_the_cpu_of_programs_that_it_starts_counts() -> None:
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {spin!r}])"
    sample = run_program([sys.executable, "-I", "-S", "-c", code], ENVIRONMENT).sample
    assert sample.cpu >= 0.3


def test_what_it_prints_is_kept_and_its_variables_are_those_given() -> None:
    code = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))"
    ended = run_program([sys.executable, "-I", "-S", "-c", code], {"ONLY": "this"})
    assert ended.printed == "['ONLY']\n"


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("import sys; sys.exit('it went wrong')", "ended with 1:\nit went wrong"),
        ("import os; os.kill(os.getpid(), 9)", "ended with -9:"),
    ],
)
def test_a_program_that_fails_is_an_error_with_its_last_words(code: str, ended: str) -> None:
    with pytest.raises(BenchmarkError) as failed:
        run_program([sys.executable, "-I", "-S", "-c", code], ENVIRONMENT)
    assert ended in str(failed.value)


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="No such file"):
        run_program(["/nowhere/reconciler", "--help"], ENVIRONMENT)
