"""A wheel of a made-up program called ``reconciler``."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path


def wheel(folder: Path, version: str = "9.9.9") -> tuple[str, str]:
    """A wheel that brings a command reconciler; its name and its hash."""
    name = f"reconciler-{version}-py3-none-any.whl"
    info = f"reconciler-{version}.dist-info"
    code = f"def main() -> None:\n    print('reconciler, version {version}')\n"
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("reconciler_made_up.py", code)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: reconciler\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(
            f"{info}/entry_points.txt", "[console_scripts]\nreconciler = reconciler_made_up:main\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return name, hashlib.sha256((folder / name).read_bytes()).hexdigest()
