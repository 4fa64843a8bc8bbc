"""The whole command, killed at every request that it makes: whatever it was at, nothing is lost."""

from __future__ import annotations

import signal

import pytest

from tests.kit.blows.stage import Stage, spread
from tests.kit.blows.stories import STORIES, time_goes_by
from tests.kit.blows.strike import Strike
from tests.kit.suite.tally import Tally

SAMPLE = 1


@pytest.mark.parametrize("name", STORIES)
def test_a_command_killed_at_a_request_loses_nothing(
    stage: Stage, tally: Tally, exhaustive: bool, name: str
) -> None:
    story, index = STORIES[name], list(STORIES).index(name)
    counting = Strike()
    with stage.case(story) as case:
        stage.strike = counting
        assert case.run().code == 0
        stage.strike = Strike()
        if exhaustive:
            case.finish()
    cases = [(at, after) for at in range(1, counting.count + 1) for after in (False, True)]
    if not exhaustive:
        cases = [
            (at, bool((at + number + index) % 2))
            for number, at in enumerate(spread(counting.count, SAMPLE, index))
        ]
    for at, after in cases:
        strike = Strike(at, after)
        with stage.case(story) as case:
            assert case.run_struck(strike).code == -signal.SIGKILL, f"{name}: {at}"
            try:
                case.finish()
            except BaseException as error:
                error.add_note(
                    f"{name}: killed {'after' if after else 'before'} request {at} ({strike.hit})"
                )
                raise
    tally("kills by SIGKILL at a request", len(cases))


# Where a first run is killed: before it did anything, with claims written, with all done and
# nothing reported.
PARTS = (0.4, 0.6, 0.75, 0.9)


@pytest.mark.parametrize("name", ["issue", "rename", "grace over"])
def test_the_run_that_mends_is_killed_as_well(
    stage: Stage, tally: Tally, exhaustive: bool, name: str
) -> None:
    story, index = STORIES[name], list(STORIES).index(name)
    counting = Strike()
    with stage.case(story) as case:
        stage.strike = counting
        assert case.run().code == 0
        stage.strike = Strike()
    total = counting.count
    cases = [(int(part * total), at) for part in PARTS for at in range(10, total, 3)]
    if not exhaustive:
        cases = [
            (int(PARTS[(index + 2) % 4] * total), spread(total // 2, 1, index)[0] + total // 3)
        ]
    kills = 0
    for first, second in cases:
        strike = Strike(second, after=bool(second % 2))
        with stage.case(story) as case:
            assert case.run_struck(Strike(first, after=bool(first % 2))).code == -signal.SIGKILL
            time_goes_by(case.checkout)
            ended = case.run_struck(strike)
            assert ended.code == (
                -signal.SIGKILL if strike.hit else 0
            )  # what was left may need fewer requests
            kills += 1 + bool(strike.hit)
            try:
                case.finish()
            except BaseException as error:
                error.add_note(
                    f"{name}: killed at request {first}, then at {second} ({strike.hit})"
                )
                raise
    tally("kills by SIGKILL at a request", kills)
