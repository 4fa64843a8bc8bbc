"""What tests use of npm: fetched once into a folder below ``.venv``, each hash checked: webhook libraries and more.

``npm pack`` fetches from whichever registry this machine uses and runs no script; nothing else of npm is needed.
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
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_suffix(".mjs")
# Package and version -> sha512 of its archive. All are MIT, fast-sha256 is in the public domain.
PINNED: Mapping[str, str] = {
    "@octokit/webhooks-methods@6.0.0": "MFlzzoDJVw/GcbfzVC1RLR36QqkTLUf79vLVO3D+xn7r0QgxnFoLZgtrzxiQErAjFUOdH6fas2KeQJ1yr/qaXQ==",  # noqa: E501
    "@stablelib/base64@1.0.1": "1bnPQqSxSuc3Ii6MhBysoWCg58j97aUjuCSZrGSmDxNqtytIi0k8utUenAwTZN4V5mXXYGsVUI9zeBqy+jBOSQ==",  # noqa: E501
    "fast-sha256@1.3.0": "n11RGP/lrWEFI/bWdygLxhI+pVeo1ZYIVwvvPkW7azl/rOy+F3HYRZ2K5zeE9mmkhQppyv9sQFx0JM9UabnpPQ==",
    "standardwebhooks@1.1.1": "bCbX9ZEyFkWPsRz7Bl3NuQUJohmwGSev/yhr7vhaGPlc4AfIrspIRa6cPTBuI1ItmrTDJ4d/S2hCsfe4+vQGnQ==",  # noqa: E501
    "stripe@23.1.0": "fVUfMSfTPoukfoV//MUKAx2+YxyKmYaYtnAL9VkfnHfaPNQylFdWZMD+zgUFerI8rjbaiER8Vzj2XEUQ2AhAsQ==",
    "svix@2.5.0": "mqcwCPKL6J5yqC2EQy5ZqE5XEJriCZffy49EGBDCsnrQ7RAYF4kZLJhKfXrB0n21S+3M9qYmQ9YjzrNjRlIuCw==",
}

Case = Mapping[str, Any]


class NodeVerifiers:
    """``folder`` holds the libraries as ``node_modules``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, cases: Sequence[Case]) -> list[object]:
        """One answer a case, in order: what the library returned, or a text that says why it refused."""
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:  # below node_modules' parent: imports resolve
            script = shutil.copy(SCRIPT, scratch)
            done = subprocess.run(
                ["node", script], input=json.dumps(list(cases)), capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr
        answers: list[object] = json.loads(done.stdout)
        assert len(answers) == len(cases)
        return answers


def node_verifiers() -> NodeVerifiers:
    """The libraries, fetched when they are not there yet. Without node the test is skipped, unless ``CI`` is set."""
    return NodeVerifiers(npm_packages(PINNED))


def npm_packages(pinned: Mapping[str, str], wanted: Collection[str] = ()) -> Path:
    """A folder with the packages of ``pinned`` as ``node_modules``, fetched when they are not there yet.

    ``wanted``: only these files, by their path in an archive (``package/…``); all when empty. Without node the test is
    skipped, unless ``CI`` is set.
    """
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    if absent and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(absent)} not installed: what comes from npm runs where CI is set")
    assert not absent, f"{' and '.join(absent)} must be installed where CI is set"
    pins = hashlib.sha256(json.dumps([pinned, sorted(wanted)], sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(sys.prefix) / "node-verifiers" / pins
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            _fetch(made, pinned, wanted)
            if not folder.exists():  # another worker may have been faster
                made.rename(folder)
    return folder


def _fetch(folder: Path, pinned: Mapping[str, str], wanted: Collection[str]) -> None:
    for pin, expected in pinned.items():
        name, version = pin.rsplit("@", 1)
        archives = folder / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "pack", "--silent", pin], cwd=archives, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"npm cannot fetch {pin}: {done.stderr[-500:]}"
        archive = archives / f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
        unpack(archive, expected, folder / "node_modules" / name, wanted)
    shutil.rmtree(folder / "archives")


def unpack(archive: Path, expected: str, target: Path, wanted: Collection[str] = ()) -> None:
    """Unpack an archive of npm, or the ``wanted`` files of it, into ``target``; one whose sha512 (base64) is another
    is refused unopened."""
    actual = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert actual == expected, f"{archive.name} has sha512 {actual}, not {expected}"
    with tarfile.open(archive) as opened, tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        members = [opened.getmember(name) for name in wanted] or opened.getmembers()
        opened.extractall(scratch, members, filter="data")
        (top,) = Path(scratch).iterdir()  # package/, in some archives another name
        target.parent.mkdir(parents=True, exist_ok=True)
        top.rename(target)
