"""The beginning of a receiver's answer, fit to be kept: without secrets and without personal
data."""

from __future__ import annotations

import re
from collections.abc import Collection

from reconciler.domain.secrecy import MASK as HIDDEN
from reconciler.domain.secrecy import mask_secrets

EXCERPT_SHOWN = 200
_LOOKED_AT = 4096
_TORN = 128
_SENSITIVE = (
    "pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|credential|auth(?:orization)?|signature|"
    "cookie|session|e?mail|phone|mobile|iban|account|card|ssn|birth(?:date|day)?|first[_-]?name|last[_-]?name|"
    "full[_-]?name|surname|address"
)
# Each with what is kept of a match. A named value is taken out whatever it looks like; the rest by
# its looks.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"wh(?:sec|sk|pk)_[0-9A-Za-z+/=_-]*"), HIDDEN),  # also the first few letters of one
    (re.compile(r"(?i)\b(bearer|basic|digest)\s+[^\s\"',;]+"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            rf"(?i)([\"']?[\w.-]*(?:{_SENSITIVE})[\w.-]*[\"']?\s*[:=]\s*)"
            r"(\"(?:[^\"\\]|\\.)*(?:\"|$)|'[^']*(?:'|$)|[^\s,;&}\])<]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"[^\s@\"'<>()\[\],;:]+@[^\s@\"'<>()\[\],;:]+"), HIDDEN),
    # certificates as well
    (re.compile(r"-----BEGIN[^-]*-----.*?(?:-----END[^-]*-----|$)", re.DOTALL), HIDDEN),
    (re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){3,8}\b"), HIDDEN),  # an IBAN
    (re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b"), HIDDEN),  # an IPv4 address
    (re.compile(r"\b(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\b"), HIDDEN),  # an IPv6 address
    # cards, telephones, account numbers
    (re.compile(r"\+?[0-9](?:[ ().-]{0,2}[0-9]){6,}"), HIDDEN),
    (re.compile(r"[0-9A-Za-z+/_=-]{20,}"), HIDDEN),  # whatever looks like a token
)


def excerpt(body: bytes, hidden: Collection[str] = ()) -> str:
    """One line of at most 200 characters. ``hidden`` are texts that must not be in it: what we
    signed with and sent.

    Renderers escape it like every string of somebody else; here it is only cut and redacted.
    """
    if not body:
        return ""
    text = mask_secrets(_text(body[:_LOOKED_AT]), hidden)
    for pattern, kept in _RULES:
        text = pattern.sub(kept, text)
    if len(body) > _LOOKED_AT:
        text = text[:-_TORN]  # what the cut tore has the looks of nothing
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT_SHOWN else f"{line[: EXCERPT_SHOWN - 1]}…"


def _text(body: bytes) -> str:
    """UTF-8, or UTF-16 where every second byte says so."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(body) > 1 and body[first::2].count(0) > len(body) // 4:
            return body.decode(encoding, "replace").removeprefix("\ufeff")
    return body.decode("utf-8", "replace")
