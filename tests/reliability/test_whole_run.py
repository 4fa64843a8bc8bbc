"""A whole run, from the first look to the committed report, when the network fails at one request.

The lease, the run's own document and the end of its report are requests, too. Nobody is to notice
anything.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from reconciler.adapters.vault.http.exchanged import Reply
from reconciler.adapters.vault.http.wire import Wire
from tests.kit.blows.stage import Stage, spread
from tests.kit.blows.stories import STORIES
from tests.kit.suite.tally import Tally
from tests.kit.worlds.real import Disturbance
from tests.reliability.test_faults import CRASHES, FAULTS

QUIET = {name: fault for name, fault in FAULTS.items() if name not in CRASHES}
# Of the requests of a run, CI disturbs one for each story and fault that it takes.
FAULTS_OF_A_STORY = 1


@contextmanager
def disturbed(disturbance: Disturbance) -> Iterator[None]:
    """Every request of every adapter in this process goes through ``disturbance``, one after the
    other."""
    exchange, one_by_one = Wire.exchange, threading.RLock()

    def watched(
        self: Wire,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        cap: int,
    ) -> Reply:
        with one_by_one:
            return disturbance.meet(
                f"{method} {target}", lambda: exchange(self, method, target, headers, body, cap)
            )

    with patch.object(Wire, "exchange", watched):
        yield


def run(case: Any, disturbance: Disturbance) -> None:
    checkout = case.checkout
    with disturbed(disturbance):
        ran = checkout.run(*case.story.arguments(checkout)).ok()
    assert ran.json["outcomes"]
    assert {outcome["status"] for outcome in ran.json["outcomes"]} == {"done"}
    assert ran.json["audit"]["commit"]


@pytest.mark.parametrize("name", STORIES)
def test_nobody_notices(stage: Stage, name: str, exhaustive: bool, tally: Tally) -> None:
    story, index = STORIES[name], list(STORIES).index(name)
    with stage.case(story) as case:
        calm = Disturbance()
        run(case, calm)
        case.finish()
    cases = [(at, fault) for fault in QUIET for at in range(calm.count)]
    if not exhaustive:
        some = [list(QUIET)[(index + number) % len(QUIET)] for number in range(FAULTS_OF_A_STORY)]
        cases = [
            (at - 1, fault)
            for fault, at in zip(some, spread(calm.count, len(some), index), strict=True)
        ]
    for at, fault in cases:
        disturbance = Disturbance()
        disturbance.expect(at, QUIET[fault])
        with stage.case(story) as case:
            try:
                run(case, disturbance)
                assert disturbance.hit is not None
                case.finish()
            except BaseException as error:
                error.add_note(f"{name}: {fault} at request {at} ({disturbance.hit})")
                raise
    tally("faults, each at one request of a whole command", len(cases))
