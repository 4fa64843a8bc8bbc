"""The quick run for a person at work (``make test-fast``): a tenth of the examples of each law, no
server, no program of others."""

from __future__ import annotations

import pytest
from hypothesis import settings

PROFILE = "fast"
USUAL = 100  # examples of a law that says no number: Hypothesis' own default


def register() -> None:
    """The profiles of Hypothesis. A busy machine is slow at times: that is no failure."""
    settings.register_profile("patient", deadline=None)
    settings.register_profile(PROFILE, deadline=None, max_examples=USUAL // 10)


def is_fast() -> bool:
    return settings.get_current_profile_name() == PROFILE


def leave_out(what: str) -> None:
    """Skip the test that asks for it, in a quick run only. ``what``: is left out."""
    if is_fast():
        pytest.skip(f"{what}: not in make test-fast")
