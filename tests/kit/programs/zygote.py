"""Starts the command line as operating system processes of their own, and pays for Python's start
and imports once.

A small program that has imported everything waits for orders and forks. What it forks is the whole
command: a process with its own pid, environment, directory, signal handlers and output files, which
SIGKILL really kills.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import reconciler
from reconciler.cli.main import main
from tests.kit.programs.commands import PYTHON_PATH, ROOT

LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """``code`` is negative for a process that a signal ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Child:
    """A running command."""

    pid: int
    _answers: TextIO
    _out: Path
    _err: Path

    def signal(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def wait(self) -> Ended:
        """Its end. Whatever it printed is complete then."""
        code = int(json.loads(self._answers.readline())["code"])
        return Ended(
            code, self._out.read_text(errors="replace"), self._err.read_text(errors="replace")
        )


@dataclass
class Zygote:
    """One command at a time: ``start`` it, then ``wait`` for it."""

    _orders: TextIO
    _answers: TextIO
    folder: Path
    started: int = field(default=0)

    def start(
        self,
        directory: Path,
        arguments: tuple[str, ...],
        variables: Mapping[str, str],
        before: str = "",
    ) -> Child:
        """Run ``reconciler <arguments>`` in ``directory``. ``before``: ``module:function`` and,
        after a space, one JSON value that the function is called with in the child before the
        command begins."""
        self.started += 1
        out, err = self.folder / f"{self.started}.out", self.folder / f"{self.started}.err"
        order = {
            "arguments": arguments, "directory": str(directory), "variables": dict(variables), "before": before,
            "out": str(out), "err": str(err),
        }  # fmt: skip
        print(json.dumps(order), file=self._orders, flush=True)
        pid = int(json.loads(self._answers.readline())["pid"])
        return Child(pid, self._answers, out, err)


@contextmanager
def forking(folder: Path, **variables: str) -> Iterator[Zygote]:
    """The waiting program, for the length of a ``with`` block; outputs are kept in ``folder``.

    ``variables`` are in its environment from its start: what a library reads as it is loaded.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        program = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.kit.programs.zygote", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": PYTHON_PATH, **variables},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        ours.settimeout(LIMIT_SECONDS)
        with ours.makefile("w") as orders, ours.makefile("r") as answers:
            yield Zygote(orders, answers, folder)
        ours.close()
        program.wait(LIMIT_SECONDS)


def _serve(descriptor: int) -> int:
    """Fork for every order and tell how it ended; in the fork, the exit code of the command."""
    _import_everything()
    connection = socket.socket(fileno=descriptor)
    with connection.makefile("r") as orders, connection.makefile("w") as answers:
        for line in orders:
            pid = os.fork()
            if pid == 0:
                return _run(json.loads(line))
            print(json.dumps({"pid": pid}), file=answers, flush=True)
            _, status = os.waitpid(pid, 0)
            print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), file=answers, flush=True)
    return 0


def _run(order: Mapping[str, Any]) -> int:
    os.setsid()
    for number, name in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["variables"])
    sys.argv = ["reconciler", *order["arguments"]]
    if order["before"]:
        name, _, value = order["before"].partition(" ")
        module, _, function = name.partition(":")
        call: Callable[[Any], None] = getattr(importlib.import_module(module), function)
        call(json.loads(value))
    return main()


def _import_everything() -> None:
    for found in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


if __name__ == "__main__":
    sys.exit(_serve(int(sys.argv[1])))
