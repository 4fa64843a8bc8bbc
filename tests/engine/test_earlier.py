"""The report of an earlier run is known by the digest of each of its files."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from reconciler.engine.runs.earlier import digest_files


def test_a_file_is_known_by_its_ending() -> None:
    """As the registry keeps it: a run document of today is read by a later version."""
    folder = PurePosixPath("audit/production")
    files = {folder / "20261123t224500z-a.json": "{}", folder / "20261123t224500z-a.md": "# ü"}
    found = {name: one.removeprefix("sha256:") for name, one in digest_files(files).items()}
    assert found == {
        "json": hashlib.sha256(b"{}").hexdigest(),
        "md": hashlib.sha256("# ü".encode()).hexdigest(),
    }
