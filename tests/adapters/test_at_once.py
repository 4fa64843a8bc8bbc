"""Requests side by side: what one failure means for the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import pytest

from reconciler.adapters.vault.http.at_once import results
from reconciler.errors import VaultError
from reconciler.registry.requests import Done, Response

DONE = Done(datetime(2026, 11, 25, tzinfo=UTC))


def test_after_an_error_what_was_begun_is_waited_for_and_nothing_more_is_begun() -> None:
    begun, gate = Event(), Event()
    ended: list[str] = []

    def slow() -> Response:
        begun.set()
        gate.wait(10)
        ended.append("slow")
        return DONE

    def fail() -> Response:
        begun.wait(10)
        raise VaultError("RC404", "denied")

    def never() -> Response:
        ended.append("never")
        return DONE

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(slow), pool.submit(fail)]
        pool.submit(gate.wait, 10)  # takes the place that the failure leaves
        futures += [pool.submit(never) for _ in range(5)]
        futures[-1].add_done_callback(lambda _: gate.set())  # cancelled
        with pytest.raises(VaultError) as caught:
            results(futures)
        seen = list(ended)
    assert caught.value.code == "RC404"
    assert seen == ["slow"]
    assert ended == seen


def test_the_first_error_in_the_order_of_the_requests_is_raised() -> None:
    def fail(code: str) -> Response:
        raise VaultError(code, "no")

    def answer() -> Response:
        return DONE

    with ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(answer), pool.submit(fail, "RC401"), pool.submit(fail, "RC404")]
        with pytest.raises(VaultError) as caught:
            results(futures)
    assert caught.value.code == "RC401"


def test_without_an_error_the_answers_come_in_order() -> None:
    def answer(second: int) -> Response:
        return Done(DONE.at.replace(second=second))

    with ThreadPoolExecutor(4) as pool:
        answers = results([pool.submit(answer, n) for n in range(10)])
    assert answers == [Done(DONE.at.replace(second=n)) for n in range(10)]
