"""What a run did, told from the histories of many clients: one is decoded after the other."""

from __future__ import annotations

from collections import Counter

import pytest

from reconciler.domain.live.record import Event
from reconciler.engine.runs.history import find_unrecorded, settle_outcomes
from reconciler.registry.codec.record_codec import StoredEvents
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner

NAMES = [f"client-{one}" for one in range(9)]


def test_a_run_in_which_nothing_failed_is_compared_with_each_history_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner = Runner(World())
    first = runner.apply(desired(*(client(name) for name in NAMES[:4])))
    outcomes = runner.apply(desired(*(client(name) for name in NAMES)))
    records = runner.look().records
    reads: Counter[str] = Counter()
    read = StoredEvents.read

    def count(history: StoredEvents) -> tuple[Event, ...]:
        reads[history.name] += 1
        return read(history)

    monkeypatch.setattr(StoredEvents, "read", count)
    done = settle_outcomes(runner.run_id(2), outcomes, records)
    assert done == outcomes
    assert not reads, "there is nothing to be settled"
    assert find_unrecorded(runner.run_id(2), done, records) == ()
    assert reads == Counter(NAMES[4:]), "those in which the run has a part"
    assert find_unrecorded(runner.run_id(2), (*done, *first), records) == first
