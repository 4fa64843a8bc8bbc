"""The files of a commit, as the evidence log is read from it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.stored_files import CommittedFiles
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.evidence.reading import gather_log_files
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog, verify_log
from tests.kit.evidence.logs import Log
from tests.kit.evidence.told import write_log
from tests.kit.git.repositories import git, isolate

REPORTS = PurePosixPath("audit/staging")
RUNS = 60


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(monkeypatch, tmp_path / "home")
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet")
    return root


def commit(root: Path) -> CommittedFiles:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "files")
    return CommittedFiles(GitCommand(root), git(root, "rev-parse", "HEAD"))


def test_a_folder_that_was_listed_reads_the_same(root: Path) -> None:
    folder = root / REPORTS
    (folder / "log").mkdir(parents=True)
    (folder / "a.json").write_bytes(b"a\n")
    (folder / "empty").write_bytes(b"")
    (folder / "large").write_bytes(b"x" * 50_000)
    (folder / "log" / "keys").write_bytes(b"k\xff")
    (folder / "é.md").write_bytes(b"e")
    (folder / "link").symlink_to("a.json")
    names = ["a.json", "empty", "large", "log", "log/keys", "é.md", "link", "none", "none/none"]
    paths = [REPORTS / name for name in names]
    stored = commit(root)
    asked = stored.read(paths)
    assert asked[:5] == [b"a\n", b"", b"x" * 50_000, None, b"k\xff"]
    listed = CommittedFiles(GitCommand(root), stored.commit)
    assert listed.names(REPORTS) == {"a.json", "empty", "large", "log", "é.md", "link"}
    assert listed.names(REPORTS / "log") == {"keys"}
    assert listed.names(REPORTS / "none") == frozenset()
    assert listed.read(paths) == asked
    assert listed.read(paths) == asked


def test_a_log_is_verified_with_few_questions(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    for number in range(RUNS):
        log.run({"acme": 1}, run=f"2026{number:08}t000000z-aaaa")
    log.erase([name for name in log.files if "00000007" in name])
    write_log(root, log)
    stored, asked = commit(root), 0
    run = GitCommand.run

    def count(self: GitCommand, *arguments: str, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        return run(self, *arguments, **options)

    monkeypatch.setattr(GitCommand, "run", count)
    place = "shop/staging"
    found = verify_log(gather_log_files(stored, LogPlaces(REPORTS), place))
    assert isinstance(found, VerifiedLog), found
    assert found.size == RUNS + 1
    assert asked < 10, "a file at a time"
    (root / REPORTS / f"2026{RUNS - 1:08}t000000z-aaaa.md").unlink()
    broken = verify_log(gather_log_files(commit(root), LogPlaces(REPORTS), place))
    assert isinstance(broken, Fault)
    assert broken.code == "RC658"
