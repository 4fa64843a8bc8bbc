"""What every stored document has in common: it is canonical JSON that names its format."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from msgspec.json import Decoder, Encoder

from reconciler.domain.values.canonical import Json
from reconciler.errors import RegistryError
from reconciler.registry.requests import StoredDocument

FORMAT = 1
# What the format of a bucket says once its records live in other buckets.
MOVED = "moved to"

_Shape = TypeVar("_Shape")


def write_address(value: object) -> str:
    """An address, which is text that knows its parts."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not stored")


# Writes what ``dumps`` writes, byte for byte (tests/registry/test_encoder.py), ten times as fast.
_ENCODER = Encoder(order="sorted", enc_hook=write_address)


def encode_json(value: Json) -> bytes:
    """Canonical JSON of text, whole numbers, booleans, null, lists, mappings, shapes, and of what
    is encoded already (``Raw``)."""
    return _ENCODER.encode(value)


def decode_stored(text: str, name: str, decoder: Decoder[_Shape], what: str) -> _Shape:
    """The document ``name``, which is ``what``. Raises as ``parse_stored`` does, and RC443 where it
    has other fields."""
    try:
        return decoder.decode(text)
    except (ValueError, RecursionError):
        parse_stored(text, name)  # says what is wrong with it
        raise garbled_error(name, f"it has not the fields of {what}") from None


def parse_stored(text: str, name: str) -> dict[str, Any]:
    """The document ``name``. Raises ``RegistryError`` RC442 (unknown format), RC443 (not one of
    ours), RC446 (moved away)."""
    if not text:
        raise garbled_error(name, "it has no text in its field 'doc'")
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise garbled_error(name, "it is not JSON") from None
    if not isinstance(document, dict) or "format" not in document:
        raise garbled_error(name, "it does not say its format")
    found = document["format"]
    if isinstance(found, str) and found.startswith(MOVED):
        raise _spread(found)
    if type(found) is not int or found != FORMAT:  # JSON's true and 1.0 are equal to 1
        raise RegistryError(
            "RC442",
            f"{name} of the registry has format {found!r}; this version reads format {FORMAT}",
            "use the version of reconciler that wrote it, or a newer one; nothing was changed",
        )
    parsed: dict[str, Any] = document
    return parsed


def refuse_spread(meta: StoredDocument, buckets: int) -> None:
    """Raises ``RegistryError`` RC446 when ``meta`` counts another number of buckets than were
    read."""
    try:
        found = json.loads(meta.text or "{}").get("buckets", buckets)
    except (ValueError, AttributeError, RecursionError):
        return  # whoever connects next says what is wrong with it
    if found != buckets:
        raise _spread(f"{MOVED} {found} buckets")


def _spread(how: str) -> RegistryError:
    return RegistryError(
        "RC446", f"the registry was {how} while this command ran", "run the same command again"
    )


def garbled_error(name: str, why: str) -> RegistryError:
    """The error for a document that is not what we write."""
    return RegistryError(
        "RC443",
        f"{name} of the registry cannot be read: {why}",
        "somebody edited it by hand: restore its previous version with 'bao kv rollback' or 'vault"
        " kv rollback'",
    )
