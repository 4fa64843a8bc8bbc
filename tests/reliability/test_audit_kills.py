"""The command, and git, killed at every operation of the audit: every event ends in one committed
report."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.kit.blows.stage import Case, Stage, spread
from tests.kit.blows.stories import FIRST, UNREPORTED, time_goes_by
from tests.kit.git.strike import HASTY, HOWS, MIDSTS, heal, kill_git, striking_git
from tests.kit.programs.commands import living_in
from tests.kit.programs.waiting import until
from tests.kit.suite.tally import Tally

TALLY = "kills at a file or git operation"
STORIES = {"first report": FIRST, "two reports": UNREPORTED}
SAMPLE = 4


def finish(case: Case, what: str) -> None:
    try:
        case.finish()
    except BaseException as error:
        error.add_note(what)
        raise


def order(log: Path, at: int = 0, how: str = "", audited: Path | None = None) -> str:
    log.write_text("")
    value = {"at": at, "how": how, "log": str(log), "audited": str(audited or "")}
    return f"tests.kit.blows.disk:strike {json.dumps(value)}"


@pytest.mark.parametrize("name", STORIES)
def test_a_command_killed_at_a_file_operation_loses_no_evidence(
    stage: Stage, tally: Tally, exhaustive: bool, name: str
) -> None:
    story, index = STORIES[name], list(STORIES).index(name)
    log, audited = stage.folder / "operations", stage.folder / "audited"
    with stage.case(story) as case:
        assert case.run(before=order(log, audited=audited)).code == 0
        operations = log.read_text().splitlines()
        case.finish()
    changing = Counter(what for what in operations if what in ("open", "mkdir", "rename", "unlink"))
    assert changing == Counter(audited.read_text().split()), "an operation escapes the counting"
    numbers = range(1, len(operations) + 1)
    cases = [
        (at, how)
        for at in numbers
        for how in ("before", "after", "half")
        if how != "half" or at in writes(operations)
    ]
    if not exhaustive:
        chosen = spread(len(operations), SAMPLE, index)
        cases = [(at, ("before", "after")[(at + number) % 2]) for number, at in enumerate(chosen)]
        cases.append((writes(operations)[index], "half"))
    for at, how in cases:
        with stage.case(story) as case:
            assert case.run(before=order(log, at, how)).code == -signal.SIGKILL
            finish(case, f"killed {how} file operation {at}, {operations[at - 1]}")
    tally(TALLY, len(cases))


def writes(operations: list[str]) -> list[int]:
    return [number for number, what in enumerate(operations, 1) if what == "write"]


@pytest.mark.parametrize("name", STORIES)
def test_a_command_killed_at_a_git_command_loses_no_evidence(
    stage: Stage, tally: Tally, exhaustive: bool, name: str
) -> None:
    story, index = STORIES[name], list(STORIES).index(name)
    striking = striking_git(stage.folder / "bin")
    with stage.case(story) as case:
        assert case.run(**striking.variables()).code == 0
        calls = striking.calls
        case.finish()
    cases = [(at, how) for at in range(1, len(calls) + 1) for how in HOWS]
    if not exhaustive:
        cases = [
            (at, HOWS[(number + index) % 3])
            for number, at in enumerate(spread(len(calls), SAMPLE, index))
        ]
    for at, how in cases:
        with stage.case(story) as case:
            assert case.run(**striking.variables(at, how)).code == -signal.SIGKILL
            until(lambda where=case.checkout.root: not living_in(where), 0.005)  # type: ignore[misc]
            finish(case, f"killed {how} git call {at}, {calls[at - 1]}")
    tally(TALLY, len(cases))


@pytest.mark.parametrize("midst", MIDSTS)
def test_a_git_that_was_killed_with_its_locks_held_is_named_and_then_made_up_for(
    stage: Stage, tally: Tally, exhaustive: bool, midst: str
) -> None:
    striking = striking_git(stage.folder / "bin")
    whose = (False, True) if exhaustive else (MIDSTS.index(midst) % 2 == 1,)
    for caller in whose:
        with stage.case(UNREPORTED) as case:
            root = case.checkout.root
            kill_git(root, midst, caller=caller)
            ended = case.run(before=HASTY, **striking.variables())
            until(lambda: not living_in(root), 0.005)  # noqa: B023 - called at once
            heal(root)
            if caller:
                assert ended.code == -signal.SIGKILL
            else:
                assert ended.code == 1, ended.err
                assert "remedy:" in ended.err
                assert ended.json["audit"]["commit"] is None
            locks = sorted(root.glob(".git/**/*.lock"))
            assert bool(locks) == (midst != "post-commit"), locks
            if locks:
                refused_until_removed(case, locks, committed=midst == "committed")
            finish(case, f"git killed at {midst}")
    tally(TALLY, len(whose))


def refused_until_removed(case: Case, locks: list[Path], *, committed: bool) -> None:
    """They are named and stay: only a person knows whether another git is at work.

    What is committed needs none.
    """
    root = case.checkout.root
    time_goes_by(case.checkout)
    again = case.run(before=HASTY)
    assert sorted(root.glob(".git/**/*.lock")) == locks
    assert again.code == (0 if committed else 1)
    if not committed:
        assert "RC608" in again.err
        assert any(str(lock.relative_to(root)) in again.err for lock in locks)
        assert "remove the lock file that git names" in again.err
    for lock in locks:
        lock.unlink()
