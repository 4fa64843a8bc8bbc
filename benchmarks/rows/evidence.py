"""What it costs to verify an evidence log."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.programs import run_baseline, run_program
from benchmarks.measuring.turns import Turns, take_turns, tell
from benchmarks.rows.row import Bench
from benchmarks.worlds.evidence import FOLDER, write_log

# Reads the files from the disk, and fails where something does not hold.
_VERIFY = """
import os, sys
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.verification.anchors import Anchors
from reconciler.evidence.verification.walk import LogFiles, VerifiedLog, verify_log
os.chdir(sys.argv[1])
folder = sys.argv[2]
def read(name):
    try:
        with open(name, "rb", buffering=0) as file:
            return file.read()
    except FileNotFoundError:
        return None
names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
beside = os.path.dirname(folder)
keys = read(f"{folder}/keys")
files = LogFiles(
    ((name, read(f"{folder}/{name}")) for name in names), read, keys, read(f"{folder}/checkpoint"),
    [f"{beside}/{one.name}" for one in os.scandir(beside) if one.is_file()], folder,
)
pinned = VerifierKey.parse(keys.decode().splitlines()[0])
verified = verify_log(files, Anchors(pinned=[pinned]))
assert isinstance(verified, VerifiedLog) and verified.size == len(names), verified
"""


def measure_verification(bench: Bench) -> Turns:
    """As many entries as there are clients, with two reports each."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        tell(f"making a log of {bench.clients} entries")
        write_log(Path(scratch), bench.clients)

        def baseline() -> Sample:
            return run_baseline("verify_signatures", bench.desk, f"{scratch}/{FOLDER}")

        def ours() -> Sample:
            command = [sys.executable, "-c", _VERIFY, scratch, FOLDER]
            return run_program(command, bench.desk).sample

        return take_turns("evidence-verify", bench.few, baseline, ours)
