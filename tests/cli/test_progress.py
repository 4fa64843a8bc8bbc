"""What is told of a run, and of tests of webhooks, while they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.cli import output
from reconciler.cli.output import Progress, Settings
from reconciler.domain.live.record import Delivery
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.engine import testing
from reconciler.errors import Address
from tests.report.samples import ACTIONS, NOW

DONE, FAILED = OutcomeStatus.DONE, OutcomeStatus.FAILED
URL = "https://hooks.example.com/x"


def outcome(number: int, message: str = "done", status: OutcomeStatus = DONE) -> Outcome:
    """Of an action of its own by number."""
    address = Address.read(f"client/c{number}")
    return Outcome(replace(ACTIONS[0], address=address), status, message)


def told_of(
    outcomes: Sequence[Outcome],
    total: int,
    capsys: pytest.CaptureFixture[str],
    settings: Settings | None = None,
) -> list[str]:
    progress = Progress(settings or Settings())
    for one in outcomes:
        progress(one, total)
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


def test_of_a_small_run_every_action_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [outcome(1), outcome(2, "version 2 is active"), outcome(3, "RC404: x\ny", FAILED)]
    assert told_of(outcomes, 40, capsys) == [
        "[1/40] done: register-client client/c1",
        "[2/40] done: register-client client/c2 - version 2 is active",
        "[3/40] failed: register-client client/c3 - RC404: x\\ny",
    ]


@pytest.mark.parametrize(
    ("total", "counts"),
    [
        (40, range(1, 41)),
        (41, [*range(2, 41, 2), 41]),
        (59, [*range(2, 59, 2), 59]),
        (60, range(3, 61, 3)),
        (100, range(5, 101, 5)),
        (119, [*range(5, 119, 5), 119]),
    ],
)
def test_of_a_large_run_a_twentieth_is_told_at_a_time_and_the_end(
    total: int, counts: Sequence[int], capsys: pytest.CaptureFixture[str]
) -> None:
    told = told_of([outcome(number) for number in range(1, total + 1)], total, capsys)
    assert [line.partition("]")[0] for line in told] == [f"[{one}/{total}" for one in counts]
    assert {line.partition("] ")[2] == "actions done" for line in told} == {total > 40}


@pytest.mark.parametrize("status", [FAILED, OutcomeStatus.SKIPPED])
def test_what_is_not_done_is_told_at_once_in_a_large_run(
    status: OutcomeStatus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told_of([outcome(1), outcome(2, "why", status)], 100, capsys) == [
        f"[2/100] {status.value}: register-client client/c2 - why"
    ]


def test_an_action_that_is_tried_again_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The same kind, address and version; another version is another action."""
    again = replace(outcome(1), action=replace(outcome(1).action, version=2))
    rotated = replace(outcome(1), action=replace(outcome(1).action, kind=ACTIONS[1].kind))
    outcomes = [outcome(1, "why", FAILED), outcome(1), again, rotated]
    counts = [line.partition("]")[0] for line in told_of(outcomes, 4, capsys)]
    assert counts == ["[1/4", "[1/4", "[2/4", "[3/4"]


def test_more_than_was_planned_makes_the_total_larger(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(Settings())
    for number, total in ((1, 1), (2, 1), (3, 9), (4, 2)):
        progress(outcome(number), total)
    counts = [line.partition("]")[0] for line in capsys.readouterr().err.splitlines()]
    assert counts == ["[1/1", "[2/2", "[3/9", "[4/9"]


def test_quiet_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert told_of([outcome(1), outcome(2, "why", FAILED)], 2, capsys, Settings(quiet=True)) == []


def webhook(number: int, *, accepted: bool | None) -> testing.Tested:
    """``accepted`` None: it was left out."""
    if accepted is None:
        return testing.Tested(f"c{number}", "orders", URL, skipped="not proven yet")
    delivery = Delivery("msg_1", NOW, URL, accepted, 200, 3, "RC514: it answered 500")
    return testing.Tested(f"c{number}", "orders", URL, delivery)


def test_of_a_few_webhooks_each_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell = output.TestsTold(Settings(), 40)
    for number, accepted in enumerate((True, False, None), start=1):
        tell(webhook(number, accepted=accepted))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "[1/40] c1/orders: passed",
        "[2/40] c2/orders: RC514: it answered 500",
        "[3/40] c3/orders: not proven yet",
    ]


@pytest.mark.parametrize(
    ("total", "counts"), [(41, [*range(2, 41, 2), 41]), (100, range(5, 101, 5))]
)
def test_of_many_webhooks_a_count_is_told_now_and_then(
    total: int, counts: Sequence[int], capsys: pytest.CaptureFixture[str]
) -> None:
    tell = output.TestsTold(Settings(), total)
    for number in range(1, total + 1):
        tell(webhook(number, accepted=True if number % 3 else None))
    told = capsys.readouterr().err.splitlines()
    assert told == [f"[{one}/{total}] webhooks tested" for one in counts]


def test_a_webhook_of_many_that_fails_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell = output.TestsTold(Settings(), 100)
    for number in (1, 2):
        tell(webhook(number, accepted=number == 1))
    assert capsys.readouterr().err == "[2/100] c2/orders: RC514: it answered 500\n"
