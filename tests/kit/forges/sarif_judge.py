"""Microsoft's SARIF multitool, the reference validator, with the rules that GitHub's code scanning
demands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.kit.programs.npm import fetched

# MIT. A program for Linux that needs no node.
PINNED = {
    "@microsoft/sarif-multitool-linux@5.7.0": "NxUbpq6ISCWoTQ/NfOYEwEDKq1Heka/rMoJ5R5LMydcAZQX/X7g5mWHcgxDub+0M07LC96tZ5LZHvF1Qy3gjTA==",  # noqa: E501
}


def complaints(logs: Sequence[Path]) -> list[str]:
    """``<file> <rule>`` of everything that it calls an error or a warning, sorted.

    It exits with 0 all the same.
    """
    program = (
        fetched("sarif-multitool", PINNED)
        / "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
    )
    program.chmod(0o755)
    done = subprocess.run(
        [program, "validate", *logs, "--rule-kind", "Sarif;Ghas"],
        env=os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert f"{len(logs)} file" in said, said
    assert "Analysis completed successfully" in said, said
    found = re.findall(r"^(.+?)\([0-9,]+\): (?:error|warning) (\w+): (.*)$", said, re.MULTILINE)
    assert len(found) == len(re.findall(r"\b(?:error|warning) [A-Z]+[0-9]+", said)), said
    return sorted(f"{Path(file).name} {rule}: {text}" for file, rule, text in found)
