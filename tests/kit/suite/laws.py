"""How a law is tried: the same examples every time in a sample, twenty times as many and always
others in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IN_FULL = 20


def hold(
    law: Callable[..., None], *strategies: st.SearchStrategy[Any], examples: int, exhaustive: bool
) -> int:
    """Try ``law`` with ``examples`` drawn from ``strategies``; how many were tried.

    Raises what ``law`` raises.
    """
    tried = 0

    @settings(
        max_examples=examples * (IN_FULL if exhaustive else 1),
        derandomize=not exhaustive,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*strategies))
    def tried_with(values: tuple[Any, ...]) -> None:
        nonlocal tried
        tried += 1
        law(*values)

    tried_with()
    return tried
