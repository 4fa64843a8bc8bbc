"""The log of deliveries: what is chosen of it, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.domain.declared.proof import Attempt, Latency, Probe
from reconciler.errors import Address
from reconciler.report.webhooks.deliveries import (
    Logged,
    choose_attempts,
    deliveries_json,
    deliveries_text,
)

Golden = Callable[[str, str], None]
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def logged(client: str, number: int, code: str = "", minutes: int = 0) -> Logged:
    attempt = Attempt(
        Probe.VALID, "order.paid", f"msg_{client}", number, AT + timedelta(minutes=minutes),
        None if code else 204, code, "no answer in 10 s" if code else "accepted",
        Latency(1234, 1, 2, 9, None if code else 12), "" if code else "thanks",
    )  # fmt: skip
    address = Address.read(f"client/{client}/webhook/orders")
    return Logged("20261125t120000z-a", address, f"https://{client}.example/", attempt)


FIRST, AGAIN, OTHER = (
    logged("acme", 1, "RC511"),
    logged("acme", 2, minutes=1),
    logged("zeta", 1, minutes=2),
)
LOG = (FIRST, AGAIN, OTHER)


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ({}, [OTHER, AGAIN, FIRST]),
        ({"client": "acme"}, [AGAIN, FIRST]),
        ({"client": "nobody"}, []),
        ({"failed": True}, [FIRST]),
        ({"since": AT + timedelta(minutes=1)}, [OTHER, AGAIN]),
        ({"client": "acme", "since": AT + timedelta(minutes=1)}, [AGAIN]),
    ],
)
def test_the_newest_comes_first_and_each_attempt_once(
    how: dict[str, object], found: list[Logged]
) -> None:
    assert choose_attempts([*LOG, *LOG], **how) == found  # type: ignore[arg-type]


def test_text(golden: Golden) -> None:
    golden("deliveries.txt", deliveries_text(LOG))
    golden("deliveries-verbose.txt", deliveries_text(LOG, verbose=True))
    assert deliveries_text(()) == "no delivery is on record for that\n"


def test_json(golden: Golden) -> None:
    golden("deliveries.json", deliveries_json("staging", LOG))
