"""Proofs of webhooks as JSON, and back: in records, in events and so in reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.domain.declared.proof import Attempt, Latency, Probe, ProbeResult
from reconciler.domain.live.record import Delivery
from reconciler.domain.values.canonical import Json, iso, parse_iso

_STEPS = ("resolve", "connect", "tls", "first_byte", "total")


def encode_delivery(delivery: Delivery) -> dict[str, Json]:
    """Everything but its attempts."""
    return {
        "id": delivery.id,
        "at": iso(delivery.at),
        "url": delivery.url,
        "accepted": delivery.accepted,
        "status": delivery.status,
        "latency_ms": delivery.latency_ms,
        "message": delivery.message,
        "code": delivery.code,
        "probes": [encode_probe(one) for one in delivery.probes],
    }


def encode_probe(result: ProbeResult) -> dict[str, Json]:
    return {
        "probe": result.probe.value,
        "demand": result.demand.value,
        "passed": result.passed,
        "code": result.code,
        "message": result.message,
    }


def encode_attempt(attempt: Attempt) -> dict[str, Json]:
    """``latency_ms``: milliseconds from the start of the attempt to the end of each step that was
    reached."""
    latency = {step: at for step in _STEPS if (at := getattr(attempt.latency, step)) is not None}
    return {
        "probe": attempt.probe.value,
        "event": attempt.event,
        "id": attempt.id,
        "number": attempt.number,
        "at": iso(attempt.at),
        "status": attempt.status,
        "code": attempt.code,
        "message": attempt.message,
        "latency_ms": latency,
        "excerpt": attempt.excerpt,
    }


def decode_attempt(raw: Mapping[str, Any]) -> Attempt:
    """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything that ``encode_attempt``
    does not make."""
    return Attempt(
        probe=Probe(raw["probe"]),
        event=raw["event"],
        id=raw["id"],
        number=raw["number"],
        at=parse_iso(raw["at"]),
        status=raw["status"],
        code=raw["code"],
        message=raw["message"],
        latency=Latency(**raw["latency_ms"]),
        excerpt=raw["excerpt"],
    )
