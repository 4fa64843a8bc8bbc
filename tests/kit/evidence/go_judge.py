"""Go's checksum database as a judge: ``golang.org/x/mod/sumdb`` reads our notes, makes and checks
our proofs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kit.programs.debian import folder, program

SOURCE = Path(__file__).with_suffix(".go")
# Any Go will do; this is what Debian's package of that name brings.
_NAMES = ("go", "/usr/lib/go-1.19/bin/go")
# Sources of Debian's packages, which Go finds without the network.
_SOURCES = "/usr/share/gocode"
_WHY = "Go judges the evidence log"


def ask_go(question: Mapping[str, Any]) -> dict[str, Any]:
    """What Go says; the fields are those of ``question`` and ``answer`` in ``go_judge.go``.

    Without Go, or its sources, the test is skipped, unless ``CI`` is set.
    """
    go = program(_NAMES, "golang-1.19-go", _WHY)
    folder(f"{_SOURCES}/src/golang.org/x/mod/sumdb/tlog", "golang-golang-x-mod-dev", _WHY)
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {
            "GO111MODULE": "off",
            "GOPATH": _SOURCES,
            "GOFLAGS": "",
            "GOCACHE": f"{tempfile.gettempdir()}/reconciler-tests-go",
            "HOME": scratch,
        }
        done = subprocess.run(
            [go, "run", str(SOURCE)],
            input=json.dumps(question),
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def encoded(content: bytes) -> str:
    """Bytes, and hashes, as Go's JSON has them."""
    return base64.b64encode(content).decode()
