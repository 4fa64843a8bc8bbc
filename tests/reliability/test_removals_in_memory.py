"""A removal of reports that dies anywhere: the log holds, others go on, and the same command
completes it."""

from __future__ import annotations

import copy
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.engine.removal import Removed
from reconciler.errors import ReconcilerError
from reconciler.evidence.statement import REMOVALS
from reconciler.evidence.verification.walk import VerifiedLog
from tests.kit.git.repositories import git, isolate
from tests.kit.suite.tally import Tally
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import Evident
from tests.kit.worlds.faults import (
    Crash,
    Fault,
    crash_after,
    crash_before,
    request_lost,
    response_lost,
)
from tests.kit.worlds.removing import (
    Deadly,
    DeadlyLedger,
    Keeper,
    archive,
    assert_forgotten,
    digest_reports,
    erase,
    reports_of,
)

TWO = desired(client("a"), client("b"))
THREE = desired(client("a"), client("b"), client("c"))
LATER = timedelta(minutes=10)
SAMPLE = 5  # every fifth moment is tried, unless all are
TALLY = "removals of reports that died on the way"


@dataclass
class Story:
    """Two runs, the second of which is the newest entry: its report is to go."""

    evident: Evident
    run: str
    gone: set[str]
    keeper: Keeper

    def copy(self, root: Path) -> Story:
        shutil.copytree(self.evident.root, root)
        evident = Evident(root, copy.deepcopy(self.evident.world))
        return Story(evident, self.run, self.gone, Keeper(root))

    def ask(self, command: str, **what: Any) -> Removed:
        if command == "erase":
            return erase(self.evident, self.run, **what)
        return archive(self.evident, self.keeper, **what)

    def complete(self, command: str, *, others: bool) -> None:
        """``others`` come first; the same command completes it, and nothing comes back."""
        evident = self.evident
        evident.world.at += LATER
        if others:
            reported = evident.apply(THREE)
            assert reported is not None
            assert reported[1] is None
            evident.world.at += LATER
        assert self.ask(command).problem is None
        assert_forgotten(evident, self.run, self.gone)
        removals = [one for one in evident.judge() if one.kind in REMOVALS]
        named = [file.name for one in removals for file in one.subjects]
        assert len(named) == len(set(named))
        evident.world.at += LATER
        evident.apply(TWO)
        assert_forgotten(evident, self.run, self.gone)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    root = tmp_path / "story"
    root.mkdir()
    evident = Evident(root)
    for declared in (desired(client("a")), TWO):
        evident.apply(declared)
        evident.world.at += LATER
    run = evident.judge()[1].run
    return Story(evident, run, digest_reports(reports_of(evident, run)), Keeper(root))


@pytest.mark.parametrize("fault", [crash_before, crash_after, response_lost, request_lost])
@pytest.mark.parametrize("command", ["erase", "archive"])
def test_a_removal_that_dies_at_a_request_is_completed(
    tmp_path: Path, story: Story, tally: Tally, exhaustive: bool, command: str, fault: Fault
) -> None:
    moment = tried = 0
    while True:
        one = story.copy(tmp_path / str(moment))
        live = Deadly(one.evident.world, moment, fault)
        with suppress(Crash, ReconcilerError):
            one.ask(command, live=live)
        if live.hit is None:
            break
        _, found = one.evident.verify(live=False)
        assert isinstance(found, VerifiedLog), found
        one.complete(command, others=bool(moment % 2))
        moment, tried = moment + (1 if exhaustive else SAMPLE), tried + 1
    assert moment > 20
    tally(TALLY, tried)


@pytest.mark.parametrize("command", ["erase", "archive"])
def test_a_removal_that_dies_at_a_git_command_is_completed(
    tmp_path: Path,
    story: Story,
    tally: Tally,
    exhaustive: bool,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything after it does not happen either: nobody tidies up."""
    isolate(monkeypatch, tmp_path / "home")
    root = story.evident.root
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "the log")
    run = GitCommand.run
    moment = tried = 0
    while True:
        one = story.copy(tmp_path / str(moment))
        one.evident.git = True
        left = moment

        def count(self: GitCommand, *arguments: str, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return run(self, *arguments, **options)

        monkeypatch.setattr(GitCommand, "run", count)
        with suppress(Crash):
            one.ask(command)
        monkeypatch.setattr(GitCommand, "run", run)
        if left >= 0:
            break
        one.complete(command, others=bool(tried % 2))
        names = git(one.evident.root, "ls-tree", "-r", "--name-only", "HEAD")
        assert one.run not in names
        assert git(one.evident.root, "status", "--porcelain") == ""
        moment, tried = moment + (1 if exhaustive else SAMPLE), tried + 1
    assert moment > 10
    tally(TALLY, tried)


@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("command", ["erase", "archive"])
def test_a_removal_that_dies_at_a_file_is_completed(
    tmp_path: Path, story: Story, tally: Tally, command: str, fault: Fault
) -> None:
    moment = 0
    while True:
        one = story.copy(tmp_path / str(moment))
        ledger = DeadlyLedger(GitCommand(one.evident.root))
        ledger.at, ledger.fault = moment, fault
        with suppress(Crash):
            one.ask(command, ledger=ledger)
        if not ledger.hit:
            break
        if ledger.hit == "remove":  # an entry gets there before its checkpoint, as that of any run
            _, found = one.evident.verify(live=False)
            assert isinstance(found, VerifiedLog), found
        one.complete(command, others=bool(moment % 2))
        moment += 1
    assert moment >= 5
    tally(TALLY, moment)
