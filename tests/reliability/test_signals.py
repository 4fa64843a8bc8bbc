"""A command that is asked to stop, at any request and in the middle of git: it finishes what it
began, and reports."""

from __future__ import annotations

import signal
from itertools import product

import pytest

from tests.kit.blows.stage import Case, Stage, spread
from tests.kit.blows.stories import FIRST, STORIES
from tests.kit.blows.strike import Strike
from tests.kit.git.repositories import git
from tests.kit.git.strike import striking_git
from tests.kit.programs.zygote import Ended
from tests.kit.suite.tally import Tally

TALLY = "signals"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
DONE, IN_PART, STOPPED = 0, 5, 130


def stopped_well(case: Case, ended: Ended, *, twice: bool) -> None:
    """The exit code is true; then the next run goes on."""
    if ended.code == STOPPED:
        assert twice, "one signal asks, and does not end the command"
        assert "remedy:" in ended.err or "nothing was changed" in ended.err
    else:
        assert ended.code in (DONE, IN_PART), ended.err
        skipped = ended.json["summary"]["skipped"]
        assert (ended.code == IN_PART) == (skipped > 0), ended.out
        assert ended.json["audit"]["commit"] == git(case.checkout.root, "rev-parse", "HEAD")
        if ended.code == IN_PART:
            assert "run the same command again" in ended.err
        plan = case.checkout.plan().json
        assert plan["summary"]["adopt"] == plan["summary"]["abandon"] == 0, (
            "something was begun and not finished"
        )
    case.finish()


@pytest.mark.parametrize("name", ["issue", "rename", "earlier run unreported"])
def test_a_signal_at_a_request_stops_the_run_in_order(
    stage: Stage, tally: Tally, exhaustive: bool, name: str
) -> None:
    story, index = STORIES[name], list(STORIES).index(name)
    counting = Strike()
    with stage.case(story) as case:
        stage.strike = counting
        assert case.run().code == DONE
        stage.strike = Strike()
    cases = list(product(range(1, counting.count + 1), SIGNALS, (1, 2)))
    if not exhaustive:
        chosen = spread(counting.count, 2, index)
        cases = [
            (at, SIGNALS[(number + index) % 2], number + 1) for number, at in enumerate(chosen)
        ]
    for at, number, times in cases:
        strike = Strike(at, deadly=False, times=times)
        with stage.case(story) as case:
            ended = case.run_struck(strike, number)
            try:
                stopped_well(case, ended, twice=times == 2)
            except BaseException as error:
                error.add_note(
                    f"{name}: {number.name} {times} times from request {at} on ({strike.hit})"
                )
                raise
    tally(TALLY, len(cases))


def test_a_signal_while_git_is_at_work_does_not_cut_the_report_short(
    stage: Stage, tally: Tally, exhaustive: bool
) -> None:
    striking = striking_git(stage.folder / "bin")
    with stage.case(FIRST) as case:
        assert case.run(**striking.variables()).code == DONE
        calls = striking.calls
    cases = list(product(range(1, len(calls) + 1), ("once", "twice")))
    if not exhaustive:  # at the two that change something, and at two others
        numbers = [
            number for number, call in enumerate(calls, 1) if " add " in call or " commit " in call
        ]
        cases = [*product(numbers, ("once", "twice")), (1, "once"), (len(calls), "twice")]
    for at, how in cases:
        with stage.case(FIRST) as case:
            ended = case.run(**striking.variables(at, how))
            try:
                stopped_well(case, ended, twice=how == "twice")
            except BaseException as error:
                error.add_note(f"signalled {how} at git call {at}, {calls[at - 1]}")
                raise
    tally(TALLY, len(cases))
