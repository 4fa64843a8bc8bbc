"""The commands of a job of GitLab CI, in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.kit.forges.gitlab_api import TOKEN


@dataclass
class Job:
    """``printed`` is what the last command said, ``waits`` are the seconds that any was patient
    for."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    waits: list[float] = field(default_factory=list)
    out: str = ""
    err: str = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = main(["gitlab", *map(str, arguments)])
        self.out, self.err = self.capsys.readouterr()
        assert TOKEN not in self.out + self.err
        assert "RC000" not in self.err, self.err
        return code
