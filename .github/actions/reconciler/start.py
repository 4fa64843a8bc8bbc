"""Starts a script of this action: ``python3 -I -S start.py NAME``.

So that no file of the repository that is checked out stands for a module of Python: -I leaves out
the working directory, the script's directory and Python's variables, -S what is installed on the
runner. The scripts import each other from here, after the standard library, and work in a directory
of their own.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.append(str(HERE))
    with tempfile.TemporaryDirectory(
        prefix="reconciler-", dir=os.environ.get("RUNNER_TEMP")
    ) as folder:
        os.chdir(folder)
        runpy.run_path(str(HERE / f"{sys.argv[1]}.py"), run_name="__main__")
