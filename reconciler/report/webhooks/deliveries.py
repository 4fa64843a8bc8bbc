"""The log of deliveries: every attempt that a report or the registry tells of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import Attempt
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.values.canonical import Json, JsonObject, iso
from reconciler.errors import Address
from reconciler.registry.codec.proof_codec import decode_attempt, encode_attempt
from reconciler.report.text.document import DOCUMENT_VERSION, document
from reconciler.report.text.layout import DEFAULT_WIDTH, columns, count_words, wrap_lines

_STEPS = (
    ("resolve", "resolved"),
    ("connect", "connected"),
    ("tls", "TLS"),
    ("first_byte", "first byte"),
)


@dataclass(frozen=True, slots=True)
class Logged:
    """One attempt, and which run made it to which webhook."""

    run_id: str
    address: Address
    url: str
    attempt: Attempt

    @property
    def key(self) -> tuple[str, str, int]:
        return self.address, self.attempt.id, self.attempt.number


def read_reported_attempts(texts: Iterable[str]) -> Iterator[Logged]:
    """The attempts in audit reports; what is no report of ours, or was edited into something else,
    tells nothing."""
    for text in texts:
        try:
            report = json.loads(text)
            if (report["format_version"], report["kind"]) != (DOCUMENT_VERSION, "audit"):
                continue
            for delivery in report["deliveries"]:
                address = Address.read(str(delivery["address"]))
                yield from _attempts(str(report["run_id"]), address, delivery)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue


def read_recorded_attempts(records: Mapping[str, ClientRecord]) -> Iterator[Logged]:
    """The attempts that no report has yet: they are in the events of records."""
    for record in records.values():
        for event in record.events:
            if "delivery" in event.detail:
                yield from _attempts(event.run, event.address, event.detail)


def _attempts(run_id: str, address: Address, detail: JsonObject) -> Iterator[Logged]:
    for raw in detail.get("attempts") or ():
        yield Logged(run_id, address, str(detail.get("url", "")), decode_attempt(raw))


def choose_attempts(
    logged: Iterable[Logged],
    *,
    client: str | None = None,
    failed: bool = False,
    since: datetime | None = None,
) -> list[Logged]:
    """Each attempt once, the newest first.

    ``failed``: only those whose answer was not the right one.
    """
    once = {one.key: one for one in logged}
    found = [
        one
        for one in once.values()
        if (client is None or one.address.client == client)
        and (not failed or one.attempt.code)
        and (since is None or one.attempt.at >= since)
    ]
    return sorted(found, key=lambda one: (one.attempt.at, one.key), reverse=True)


def deliveries_json(environment: str, logged: Sequence[Logged]) -> str:
    """``{format_version, kind: "deliveries", environment, attempts: [{run_id, address, url, probe,
    …}]}``"""
    rows = [
        {
            "run_id": one.run_id,
            "address": one.address,
            "url": one.url,
            **encode_attempt(one.attempt),
        }
        for one in logged
    ]
    return document("deliveries", {"environment": environment, "attempts": rows})


def deliveries_text(
    logged: Sequence[Logged], *, width: int = DEFAULT_WIDTH, verbose: bool = False
) -> str:
    """A line an attempt; ``verbose``: with the steps of its latency, the answer and the run."""
    if not logged:
        return "no delivery is on record for that\n"
    head = ("AT", "WEBHOOK", "PROBE", "TRY", "STATUS", "MS", "RESULT")
    rows = [_row(one) for one in logged]
    first, *lines = columns([head, *rows])
    told = [first]
    for one, line in zip(logged, lines, strict=True):
        told.append(line)
        if verbose:
            attempt = one.attempt
            steps = latency_text(encode_attempt(attempt)["latency_ms"])
            told += wrap_lines(f"{attempt.message}; {steps}; run {one.run_id}", width, "    ")
            told += (
                wrap_lines(f"answer: {attempt.excerpt}", width, "    ") if attempt.excerpt else []
            )
    failed = sum(bool(one.attempt.code) for one in logged)
    return "\n".join([*told, "", f"{count_words(len(logged), 'attempt')}, {failed} failed"]) + "\n"


def _row(one: Logged) -> tuple[str, ...]:
    attempt = one.attempt
    status = "none" if attempt.status is None else str(attempt.status)
    return (
        iso(attempt.at),
        f"{one.address.client}/{one.address.item}",
        attempt.probe.value,
        str(attempt.number),
        status,
        str(attempt.latency.total),
        attempt.code or "ok",
    )


def latency_text(latency: Json) -> str:
    """``resolved 1, connected 2, TLS 9, first byte 12, total 14 ms``: from the start of the
    attempt."""
    steps = [f"{word} {latency[step]}" for step, word in _STEPS if step in latency]
    return ", ".join([*steps, f"total {latency['total']} ms"])
