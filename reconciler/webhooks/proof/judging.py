"""What an answer means: to a delivery that must be accepted, and to a probe that must be
refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import Expectation, Probe
from reconciler.domain.secrecy import mask_secrets
from reconciler.errors.codes import CODES
from reconciler.webhooks.proof.expectation import mismatch
from reconciler.webhooks.wire.http import HttpFailure, HttpResponse
from reconciler.webhooks.wire.retries import may_pass

_HOST = re.compile(r"https?://([a-z0-9.-]{1,253}(?::[0-9]{1,5})?)(?:[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``passed``: it is the right answer. ``again``: it is none yet, another try may bring one.
    ``code`` is empty when passed, and ``message`` one sentence for people."""

    passed: bool
    again: bool
    code: str
    message: str


# What was sent, and the code of a receiver that accepts it.
MUST_REFUSE: Mapping[Probe, tuple[str, str]] = {
    Probe.TAMPERED: ("a body that was changed after it was signed", "RC530"),
    Probe.WRONG_SECRET: ("a signature by a secret that was never issued", "RC531"),
    Probe.REPLAYED: ("a delivery older than the tolerance", "RC532"),
    Probe.FUTURE: ("a delivery further ahead than the tolerance", "RC533"),
    Probe.UNSIGNED: ("a delivery without a signature", "RC534"),
}
_ALONE: Mapping[Probe, str] = {
    Probe.NEW_SECRET: "the delivery signed with the new secret alone",
    Probe.OLD_SECRET: "the delivery signed with the old secret alone",
}


def judge_answer(probe: Probe, answer: HttpResponse | HttpFailure, expect: Expectation) -> Verdict:
    """The verdict on one attempt. Whatever the receiver said, no secret is in its sentence."""
    verdict = _judge(probe, answer, expect)
    return replace(verdict, message=mask_secrets(verdict.message))


def _judge(probe: Probe, answer: HttpResponse | HttpFailure, expect: Expectation) -> Verdict:
    if probe in MUST_REFUSE:
        return _judge_refusal(probe, answer)
    verdict = judge_acceptance(answer, expect)
    if (
        probe not in _ALONE
        or verdict.passed
        or verdict.again
        or verdict.code not in ("RC515", "RC516")
    ):
        return verdict
    status = answer.status
    return Verdict(
        False,
        False,
        "RC536",
        CODES["RC536"].sentence(f"the receiver answered {status} to {_ALONE[probe]}"),
    )


def judge_acceptance(answer: HttpResponse | HttpFailure, expect: Expectation) -> Verdict:
    """2xx as declared is accepted; everything else is a failure with a sentence that says what to
    check."""
    again = may_pass(answer)
    if isinstance(answer, HttpFailure):
        return Verdict(False, again, answer.code, CODES[answer.code].sentence(answer.detail))
    status = answer.status
    if 200 <= status <= 299:
        wrong = mismatch(expect, status, answer.headers, answer.body)
        if wrong is None:
            return Verdict(True, False, "", f"the receiver accepted the delivery with {status}")
        code, detail = wrong
        return Verdict(False, False, code, CODES[code].sentence(detail))
    code = next((code for first, last, code in _STATUSES if first <= status <= last), "RC518")
    detail = f"the receiver answered {status}{_NAMES.get(status, '')}"
    if code == "RC513":
        detail += _redirect_host(answer.headers)
    return Verdict(False, again, code, CODES[code].sentence(detail))


def _judge_refusal(probe: Probe, answer: HttpResponse | HttpFailure) -> Verdict:
    what, code = MUST_REFUSE[probe]
    if isinstance(answer, HttpFailure):
        if answer.status is not None and 400 <= answer.status <= 499:
            return Verdict(True, False, "", f"the receiver refused {what} with {answer.status}")
        detail = f"to {what} the receiver gave no answer ({answer.detail})"
        return Verdict(False, may_pass(answer), "RC535", CODES["RC535"].sentence(detail))
    status = answer.status
    if 200 <= status <= 299:
        return Verdict(
            False, False, code, CODES[code].sentence(f"the receiver accepted {what} with {status}")
        )
    if may_pass(answer) or not 400 <= status <= 499:
        detail = f"to {what} the receiver answered {status}{_NAMES.get(status, '')}"
        return Verdict(False, may_pass(answer), "RC535", CODES["RC535"].sentence(detail))
    return Verdict(True, False, "", f"the receiver refused {what} with {status}")


# (first, last, code): the first row that fits decides.
_STATUSES = (
    (300, 399, "RC513"),
    (401, 401, "RC515"),
    (403, 403, "RC515"),
    (404, 404, "RC525"),
    (410, 410, "RC514"),
    (429, 429, "RC522"),
    (400, 499, "RC516"),
    (500, 599, "RC517"),
)
_NAMES = {
    400: " (bad request)",
    401: " (unauthorized)",
    403: " (forbidden)",
    404: " (not found)",
    405: " (method not allowed)",
    408: " (request time-out)",
    410: " (gone)",
    413: " (content too large)",
    415: " (unsupported media type)",
    429: " (too many requests)",
    500: " (internal server error)",
    502: " (bad gateway)",
    503: " (service unavailable)",
    504: " (gateway time-out)",
}


def _redirect_host(headers: Mapping[str, str]) -> str:
    """Host and port of an absolute redirect: enough to correct the declaration, too little to carry
    a token."""
    match = _HOST.match(headers.get("location", ""))
    return f" and points to {match[1]}" if match else ""
