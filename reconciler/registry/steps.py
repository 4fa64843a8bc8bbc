"""The shape of a sans-I/O step: a generator that yields a request and is sent its response."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from reconciler.registry.requests import Request, Response

_Result = TypeVar("_Result")
Expected = TypeVar("Expected")
Steps = Generator[Request, Response, _Result]


def expect(response: Response, kind: type[Expected]) -> Expected:
    """The response as ``kind``.

    A driver that answers with something else is a programming error.
    """
    if not isinstance(response, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(response).__name__}")
    return response
