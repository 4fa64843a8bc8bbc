"""A webhook proves itself: it accepts what is genuine and refuses what is not. A generator without
I/O.

It yields what it needs and is sent the answer: ``Now`` → the server's time, ``SignRemotely`` → 64
bytes, ``HttpRequest`` → ``HttpResponse`` or ``HttpFailure``, ``Pause`` → whether to go on after it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import field
from datetime import datetime
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import Attempt, Demand, Probe, ProbeResult, list_probes
from reconciler.domain.declared.schemes import faults
from reconciler.domain.live.record import Delivery
from reconciler.errors.codes import CODES
from reconciler.webhooks.proof.judging import MUST_REFUSE, Verdict, judge_answer
from reconciler.webhooks.signature.signing import SigningFailed, SignRemotely
from reconciler.webhooks.wire.endpoint import parse_endpoint, show_url
from reconciler.webhooks.wire.excerpt import excerpt
from reconciler.webhooks.wire.exchange import Order, message_id, request
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from reconciler.webhooks.wire.payload import FALLBACK_TYPE
from reconciler.webhooks.wire.retries import pause_after, read_delay


@dataclass(frozen=True, slots=True)
class Now:
    """Asks for the server's time."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Asks to wait ``seconds``; the driver may take up to ``jitter`` seconds less, so that many do
    not come at once."""

    seconds: float
    jitter: float


Ask = Now | Pause | SignRemotely | HttpRequest
Asking = Generator[Ask, Any, Any]


@dataclass(slots=True)
class _Progress:
    """``left`` seconds may still be spent in pauses."""

    left: float
    attempts: list[Attempt] = field(default_factory=list)
    results: list[ProbeResult] = field(default_factory=list)


def prove(order: Order) -> Generator[Ask, Any, Delivery]:
    """Every declared event once, then every probe that is not off. One failed valid delivery ends
    it: what a receiver refuses that accepts nothing proves nothing."""
    webhook = order.webhook
    now: datetime = yield Now()
    refusal = _unsendable(order)
    if refusal is not None:
        code, message = refusal
        return Delivery(
            "",
            now,
            show_url(webhook.url),
            False,
            None,
            0,
            message,
            code,
        )
    progress = _Progress(webhook.retry_for.total_seconds())
    events = webhook.events or (FALLBACK_TYPE,)
    verdict = yield from _deliver(order, Probe.VALID, events[0], progress)
    for event in events[1:]:
        if verdict.passed:
            verdict = yield from _deliver(order, Probe.VALID, event, progress)
    progress.results.append(
        ProbeResult(
            Probe.VALID,
            Demand.REQUIRE,
            verdict.passed,
            verdict.code,
            verdict.message,
        )
    )
    for probe, demand in list_probes(webhook.probes, len(order.credentials)):
        if not verdict.passed:
            why = "not sent: the valid delivery was not accepted"
            progress.results.append(
                ProbeResult(
                    probe,
                    demand,
                    None,
                    "",
                    why,
                )
            )
            continue
        found = yield from _deliver(order, probe, events[0], progress)
        progress.results.append(
            ProbeResult(
                probe,
                demand,
                found.passed,
                found.code,
                found.message,
            )
        )
    return _delivery(order, now, progress)


def _unsendable(order: Order) -> tuple[str, str] | None:
    """What keeps every delivery from being sent: code and sentence."""
    fault = next(faults(order.webhook.scheme), None)
    if fault is not None:
        detail = f"the declared signature cannot be made: {fault[0]}: {fault[1]}"
        return "RC519", CODES["RC519"].sentence(detail)
    try:
        parse_endpoint(order.webhook.url)
    except ValueError as error:
        return "RC501", CODES["RC501"].sentence(str(error))
    return None


def _deliver(
    order: Order,
    probe: Probe,
    event: str,
    progress: _Progress,
) -> Generator[Ask, Any, Verdict]:
    """One delivery: attempts until one decides, the pauses are used up, or somebody says stop."""
    number = 0
    while True:
        number += 1
        now: datetime = yield Now()
        try:
            sent, made = yield from request(order, probe, event, now)
        except ValueError as error:
            code = "RC537" if isinstance(error, SigningFailed) else "RC500"
            return Verdict(False, False, code, CODES[code].sentence(str(error)))
        answer: HttpResponse | HttpFailure = yield sent
        verdict = judge_answer(probe, answer, order.webhook.expect)
        progress.attempts.append(_attempt(order, probe, event, number, now, answer, verdict, made))
        if not verdict.again or number >= order.webhook.attempts:
            return verdict
        pause = pause_after(number, answer, now)
        asked = read_delay(answer.headers, now) if isinstance(answer, HttpResponse) else 0.0
        if pause > progress.left:
            return verdict if asked < pause else _later(verdict, asked)
        progress.left -= pause
        if not (yield Pause(pause, 0.0 if asked >= pause else pause / 2)):
            return verdict


def _later(verdict: Verdict, asked: float) -> Verdict:
    wait = "longer than a day" if asked > 86400 else f"{asked:.0f} s"
    said = f"{verdict.message}; it asks for a pause of {wait}, so the next run goes on"
    return Verdict(False, False, verdict.code, said)


def _attempt(
    order: Order,
    probe: Probe,
    event: str,
    number: int,
    now: datetime,
    answer: HttpResponse | HttpFailure,
    verdict: Verdict,
    made: tuple[str, ...],
) -> Attempt:
    hidden = [*made, *(part for one in made for part in one.replace("=", ",").split(","))]
    body = answer.body if isinstance(answer, HttpResponse) else b""
    return Attempt(
        probe=probe,
        event=event,
        id=message_id(order, probe, event),
        number=number,
        at=now,
        status=answer.status,
        code=verdict.code,
        message=verdict.message,
        latency=answer.latency,
        excerpt=excerpt(body, hidden),
    )


def _delivery(order: Order, now: datetime, progress: _Progress) -> Delivery:
    """The result as a whole: told by what decided it."""
    results, attempts = progress.results, progress.attempts
    failed = [result for result in results if result.failed]
    warned = [result for result in results if result.passed is False and not result.failed]
    decisive = failed[0].probe if failed else Probe.VALID
    last = next((one for one in reversed(attempts) if one.probe is decisive), None)
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        ask = f"; ask {order.owner}" if order.owner else ""
        message, code = f"{failed[0].message}{more}{ask}", failed[0].code
    else:
        message, code = _praise(results), ""
    if warned:
        message += f"; warning: {warned[0].message}"
    return Delivery(
        id=last.id if last else "",
        at=now,
        url=show_url(order.webhook.url),
        accepted=not failed,
        status=last.status if last else None,
        latency_ms=last.latency.total if last else 0,
        message=message,
        code=code,
        probes=tuple(results),
        attempts=tuple(attempts),
    )


def _praise(results: list[ProbeResult]) -> str:
    probes = [
        result for result in results if result.probe in MUST_REFUSE and result.passed is not None
    ]
    refused = sum(result.passed is True for result in probes)
    told = f" and refused {refused} of {len(probes)} probes" if probes else "; no probe was sent"
    return f"{results[0].message}{told}"
