"""What is stored of a client's life, byte for byte, and what a run says of it: golden files.

Stored documents are a contract: a later version reads them, compares them and sums them again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reconciler.domain.plan.plan import Outcome
from reconciler.planning.actions.reasons import RevocationRequest
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.scenarios import SCENARIOS, Scenario
from tests.kit.worlds.stored import decode_bucket, encode_bucket

HELD = RevocationRequest("payouts", None, "found in a public repository", "INC-1234")
PART = RevocationRequest("payouts", "primary", "a laptop was lost", "INC-7")
HOOKED = desired(client(webhooks=[webhook()]))
LIVES = {
    **{
        name: SCENARIOS[name]
        for name in (
            "register, issue, prove, activate",
            "rotate with grace",
            "secret's grace over",
            "from a secret to a key pair",
            "rename far",
            "retired",
            "resumed",
            "webhook moved",
            "key removed",
            "abandon a claim of a rotation",
            "secret overwritten by hand",
            "record edited",
        )
    },
    "revoke with an incident": Scenario((HOOKED,), HOOKED, revoked=HELD),
    "revoke one key with an incident": Scenario((HOOKED,), HOOKED, revoked=PART),
}


@pytest.fixture(autouse=True)
def same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of test deliveries come from a random seed, and are stored."""
    monkeypatch.setattr("reconciler.engine.drive.secrets.token_hex", lambda size: "ab" * size)


def written(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [
        {
            "action": outcome.action.kind.value,
            "address": outcome.action.address,
            "status": outcome.status.value,
            "message": outcome.message,
            "detail": outcome.detail,
        }
        for outcome in outcomes
    ]


@pytest.mark.parametrize("name", LIVES)
def test_what_is_stored_and_reported_of_a_life(
    name: str, golden: Callable[[str, str], None]
) -> None:
    life = LIVES[name]
    runner = life.prepared()
    outcomes = life.act(runner)
    stored = {
        path: json.loads(entry.versions[entry.current]["doc"])
        for path, entry in sorted(runner.world.documents.items())
    }
    seen = {"documents": stored, "outcomes": written(outcomes)}
    golden(f"{re.sub('[^a-z]+', '-', name)}.json", json.dumps(seen, indent=1) + "\n")


@pytest.mark.parametrize("name", LIVES)
def test_what_is_stored_reads_and_writes_the_same(name: str) -> None:
    runner = LIVES[name].prepared()
    LIVES[name].act(runner)
    buckets = 0
    for path, entry in runner.world.documents.items():
        if path.startswith("buckets/"):
            text = entry.versions[entry.current]["doc"]
            records, others = decode_bucket(text, runner.world.owner)
            assert not others
            assert not any(record.edited for record in records.values())
            assert encode_bucket(records) == text
            buckets += 1
    assert buckets


def test_a_world_is_the_same_every_time() -> None:
    """Else golden files would say nothing."""
    runners = [Runner(World()), Runner(World())]
    for runner in runners:
        runner.settle(HOOKED)
    assert runners[0].world.text() == runners[1].world.text()
