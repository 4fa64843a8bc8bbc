"""What a fleet's records need in memory, decoded: hardly more than their text, which goes."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from reconciler.engine.look.records import read_registry
from reconciler.registry.requests import ReadDocument, StoredDocument
from tests.kit.worlds.declared import PROJECT, client, desired, webhook
from tests.kit.worlds.memory import BUCKETS, START, World
from tests.kit.worlds.runner import Runner

FLEET = 200
# Times the text that is stored of a record; 3 before histories stayed undecoded.
MOST = 1.3


class Store:
    """Answers with texts that it does not keep, as a server does."""

    def __init__(self, hooked: bool) -> None:
        runner = Runner(World())
        hooks = [webhook()] if hooked else []
        runner.settle(desired(*(client(f"client-{one}", webhooks=hooks) for one in range(FLEET))))
        self.texts = {
            name: entry.versions[entry.current]["doc"].encode()
            for name, entry in runner.world.documents.items()
        }

    def answer_all(self, requests: list[ReadDocument]) -> list[StoredDocument]:
        return [
            StoredDocument(self.texts[one.name].decode(), 1, START, "x")
            if one.name in self.texts
            else StoredDocument(None, 0, START)
            for one in requests
        ]


@pytest.mark.parametrize("hooked", [False, True], ids=["keys", "keys and webhooks"])
def test_a_record_needs_hardly_more_memory_than_its_text(hooked: bool) -> None:
    store = Store(hooked)
    text = sum(map(len, store.texts.values())) / FLEET
    read_registry(store, PROJECT, BUCKETS)  # type: ignore[arg-type]  # what is shared is there now
    gc.collect()
    tracemalloc.start()
    try:
        registry = read_registry(store, PROJECT, BUCKETS)  # type: ignore[arg-type]
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] / len(registry.records)
    finally:
        tracemalloc.stop()
    assert held < MOST * text, f"{held:.0f} bytes for a record of {text:.0f}"
