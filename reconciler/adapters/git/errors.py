"""Errors of the audit report: a code's meaning, and git's own words made harmless."""

from __future__ import annotations

import re
import unicodedata

from reconciler.domain.secrecy import mask_secrets
from reconciler.errors import QUOTED, AuditError
from reconciler.errors.codes import CODES

_LIMIT = 2000
# CSI, OSC (ended by BEL or ST) and two-byte escapes (ECMA-48).
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def audit_error(code: str, detail: str = "", output: str = "") -> AuditError:
    """The error of a code: its meaning, ``detail`` after a colon, then git's or a hook's own words,
    made harmless."""
    row = CODES[code]
    message = f"{row.meaning}: {detail}" if detail else row.meaning
    words = harmless(output)
    return AuditError(code, f"{message}\n{words}" if words else message, row.remedy)


def harmless(text: str) -> str:
    """Foreign output for a terminal and a log: no secret, no escapes, no control or bidi
    characters.

    At most 2,000 characters: the last ones, where programs say what went wrong.
    """
    plain = (
        _ESCAPE.sub("", mask_secrets(text))
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\t", " ")
    )
    plain = "".join(char for char in plain if char == "\n" or unicodedata.category(char)[0] != "C")
    lines = [line.rstrip() for line in plain.split("\n") if line.strip()]
    joined = "\n".join(f"{QUOTED}{line}" for line in lines)
    return joined if len(joined) <= _LIMIT else f"{QUOTED}…" + joined[-_LIMIT:]
