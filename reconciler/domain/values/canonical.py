"""Canonical JSON, digests and instants: one spelling for everything that is stored or hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# Text, integers, booleans, null, lists and string-keyed mappings; never floats (RFC 8785 leaves
# their spelling to ECMAScript, and large integers lose digits on the way through Vault).
Json = Any
JsonObject = Mapping[str, Any]


# Made once: a plan of ten thousand clients asks it half a million times.
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def dumps(value: Json) -> str:
    """Canonical JSON: sorted keys, no white space, UTF-8 text kept (RFC 8785 without floats, for
    keys within the Basic Multilingual Plane: RFC 8785 sorts by UTF-16 units, this by code points).

    Raises ``ValueError`` for NaN and infinities.

    >>> dumps({"name": "Zoë", "keys": [1, None, True], "at": "noon"})
    '{"at":"noon","keys":[1,null,true],"name":"Zoë"}'
    """
    return _CANONICAL.encode(value)


def escape_json(text: str) -> str:
    """A finished JSON document in ASCII in which no CI system finds a command (``##`` and a name)
    and no terminal a control character; it says what it said.

    What is replaced is in its strings only, and no backslash stands before it.

    >>> print(escape_json('{"note": "##vso"}'))
    {"note": "#\\u0023vso"}
    """
    return text.replace("##", "#\\u0023").replace("\x7f", "\\u007f")


def digest(value: Json) -> str:
    """``sha256:`` and 64 hex digits over the canonical JSON of ``value``. Half a character (a lone
    surrogate), which UTF-8 has no bytes for, counts as if it had.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    >>> digest([])
    'sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945'
    """
    return "sha256:" + hashlib.sha256(dumps(value).encode("utf-8", "surrogatepass")).hexdigest()


def digest_list(items: Iterable[Json]) -> str:
    """``digest`` of the list of ``items``, of which only one is there at a time.

    >>> digest_list(iter([{"a": 1}, None])) == digest([{"a": 1}, None])
    True
    """
    hashed, before = hashlib.sha256(b"["), b""
    for item in items:
        hashed.update(before + dumps(item).encode("utf-8", "surrogatepass"))
        before = b","
    hashed.update(b"]")
    return f"sha256:{hashed.hexdigest()}"


@lru_cache(maxsize=4096)
def iso(instant: datetime) -> str:
    """UTC with seconds: ``2026-11-23T22:45:00Z`` (RFC 3339).

    >>> from datetime import timedelta, timezone
    >>> iso(datetime(2026, 11, 23, 23, 45, tzinfo=timezone(timedelta(hours=1))))
    '2026-11-23T22:45:00Z'
    """
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def iso_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)


def parse_iso(text: str) -> datetime:
    """The inverse of ``iso``; also accepts an offset. Raises ``ValueError`` for anything else.

    >>> parse_iso("2026-11-23T23:45:00+01:00")
    datetime.datetime(2026, 11, 23, 22, 45, tzinfo=datetime.timezone.utc)
    >>> parse_iso("2026-11-23T23:45:00")
    Traceback (most recent call last):
    ValueError: '2026-11-23T23:45:00' has no time zone: write 2026-11-23T22:45:00Z
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write 2026-11-23T22:45:00Z")
    try:
        return instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError(f"{text!r} is before the year 1 or after the year 9999 in UTC") from None


def parse_iso_or_none(text: str | None) -> datetime | None:
    return None if text is None else parse_iso(text)
