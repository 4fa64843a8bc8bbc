"""Whether an answer is what was declared: its status, and one value of its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reconciler.domain.declared.proof import Expectation
from reconciler.domain.secrecy import holds_secret
from reconciler.domain.values.canonical import Json
from reconciler.webhooks.proof.json_path import select_values

OTHER_STATUS = "RC523"
OTHER_BODY = "RC524"

_SHOWN = 60  # characters of a value
_LARGE = 10**15
# What is shown of a text: words. A long run of letters and digits may be a secret, an @ somebody's
# address.
_WORDS = re.compile(r"[A-Za-z0-9 _.,:;!?()/-]*\Z")
_RUN = re.compile(r"[A-Za-z0-9_/-]{20,}")
_MIXED = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{12,}")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")


def mismatch(
    expect: Expectation,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
) -> tuple[str, str] | None:
    """What about an answer is not as declared: a code of ``errors.codes`` and a detail; None when
    all is.

    ``headers`` has names in lower case. The detail holds no text of the receiver but a few harmless
    words: at most 60 characters of the value that was looked for, and of the headers the media
    type.
    """
    accepted = status in expect.statuses if expect.statuses else 200 <= status <= 299
    if not accepted:
        declared = " or ".join(map(str, expect.statuses)) or "any 2xx"
        return OTHER_STATUS, f"the status is {status}, declared is {declared}"
    if expect.path is None:
        return None
    try:
        document = _document(body)
        found = select_values(expect.path, document)
    except (ValueError, RecursionError) as error:
        return (
            OTHER_BODY,
            f"the body is not JSON that can be looked into: {_reason(error)}{_kind(headers, body)}",
        )
    if len(found) != 1:
        number = "several values" if found else "nothing"
        return OTHER_BODY, f"`{expect.path}` selects {number} of the body, declared is one value"
    if not _same(found[0], expect.equals):
        declared, seen = in_words(expect.equals), in_words(found[0])
        other = f"declared is {declared}" if declared != seen else "but not the declared one"
        return OTHER_BODY, f"`{expect.path}` is {seen}, {other}"
    return None


def _document(body: bytes) -> Json:
    """RFC 8259: UTF-8, no ``NaN``. Raises ``ValueError`` or ``RecursionError``."""
    return json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)


def _no_number(_text: str) -> Any:
    raise ValueError("it holds a number that JSON does not have")


def _reason(error: Exception) -> str:
    """Ours or the parser's words, never the text that it stumbled over."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, line {error.lineno} column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it holds a number with too many digits" if "digits" in str(error) else str(error)


def _kind(headers: Mapping[str, str], body: bytes) -> str:
    """What the receiver says that it sent, when that explains it."""
    if not body:
        return " (it is empty)"
    encoding, media = (
        headers.get("content-encoding", ""),
        _MEDIA_TYPE.match(headers.get("content-type", "").lower()),
    )
    if encoding and encoding.lower() != "identity":
        return " (it is compressed, which we did not ask for)"
    return f" (it is {media[0]})" if media else ""


def _same(one: Json, other: Json) -> bool:
    """Equal in JSON: ``1`` is ``1.0`` and not ``true``, the order of fields does not matter."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def in_words(value: Json) -> str:
    """The type of a value, and what may be shown of it in at most 60 characters, without line
    ends."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    if isinstance(value, list):
        return f"an array of {len(value)} items"
    if isinstance(value, str):
        short = value[: _SHOWN - 2]
        secret = holds_secret(value) or _RUN.search(short) or _MIXED.search(short)
        if secret or not _WORDS.match(short):
            return f"a text of {len(value)} characters"
        return f"the text `{short}`" if short == value else f"the text `{short[:-1]}…`"
    return f"the number {value}" if abs(value) < _LARGE else "a very large number"
