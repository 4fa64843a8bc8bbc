"""Requests side by side: their answers, or the first error."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TypeVar

_T = TypeVar("_T")


def results(futures: Sequence[Future[_T]]) -> list[_T]:
    """Raises the first error after all that were begun ended: a dead server is not waited for by
    each of many."""
    wait(futures, return_when=FIRST_EXCEPTION)
    for future in futures:
        future.cancel()  # of what is done already this changes nothing
    wait(futures)
    failures = [future.exception() for future in futures if not future.cancelled()]
    for failure in failures:
        if failure is not None:
            raise failure
    return [future.result() for future in futures]
