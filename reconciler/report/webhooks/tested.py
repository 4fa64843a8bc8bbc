"""What ``reconciler test`` found, for the terminal and for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.domain.declared.proof import ProbeResult
from reconciler.domain.live.record import Delivery
from reconciler.domain.values.canonical import Json, iso
from reconciler.engine.testing import Tested
from reconciler.registry.codec.proof_codec import encode_attempt, encode_probe
from reconciler.report.text.document import document
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import DEFAULT_WIDTH, columns, count_words, wrap_lines
from reconciler.report.text.paint import Paint
from reconciler.report.webhooks.deliveries import latency_text

_MARKS = {True: ("good", "✓"), False: ("alarm", "✗"), None: ("dim", "-")}


def proofs_json(environment: str, at: datetime, tested: Sequence[Tested]) -> str:
    """``{format_version, kind: "test", environment, at, summary: {passed, failed, skipped},
    webhooks: […]}``; each webhook with its probes and every attempt."""
    content = {
        "environment": environment,
        "at": iso(at),
        "summary": summary(tested),
        "webhooks": [_webhook(one) for one in tested],
    }
    return document("test", content)


def summary(tested: Sequence[Tested]) -> dict[str, int]:
    failed, skipped = sum(one.failed for one in tested), sum(one.delivery is None for one in tested)
    return {"passed": len(tested) - failed - skipped, "failed": failed, "skipped": skipped}


def _webhook(one: Tested) -> dict[str, Json]:
    result = one.delivery
    told: dict[str, Json] = {
        "address": one.address,
        "client": one.client,
        "webhook": one.webhook,
        "url": one.url,
        "passed": None if result is None else result.accepted,
        "skipped": one.skipped or None,
    }
    if result is None:
        return told
    return told | {
        "id": result.id,
        "at": iso(result.at),
        "status": result.status,
        "latency_ms": result.latency_ms,
        "code": result.code,
        "message": result.message,
        "probes": [encode_probe(probe) for probe in result.probes],
        "attempts": [encode_attempt(attempt) for attempt in result.attempts],
    }


def proofs_text(
    environment: str,
    tested: Sequence[Tested],
    *,
    width: int = DEFAULT_WIDTH,
    colour: bool = False,
    verbose: bool = False,
) -> str:
    """A block for each webhook with a row for each probe; the failed ones last, where the eye is.
    ``verbose``: every attempt with its latency and what the receiver answered."""
    paint = Paint(colour)
    lines: list[str] = []
    for one in sorted(tested, key=lambda one: (one.failed, one.address)):
        lines += [*_block(one, width, paint, verbose=verbose), ""]
    counts = summary(tested)
    parts = [f"{count_words(counts['passed'], 'webhook')} passed", f"{counts['failed']} failed"]
    parts += [f"{counts['skipped']} skipped"] if counts["skipped"] else []
    style = "alarm" if counts["failed"] else "good"
    return "\n".join([*lines, paint(style, terminal(f"{environment}: {', '.join(parts)}."))]) + "\n"


def _block(
    one: Tested,
    width: int,
    paint: Paint,
    *,
    verbose: bool,
) -> Iterator[str]:
    result = one.delivery
    style, mark = _MARKS[None if result is None else result.accepted]
    yield (
        f"{paint(style, mark)} {paint('bold', terminal(f'{one.client}/{one.webhook}'))}"
        f" {terminal(one.url)}"
    )
    yield from wrap_lines(one.skipped if result is None else result.message, width, "  ")
    if result is None:
        return
    yield from _probes(result.probes, width, paint)
    if verbose:
        yield from _attempts(result)


def _probes(probes: Sequence[ProbeResult], width: int, paint: Paint) -> Iterator[str]:
    if not probes:
        return
    rows = [
        (_MARKS[probe.passed][1], probe.probe.value, probe.demand.value, _describe(probe))
        for probe in probes
    ]

    def paint_cell(row: int, column: int, text: str) -> str:
        return paint(_MARKS[probes[row].passed][0], text) if column == 0 else text

    for line in columns(rows, paint_cell):
        yield f"    {line}"
    for probe in probes:
        if probe.passed is False:
            yield from wrap_lines(probe.message, width, "    ", "      ")


def _describe(probe: ProbeResult) -> str:
    if probe.passed is None:
        return "not sent"
    return "as it should be" if probe.passed else probe.code


def _attempts(result: Delivery) -> Iterator[str]:
    head = ("PROBE", "EVENT", "TRY", "STATUS", "LATENCY", "ANSWER")
    rows = [
        (
            one.probe.value,
            one.event,
            str(one.number),
            "none" if one.status is None else str(one.status),
            latency_text(encode_attempt(one)["latency_ms"]),
            one.excerpt,
        )
        for one in result.attempts
    ]
    for line in columns([head, *rows]):
        yield f"    {line}"
