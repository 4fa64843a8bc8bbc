"""The whole command, killed at every request that it makes: whatever it was at, nothing is lost."""

from __future__ import annotations

import signal

import pytest

from tests.kit.stage import Stage, spread
from tests.kit.stories import STORIES
from tests.kit.strike import Strike
from tests.kit.tally import Tally

SAMPLE = 2


@pytest.mark.parametrize("name", STORIES)
def test_a_command_killed_at_a_request_loses_nothing(stage: Stage, tally: Tally, exhaustive: bool, name: str) -> None:
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
            (at, bool((at + number + index) % 2)) for number, at in enumerate(spread(counting.count, SAMPLE, index))
        ]
    for at, after in cases:
        strike = Strike(at, after)
        with stage.case(story) as case:
            assert case.run_struck(strike).code == -signal.SIGKILL, f"{name}: {at}"
            try:
                case.finish()
            except BaseException as error:
                error.add_note(f"{name}: killed {'after' if after else 'before'} request {at} ({strike.hit})")
                raise
    tally("kills by SIGKILL at a request", len(cases))
