"""How often a law is tried.

``examples`` is for a law of Hypothesis that wants another number than 100: a quick run tries a tenth
of it. ``hold`` is for laws of ``tests/reliability``: the same examples every time in a sample,
twenty times as many and always others in full.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from tests.kit.suite.fast import USUAL, is_fast

IN_FULL = 20
T = TypeVar("T")


def examples(count: int, **how: Any) -> settings:
    """The decorator for a law with so many examples, fewer in a quick run."""
    assert settings.default is not None
    return settings(max_examples=max(1, count * settings.default.max_examples // USUAL), **how)


def sampled(cases: Sequence[T], *, exhaustive: bool) -> Sequence[T]:
    """Of cases in a row (a fault at every request, say) the first and the last dozen and every
    third; all of them in full, one of nine in a quick run."""
    if exhaustive:
        return cases
    if is_fast():
        return cases[::9]
    return [*cases[:12], *cases[12:-12:3], *cases[max(12, len(cases) - 12) :]]


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

    with warnings.catch_warnings():
        # of a long example, which would hide the failure that it is printed for
        warnings.filterwarnings("ignore", "Generating overly large repr", HypothesisWarning)
        tried_with()
    return tried
