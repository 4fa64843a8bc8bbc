"""What the pages on GitHub and GitLab let people put into their repository: ``make wheel``."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    ".ci/wheel",
    "pyproject.toml",
    "requirements.txt",
    "README.md",
    "LICENSE",
    "reconciler",
    ".github/actions",
)


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_the_wheel_is_pinned_beside_all_that_it_needs(platform: str, tmp_path: Path) -> None:
    for name in SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tmp_path / name)
    page = (ROOT / f"docs/ci-{platform}.md").read_text()
    folder = f".{platform}/reconciler"
    assert f"make -C reconciler wheel{'' if platform == 'github' else f' FOR={folder}'}" in page
    subprocess.run(
        [tmp_path / ".ci/wheel", folder, sys.executable], check=True, capture_output=True
    )
    wheel, requirements = sorted(path.name for path in (tmp_path / "dist").iterdir())
    digest = hashlib.sha256((tmp_path / "dist" / wheel).read_bytes()).hexdigest()
    text = (tmp_path / "dist" / requirements).read_text()
    assert (
        text
        == (ROOT / "requirements.txt").read_text()
        + f"./{folder}/{wheel} \\\n    --hash=sha256:{digest}\n"
    )
    assert re.fullmatch(r"reconciler-\d+\.\d+\.\d+-py3-none-any\.whl", wheel)
    assert f"cp reconciler/dist/* {folder}/" in page
