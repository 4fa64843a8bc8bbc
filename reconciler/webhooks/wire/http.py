"""One HTTP exchange as values: what the sender is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import Latency

RESPONSE_CAP = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """``deadline`` in seconds is over everything: name, connection, TLS, request, headers and body.

    ``response_cap`` is the greatest number of body bytes that are read.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    deadline: float
    response_cap: int = RESPONSE_CAP


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency: Latency = field(default_factory=Latency)


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """No usable answer. ``code`` is a row of ``errors.codes``; ``detail`` says at which step,
    without any secret.

    ``status`` is set when the headers had arrived before the failure.
    """

    code: str
    detail: str
    latency: Latency = field(default_factory=Latency)
    status: int | None = None
