"""Starts one program, waits for it and writes what it took to a file descriptor: its exit code,
seconds on the clock, CPU seconds, and peak memory in kilobytes.

    python -I -S benchmarks/measuring/launch.py FD PROGRAM [ARGUMENT...]

It is run without site packages and imports next to nothing, because Linux counts the memory of
whoever starts a program as that program's own until it has loaded itself. A small starter makes the
smallest program measurable.
"""

import os
import sys
import time

report, program = int(sys.argv[1]), sys.argv[2:]
os.set_inheritable(report, False)
start = time.monotonic()
pid = os.posix_spawn(program[0], program, os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - start
code = os.waitstatus_to_exitcode(status)
figures = f"{code} {wall!r} {usage.ru_utime + usage.ru_stime!r} {usage.ru_maxrss}"
os.write(report, figures.encode())
