"""What ``reconciler test`` found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from reconciler.domain.declared.proof import Attempt, Demand, Probe, ProbeResult
from reconciler.domain.live.record import Delivery
from reconciler.engine import testing
from reconciler.report.webhooks.tested import proofs_json, proofs_text, summary

Golden = Callable[[str, str], None]
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def attempt(probe: Probe, status: int | None, code: str, excerpt: str, number: int = 1) -> Attempt:
    message = "" if not code else "the receiver accepted it" if status else "no answer"
    return Attempt(
        probe, "order.paid", "msg_1", number, AT, status, code, message, excerpt=excerpt
    )  # fmt: skip


def probe(which: Probe, passed: bool | None, code: str = "", message: str = "") -> ProbeResult:
    return ProbeResult(which, Demand.REQUIRE, passed, code, message)


PASSED = testing.Tested(
    "acme", "orders", "https://hooks.acme.example/orders",
    Delivery(
        "msg_1", AT, "https://hooks.acme.example/orders", True, 204, 31, "accepted the genuine one, refused 1",
        "", (probe(Probe.VALID, True), probe(Probe.TAMPERED, True), probe(Probe.NEW_SECRET, None, "", "no rotation")),
        (attempt(Probe.VALID, None, "RC511", "", 1), attempt(Probe.VALID, 204, "", "ok", 2),
         attempt(Probe.TAMPERED, 401, "", "who are you?")),
    ),
)  # fmt: skip
FAILED = testing.Tested(
    "acme", "alerts", "https://hooks.acme.example/alerts",
    Delivery(
        "msg_2", AT, "https://hooks.acme.example/alerts", False, 200, 1234, "it accepted what nobody signed", "RC521",
        (probe(Probe.VALID, True), probe(Probe.UNSIGNED, False, "RC521", "it is not signed, and was accepted")),
        (attempt(Probe.VALID, 200, "", "ok"), attempt(Probe.UNSIGNED, 200, "RC521", "\x1b[2Jok")),
    ),
)  # fmt: skip
SKIPPED = testing.Tested("zeta", "orders", "https://zeta.example/", None, "the client is retired")
ALL = [FAILED, SKIPPED, PASSED]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("tested.txt", {}),
        ("tested-verbose.txt", {"verbose": True}),
        ("tested-colour.ansi", {"colour": True}),
    ],
)
def test_the_failed_ones_come_last(name: str, how: dict[str, bool], golden: Golden) -> None:
    golden(name, proofs_text("staging", ALL, **how))


def test_what_programs_read(golden: Golden) -> None:
    text = proofs_json("staging", AT, ALL)
    assert [one["address"] for one in json.loads(text)["webhooks"]] == [
        "client/acme/webhook/alerts",
        "client/zeta/webhook/orders",
        "client/acme/webhook/orders",
    ]
    golden("tested.json", text)


@pytest.mark.parametrize(
    ("tested", "end"),
    [
        ([PASSED], "staging: 1 webhook passed, 0 failed.\n"),
        ([PASSED, PASSED], "staging: 2 webhooks passed, 0 failed.\n"),
        ([FAILED], "staging: 0 webhooks passed, 1 failed.\n"),
        (ALL, "staging: 1 webhook passed, 1 failed, 1 skipped.\n"),
        ([], "staging: 0 webhooks passed, 0 failed.\n"),
    ],
)
def test_all_are_counted(tested: list[testing.Tested], end: str) -> None:
    assert proofs_text("staging", tested).splitlines(keepends=True)[-1] == end
    counts = summary(tested)
    assert sum(counts.values()) == len(tested)
