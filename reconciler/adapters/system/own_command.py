"""Runs this very program as a user would: another Python process, its output line by line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import reconciler
from reconciler.adapters.system.signals import holding_signals

_END_SECONDS = 5.0


def run_own_command(
    arguments: Sequence[str],
    directory: Path,
    environ: Mapping[str, str],
    each: Callable[[str], None],
) -> int:
    """Run ``reconciler <arguments>`` in ``directory`` with nothing but ``environ``; the exit code.

    ``each`` gets every line of stdout and stderr, in their order, as it appears. No terminal, no
    stdin. Whatever ends this function early ends the command first.
    """
    # The package that runs now, wherever it was imported from; -P: not something in the directory
    # instead.
    path = os.pathsep.join(
        filter(None, (str(Path(reconciler.__file__).parents[1]), environ.get("PYTHONPATH")))
    )
    command = [sys.executable, "-P", "-m", "reconciler", *arguments]
    process: subprocess.Popen[str] | None = None
    try:
        with holding_signals():
            process = subprocess.Popen(
                command,
                cwd=directory,
                env={**environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                # Ctrl-C reaches us alone; we end the command in our own order.
                start_new_session=True,
            )
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                each(line.rstrip("\n"))
        return process.wait()
    except BaseException:
        if process is not None:
            _end(process)
        raise


def _end(process: subprocess.Popen[str]) -> None:
    """The command stops between actions when it is asked to; it is not given for ever."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
            return
