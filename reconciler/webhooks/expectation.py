"""Whether an accepted delivery was answered as declared."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.domain.proof import Expectation


def mismatch(expect: Expectation, status: int, headers: Mapping[str, str], body: bytes) -> tuple[str, str] | None:
    """Code and detail of what is not as declared; None when all is."""
    return None
