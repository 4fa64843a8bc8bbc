"""Packages of npm for tests: fetched once into a folder below ``.venv``, each hash checked against
a table.

``npm pack`` fetches from whichever registry this machine uses and runs no script; nothing else of
npm is needed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from tests.kit.suite.fast import leave_out
from tests.kit.suite.guarding import unguarded


def fetched(
    name: str, pinned: Mapping[str, str], *tools: str, wanted: Collection[str] = ()
) -> Path:
    """The folder whose ``node_modules`` holds ``pinned`` (package@version -> sha512 of its archive,
    base64), fetched when it is not there yet; ``wanted``: only these files of it, by their path in
    an archive (``package/…``). Without npm or one of ``tools`` the test is skipped, unless ``CI``
    is set."""
    leave_out("what npm fetches")
    absent = [tool for tool in (*tools, "npm") if shutil.which(tool) is None]
    if absent and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(absent)} not installed: {name} is used where CI is set")
    assert not absent, f"{' and '.join(absent)} must be installed where CI is set"
    pins = hashlib.sha256(
        json.dumps([pinned, sorted(wanted)], sort_keys=True).encode()
    ).hexdigest()[:16]
    folder = Path(sys.prefix) / name / pins
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            _fetch(made, pinned, wanted)
            if not folder.exists():  # another worker may have been faster
                made.rename(folder)
    return folder


def _fetch(folder: Path, pinned: Mapping[str, str], wanted: Collection[str]) -> None:
    archives = folder / "archives"
    archives.mkdir(parents=True)
    done = subprocess.run(
        ["npm", "pack", "--silent", *pinned],
        cwd=archives,
        env=unguarded(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"npm cannot fetch {', '.join(pinned)[:200]}: {done.stderr[-500:]}"
    for pin, expected in pinned.items():
        name, version = pin.rsplit("@", 1)
        archive = archives / f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
        unpack(archive, expected, folder / "node_modules" / name, wanted)
    shutil.rmtree(archives)


def run_script(folder: Path, script: Path, given: str) -> str:
    """What ``script`` prints, run by node with the packages of ``folder`` and ``given`` on its
    standard input."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:  # beside node_modules: imports resolve
        copied = shutil.copy(script, scratch)
        done = subprocess.run(
            ["node", copied],
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def closure(file: Path) -> dict[str, str]:
    """A program's whole closure, pinned in a file: one package a line, ``name@version`` and the
    sha512 in base64."""
    return dict(line.split() for line in file.read_text().splitlines())


def unpack(archive: Path, expected: str, target: Path, wanted: Collection[str] = ()) -> None:
    """Unpack an archive of npm, or the ``wanted`` files of it, into ``target``; one whose sha512
    (base64) is another is refused unopened."""
    actual = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert actual == expected, f"{archive.name} has sha512 {actual}, not {expected}"
    with (
        tarfile.open(archive) as opened,
        tempfile.TemporaryDirectory(dir=archive.parent) as scratch,
    ):
        members = [opened.getmember(one) for one in wanted] or opened.getmembers()
        opened.extractall(scratch, members, filter="data")
        (top,) = Path(scratch).iterdir()  # package/, in some archives another name
        target.parent.mkdir(parents=True, exist_ok=True)
        top.rename(target)
