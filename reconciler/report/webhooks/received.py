"""A received delivery made fit to show: no secret, no credential, no whole signature, nothing
endless."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from reconciler.domain.declared.schemes import SCHEMES, Scheme, header_names
from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.values.canonical import Json

HIDDEN = "(not shown)"
LONGEST_VALUE = 200
_CREDENTIAL = re.compile(
    r"authorization|cookie|token|secret|passw|credential|session|(?:api|access|private|auth)-?key",
    re.IGNORECASE,
)
_SIGNATURES = frozenset(row.header for row in SCHEMES.values())
_SHORT = 6
_DEPTH = 50


def show_headers(headers: Mapping[str, str], scheme: Scheme) -> dict[str, str]:
    """Every header: credentials are left out, signatures shortened, long values cut."""
    return {mask_secrets(name): _show_value(name, value, scheme) for name, value in headers.items()}


def of_interest(name: str, scheme: Scheme) -> bool:
    """Whether a header says something about the delivery itself."""
    ours = {*header_names(scheme).values(), "content-type", "user-agent"}
    return name in ours or _is_signature(name) or _CREDENTIAL.search(name) is not None


def _is_signature(name: str) -> bool:
    """Of another scheme, of our table or not."""
    return name in _SIGNATURES or "signature" in name


def _show_value(name: str, value: str, scheme: Scheme) -> str:
    if name == scheme.header:
        separator = scheme.separator or "\n"  # of which there is none in a header
        return cut(
            separator.join(
                _show_signature(part, scheme) for part in mask_secrets(value).split(separator)
            )
        )
    if _is_signature(name):
        return f"{mask_secrets(value)[: 2 * _SHORT]}…"
    if name not in header_names(scheme).values() and _CREDENTIAL.search(name):
        return HIDDEN
    return cut(mask_secrets(value))


def _show_signature(part: str, scheme: Scheme) -> str:
    if scheme.timestamp_tag and part.startswith(scheme.timestamp_tag):
        return part
    kept = (len(scheme.tag) if scheme.tag and part.startswith(scheme.tag) else 0) + _SHORT
    return part if len(part) <= kept else f"{part[:kept]}…"


def cut(text: str, limit: int = LONGEST_VALUE) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def body_json(body: bytes) -> tuple[bool, Json]:
    """Whether the body is JSON, and its value with every string hidden that must be."""
    try:
        value: Json = json.loads(body.decode(), parse_constant=_refuse)
        json.dumps(value, allow_nan=False)
        return True, _hide(value)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return False, None


def body_text(body: bytes) -> str:
    return mask_secrets(body.decode("utf-8", "backslashreplace"))


def _hide(value: Json, depth: int = 0) -> Json:
    if depth > _DEPTH:
        raise ValueError("too deep to be shown as JSON")
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {mask_secrets(name): _hide(inner, depth + 1) for name, inner in value.items()}
    return [_hide(inner, depth + 1) for inner in value] if isinstance(value, list) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
