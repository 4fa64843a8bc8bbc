"""Programs that a test starts, and their end: none outlives the test, however it ends.

``started`` is for one program. ``end_what_is_left`` is the net below it, for what a failed test
left running.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from tests.kit.programs.commands import living_in

# Long enough for a command that stops its own server first.
TERM_SECONDS = 10.0
# What a shell, nohup or a CI agent may have ignored before it started us.
USUAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

# A command that is put behind it starts as in the background of a script, or after nohup.
IN_BACKGROUND = ("sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh")


def ignored(pid: int) -> set[signal.Signals]:
    """The usual signals that a running program ignores now."""
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigIgn:")
    ]
    mask = int(line.split()[1], 16)
    return {number for number in USUAL if mask & 1 << (number - 1)}


def take_usual_signals() -> None:
    """Let programs that we start begin with the usual signals, whatever was ignored when we were
    started.

    We go on ignoring them ourselves: a handler of our own is not inherited, an ignored signal is.
    """

    def ignore(_number: int, _frame: FrameType | None) -> None:
        """Nothing."""

    for number in USUAL:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, ignore)


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[str] = subprocess.DEVNULL,
    stdout: int | IO[str] | None = subprocess.PIPE,
    stderr: int | IO[str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own. The end of the block waits for it; a block that
    fails ends it, with whatever it started in its group."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        except BaseException:
            end_group(running)
            raise


def end_group(running: subprocess.Popen[str]) -> None:
    """SIGTERM, and SIGKILL to what is still there after a while."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        running.wait(TERM_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


Process = tuple[int, int]  # a pid, and the tick at which it started: pids are used again


def tick() -> int:
    """Now, as the kernel counts when it notes the start of a program."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def descendants() -> frozenset[Process]:
    """Every program below this one. It reads what the kernel says of every program there is: a
    thousandth of a second for each ten of them."""
    parents: dict[Process, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name), int(fields[19])] = int(fields[1])
    found: set[Process] = set()
    above = {os.getpid()}
    while above:
        below = {one for one, parent in parents.items() if parent in above} - found
        found |= below
        above = {pid for pid, _ in below}
    return frozenset(found)


def end_what_is_left(since: int = 0, folder: Path | None = None) -> list[int]:
    """End the programs below us that started at ``since`` (a ``tick``) or later, and those that
    live in ``folder``; their pids."""
    left = [pid for pid, started_at in descendants() if started_at >= since]
    if folder is not None:
        left += living_in(folder)
    own = os.getpid()
    left = [pid for pid in dict.fromkeys(left) if pid != own]
    send(left, signal.SIGTERM)
    until = time.monotonic() + TERM_SECONDS
    while any(map(lives, left)) and time.monotonic() < until:
        time.sleep(0.05)
    send(left, signal.SIGKILL)
    return left


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def lives(pid: int) -> bool:
    """A child that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
