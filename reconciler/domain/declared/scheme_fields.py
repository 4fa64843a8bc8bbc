"""How the fields of a signature scheme are written, checked and stored: one form a kind of value.

A field of ``Scheme`` that can be declared carries its form, a sentence and an example. Everything
that names the fields goes by that: what a declaration may hold, its JSON Schema, what the registry
stores, what is wrong with a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.values.canonical import Json
from reconciler.domain.values.duration import PATTERN, format_duration, parse_duration

# What the Standard Webhooks libraries and Stripe allow, in both directions.
TOLERANCE = timedelta(minutes=5)
LONGEST_TOLERANCE = timedelta(hours=1)
KEY_ENCODINGS = ("text", "base64", "hex")
ENCODINGS = ("hex", "base64")
PARTS = ("id", "timestamp", "body")

# A subset of RFC 9110's token: gateways read an underscore as a hyphen, or drop the header.
_HEADER = "[A-Za-z][A-Za-z0-9-]{0,63}"
_HEADER_SENTENCE = (
    "a header's name has up to 64 letters, digits and hyphens and begins with a letter"
)
# What frames a message, says who speaks, or is set by the sender.
_RESERVED = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    }
)
_RESERVED_BEGINNINGS = ("proxy-", "sec-", "x-forwarded-", "x-vault-")


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One kind of value.

    ``schema`` are its keywords in JSON Schema. ``read`` makes the value of what is written there,
    ``write`` what is stored of a value. ``fault`` says what is wrong with a value, empty when
    nothing is. ``choices``: all values there are for a declaration; a scheme of the table may have
    others.
    """

    schema: Mapping[str, Json]
    fault: Callable[[Any], str]
    read: Callable[[Any], Any] = lambda written: written
    write: Callable[[Any], Json] = lambda value: value
    choices: tuple[str, ...] = ()


def _text(pattern: str, sentence: str) -> Form:
    matches = re.compile(rf"{pattern}\Z").match
    return Form(
        {"type": "string", "pattern": f"^{pattern}$", "patternErrorMessage": sentence},
        lambda value: "" if matches(value) else sentence,
    )


def _one_of(what: str, choices: tuple[str, ...]) -> Form:
    return Form(
        {"type": "string", "enum": list(choices)},
        lambda value: "" if value in choices else f"the {what} `{value}` is not known",
        choices=choices,
    )


def header_fault(name: str) -> str:
    """What is wrong with a header's name, empty when nothing is."""
    if re.match(rf"{_HEADER}\Z", name) is None:
        return _HEADER_SENTENCE
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_BEGINNINGS):
        return f"the header `{name.lower()}` is reserved: a signature may not replace it"
    return ""


def _parts_fault(parts: tuple[str, ...]) -> str:
    if "body" in parts and len(set(parts)) == len(parts) and set(parts) <= set(PARTS):
        return ""
    return "what is signed is `body`, and `id` and `timestamp` at most once each"


def _read_tolerance(text: str) -> timedelta:
    """The usual one for what is no tolerance, which is reported where it is written."""
    try:
        value = parse_duration(text)
    except ValueError:
        return TOLERANCE
    return value if timedelta(0) < value <= LONGEST_TOLERANCE else TOLERANCE


HEADER = Form(
    {"type": "string", "pattern": f"^{_HEADER}$", "patternErrorMessage": _HEADER_SENTENCE},
    header_fault,
    read=str.lower,
)
OPTIONAL_HEADER = Form(
    {**HEADER.schema, "pattern": f"^({_HEADER})?$"},
    lambda name: header_fault(name) if name else "",
    read=str.lower,
)
SIGNED_PARTS = Form(
    {
        "type": "array",
        "items": {
            "type": "string",
            "description": "A part of the delivery.",
            "enum": list(PARTS),
            "examples": ["body"],
        },
        "minItems": 1,
        "maxItems": len(PARTS),
        "uniqueItems": True,
    },
    _parts_fault,
    read=tuple,
    write=list,
)
TAG = _text("[!-~]{0,32}", "a tag has up to 32 printable ASCII characters without spaces")
JOINER = _text("[ -~]{0,8}", "a joiner has up to 8 printable ASCII characters")
SEPARATOR = _text(
    "([,;] ?| )?", "a separator is a comma or a semicolon, with or without a space, or a space"
)
KEY_ENCODING = _one_of("key encoding", KEY_ENCODINGS)
ENCODING = _one_of("encoding", ENCODINGS)
DEADLINE = Form(
    {
        "type": "string",
        "pattern": PATTERN,
        "patternErrorMessage": (
            "a duration is a whole number and a unit, such as 90d, 72h, 15m or 10s"
        ),
    },
    lambda value: "" if value > timedelta(0) else "the tolerance must be longer than nothing",
    read=_read_tolerance,
    write=format_duration,
)
HEADERS = (HEADER, OPTIONAL_HEADER)

# Stored from the first version on, also where they have their defaults. This list is closed: a field
# that comes later is stored only where it says something. Else every webhook of a scheme of one's
# own would have to prove itself again after an update.
ALWAYS_STORED = frozenset(
    {
        "header",
        "signed",
        "joiner",
        "keyEncoding",
        "encoding",
        "tag",
        "separator",
        "idHeader",
        "timestampHeader",
        "timestampTag",
        "tolerance",
    }
)
_METADATA = "declared as"


@dataclass(frozen=True, slots=True)
class SchemeField:
    """A field of ``Scheme`` that can be declared.

    ``attribute`` is its name in Python, ``name`` the one in YAML. ``meaning`` and ``example`` are
    for the JSON Schema. ``default`` is None where it must be declared.
    """

    attribute: str
    name: str
    form: Form
    meaning: str
    example: Json
    default: Any

    def is_stored(self, value: Any) -> bool:
        """Whether the registry's copy of a scheme holds ``value`` at all.

        >>> later = SchemeField("nonce", "nonce", TAG, "A nonce.", example="n=", default="")
        >>> later.is_stored(""), later.is_stored("n=")
        (False, True)
        """
        return self.name in ALWAYS_STORED or value != self.default


def declare_field(form: Form, meaning: str, example: Json) -> Mapping[str, object]:
    """The metadata of a field of ``Scheme`` that can be declared."""
    return {_METADATA: (form, meaning, example)}


def list_declared_fields(scheme: type) -> tuple[SchemeField, ...]:
    """Those fields of a dataclass that can be declared, in its order."""
    return tuple(_read_field(one) for one in fields(scheme) if _METADATA in one.metadata)


def _read_field(one: Field[Any]) -> SchemeField:
    form, meaning, example = one.metadata[_METADATA]
    default = None if one.default is MISSING else one.default
    first, *others = one.name.split("_")
    name = "".join([first, *map(str.capitalize, others)])
    return SchemeField(
        one.name,
        name,
        form,
        meaning,
        example,
        default,
    )
