"""What a plan says of receivers: one that is gone, and one that does not know the new secret yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.declared.proof import Demand, Probe, ProbeResult
from reconciler.domain.kinds.credentials import SIGNING_SECRET
from reconciler.domain.live.record import ClientRecord, Delivery, VersionState
from reconciler.planning.notes.findings import proof_findings
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

DECLARED = desired(client(webhooks=[webhook()]))
HOOK = "settlements"
GRACE = START + timedelta(days=1)


def on_record(*probes: ProbeResult, retiring: bool = True, status: int = 200) -> ClientRecord:
    """A client that proved itself, whose secret is in its grace or not."""
    runner = Runner(World())
    runner.settle(DECLARED)
    record = runner.world.records()["payouts"]
    series = record.series[SIGNING_SECRET, HOOK]
    if retiring:
        old = replace(series.versions[0], state=VersionState.RETIRING, grace_until=GRACE)
        series = replace(series, versions=(old,))
    accepted = status == 200
    code = "" if accepted else "RC514" if status == 410 else "RC510"
    url = "https://x.example"
    delivery = Delivery("msg_1", START, url, accepted, status, 5, "", code, probes)
    known = replace(record.webhooks[HOOK], last_delivery=delivery, failures=0 if accepted else 1)
    changed = record.with_series(SIGNING_SECRET, HOOK, series)
    return replace(changed, webhooks={HOOK: known})


def new_secret(passed: bool | None) -> ProbeResult:
    return ProbeResult(Probe.NEW_SECRET, Demand.WARN, passed, "", "")


def told(record: ClientRecord) -> list[tuple[str, str]]:
    return [
        (one.code, one.message) for one in proof_findings(DECLARED, {"payouts": record}, only=None)
    ]


@pytest.mark.parametrize(
    ("probes", "retiring", "found"),
    [
        ([new_secret(passed=False)], True, True),
        ([new_secret(passed=True)], True, False),
        ([new_secret(passed=None)], True, False),
        ([], True, False),
        ([new_secret(passed=False)], False, False),
    ],
    ids=["refused", "accepted", "not sent", "no probe", "no rotation"],
)
def test_a_receiver_that_does_not_know_the_new_secret_is_told_while_the_old_one_lives(
    probes: list[ProbeResult], retiring: bool, found: bool
) -> None:
    record = on_record(*probes, retiring=retiring)
    sentence = "the receiver does not know the new signing secret yet; the old one ends 2026-11-24T22:45:00Z"
    assert told(record) == ([("RC366", sentence)] if found else [])


def test_a_receiver_that_is_gone_is_told() -> None:
    assert told(on_record(retiring=False, status=410)) == [
        (
            "RC365",
            "the receiver answered 410 (gone) on 2026-11-23T22:45:00Z and is not called any more",
        )
    ]
    assert told(on_record(retiring=False, status=404)) == []


@pytest.mark.parametrize(("only", "found"), [(None, 1), ({"payouts"}, 1), ({"other"}, 0)])
def test_only_what_is_asked_for_is_told(only: set[str] | None, found: int) -> None:
    record = on_record(new_secret(passed=False))
    assert len(list(proof_findings(DECLARED, {"payouts": record}, only))) == found
