"""Signature schemes as rows of a table: what is signed, with which key, and where the signature
stands.

Nothing here computes anything: ``reconciler.webhooks`` signs and verifies by these rows, whatever
their name. Sources: Standard Webhooks 1.0.0; the webhook documentation of Svix, Stripe, GitHub,
Paystack, Intuit and Shopify.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

# What the Standard Webhooks libraries and Stripe allow, in both directions.
TOLERANCE = timedelta(minutes=5)
CUSTOM = "custom"

# The private key signs in Vault's transit engine and never leaves it: no key of ours, no HMAC.
ED25519 = "ed25519"
# Algorithm -> the hash under the HMAC.
ALGORITHMS: Mapping[str, str] = {"hmac-sha256": "sha256", "hmac-sha512": "sha512"}
KEY_ENCODINGS = ("text", "base64", "hex")
PUBLIC = "public"  # the key encoding of ``ed25519``: ``whpk_`` and the base64 of a public key
ENCODINGS = ("hex", "base64")
PARTS = ("id", "timestamp", "body")


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one kind of webhook is signed.

    ``signed`` lists what is signed (of ``PARTS``), joined with ``joiner``. ``key_encoding``
    ``text``: the whole secret is the key; else what follows ``whsec_`` is decoded. A signature is
    ``tag`` and the encoded HMAC; several are joined with ``separator``, and without one there is
    room for one signature. The timestamp (seconds since 1970) has a header of its own, or stands
    behind ``timestamp_tag`` before the signatures, or there is none. ``refuses_future``: the
    scheme's own libraries refuse a timestamp far ahead, too. Header names are in lower case.
    """

    name: str
    algorithm: str
    header: str
    signed: tuple[str, ...] = ("body",)
    joiner: str = "."
    key_encoding: str = "text"
    encoding: str = "hex"
    tag: str = ""
    separator: str = ""
    id_header: str = ""
    timestamp_header: str = ""
    timestamp_tag: str = ""
    tolerance: timedelta = TOLERANCE
    refuses_future: bool = True

    @property
    def asymmetric(self) -> bool:
        return self.algorithm == ED25519

    @property
    def several(self) -> bool:
        """Whether a delivery can be signed with every secret of a rotation."""
        return bool(self.separator)

    @property
    def timed(self) -> bool:
        return bool(self.timestamp_header or self.timestamp_tag)


STANDARD_WEBHOOKS = Scheme(
    name="standard-webhooks",
    algorithm="hmac-sha256",
    header="webhook-signature",
    signed=("id", "timestamp", "body"),
    key_encoding="base64",
    encoding="base64",
    tag="v1,",
    separator=" ",
    id_header="webhook-id",
    timestamp_header="webhook-timestamp",
)
STANDARD_WEBHOOKS_V1A = replace(
    STANDARD_WEBHOOKS, algorithm=ED25519, tag="v1a,", key_encoding=PUBLIC
)
SVIX = Scheme(
    name="svix",
    algorithm="hmac-sha256",
    header="svix-signature",
    signed=("id", "timestamp", "body"),
    key_encoding="base64",
    encoding="base64",
    tag="v1,",
    separator=" ",
    id_header="svix-id",
    timestamp_header="svix-timestamp",
)
STRIPE = Scheme(
    name="stripe",
    algorithm="hmac-sha256",
    header="stripe-signature",
    signed=("timestamp", "body"),
    tag="v1=",
    separator=",",
    timestamp_tag="t=",
    refuses_future=False,
)
GITHUB = Scheme(name="github", algorithm="hmac-sha256", header="x-hub-signature-256", tag="sha256=")
PAYSTACK = Scheme(name="paystack", algorithm="hmac-sha512", header="x-paystack-signature")
INTUIT = Scheme(
    name="intuit", algorithm="hmac-sha256", header="intuit-signature", encoding="base64"
)
SHOPIFY = Scheme(
    name="shopify", algorithm="hmac-sha256", header="x-shopify-hmac-sha256", encoding="base64"
)

# What a name stands for when no algorithm is declared beside it.
SCHEMES: Mapping[str, Scheme] = {
    row.name: row for row in (STANDARD_WEBHOOKS, SVIX, STRIPE, GITHUB, PAYSTACK, SHOPIFY, INTUIT)
}  # fmt: skip
_BY_ALGORITHM: Mapping[tuple[str, str], Scheme] = {
    (row.name, row.algorithm): row for row in (*SCHEMES.values(), STANDARD_WEBHOOKS_V1A)
}


def scheme_row(name: str, algorithm: str) -> Scheme | None:
    """The row of the table, None when ``name`` does not sign so.

    >>> scheme_row("standard-webhooks", "ed25519").tag
    'v1a,'
    >>> scheme_row("github", "ed25519") is None
    True
    """
    return _BY_ALGORITHM.get((name, algorithm))


def sibling(scheme: Scheme, *, asymmetric: bool) -> Scheme:
    """The scheme of the same name by which a version of the other sort signs: a webhook that
    changes from ``v1`` to ``v1a`` has both in the grace. ``scheme`` itself where there is no
    other.

    >>> sibling(STANDARD_WEBHOOKS, asymmetric=True).tag, sibling(STRIPE, asymmetric=True).tag
    ('v1a,', 'v1=')
    """
    rows = (
        row
        for (name, _), row in _BY_ALGORITHM.items()
        if name == scheme.name and row.asymmetric == asymmetric
    )
    return scheme if scheme.asymmetric == asymmetric else next(rows, scheme)


# A subset of RFC 9110's token: gateways read an underscore as a hyphen, or drop the header.
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\Z")
_TAG = re.compile(r"[!-~]{0,32}\Z")
_JOINER = re.compile(r"[ -~]{0,8}\Z")
_SEPARATOR = re.compile(r"([,;] ?| )?\Z")
# What frames a message, says who speaks, or is set by the sender.
_RESERVED = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type",
    "cookie", "date", "expect", "forwarded", "host", "keep-alive", "origin", "referer", "set-cookie", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "via",
})  # fmt: skip
_RESERVED_BEGINNINGS = ("proxy-", "sec-", "x-forwarded-", "x-vault-")

# The field of the declaration, and a sentence that says what is wrong with it.
Fault = tuple[str, str]


def header_fault(name: str) -> str:
    """What is wrong with a header's name, empty when nothing is.

    >>> header_fault("X-Acme-Signature")
    ''
    >>> header_fault("Authorization")
    'the header `authorization` is reserved: a signature may not replace it'
    """
    if _HEADER.match(name) is None:
        return "a header's name has up to 64 letters, digits and hyphens and begins with a letter"
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_BEGINNINGS):
        return f"the header `{name.lower()}` is reserved: a signature may not replace it"
    return ""


def faults(scheme: Scheme) -> Iterator[Fault]:
    """Everything that keeps ``scheme`` from being signed by, or makes what it sends ambiguous.

    >>> list(faults(GITHUB))
    []
    >>> list(faults(replace(GITHUB, signed=("timestamp", "body"))))[0][0]
    'signed'
    """
    yield from _header_faults(scheme)
    yield from _text_faults(scheme)
    if (
        "body" not in scheme.signed
        or len(set(scheme.signed)) < len(scheme.signed)
        or set(scheme.signed) - set(PARTS)
    ):
        yield "signed", "what is signed is `body`, and `id` and `timestamp` at most once each"
    if "id" in scheme.signed and not scheme.id_header:
        yield "signed", "`id` is signed, but no idHeader says it to the receiver"
    if "timestamp" in scheme.signed and not scheme.timed:
        yield (
            "signed",
            (
                "`timestamp` is signed, but neither timestampHeader nor timestampTag says it to the"
                " receiver"
            ),
        )
    if scheme.timed and "timestamp" not in scheme.signed:
        yield "signed", "the timestamp is sent but not signed: anybody could renew an old delivery"
    if scheme.algorithm not in ALGORITHMS and scheme_row(scheme.name, scheme.algorithm) != scheme:
        yield "algorithm", f"the algorithm `{scheme.algorithm}` is not known"
    if (
        scheme.key_encoding not in KEY_ENCODINGS
        and scheme_row(scheme.name, scheme.algorithm) != scheme
    ):
        yield "keyEncoding", f"the key encoding `{scheme.key_encoding}` is not known"
    if scheme.encoding not in ENCODINGS:
        yield "encoding", f"the encoding `{scheme.encoding}` is not known"
    if scheme.tolerance <= timedelta(0):
        yield "tolerance", "the tolerance must be longer than nothing"


def _header_faults(scheme: Scheme) -> Iterator[Fault]:
    names = {
        "header": scheme.header,
        "idHeader": scheme.id_header,
        "timestampHeader": scheme.timestamp_header,
    }
    if not scheme.header:
        yield "header", "there is no header that carries the signature"
    given = {field: name for field, name in names.items() if name}
    for field, name in given.items():
        if fault := header_fault(name):
            yield field, fault
    seen: set[str] = set()
    for field, name in given.items():
        if name.lower() in seen:
            yield field, f"the header `{name}` has another use in this scheme"
        seen.add(name.lower())


def _text_faults(scheme: Scheme) -> Iterator[Fault]:
    """Tags and separator end up in a header: printable, and to be told apart by who reads it."""
    tags = {"tag": scheme.tag, "timestampTag": scheme.timestamp_tag}
    for field, tag in tags.items():
        if _TAG.match(tag) is None:
            yield field, "a tag has up to 32 printable ASCII characters without spaces"
        if scheme.separator.strip() and scheme.separator.strip() in tag:
            yield field, f"the tag `{tag}` contains the separator"
    if _JOINER.match(scheme.joiner) is None:
        yield "joiner", "a joiner has up to 8 printable ASCII characters"
    if _SEPARATOR.match(scheme.separator) is None:
        yield (
            "separator",
            "a separator is a comma or a semicolon, with or without a space, or a space",
        )
    if not scheme.timestamp_tag:
        return
    if scheme.timestamp_header:
        yield (
            "timestampTag",
            (
                "the timestamp has a header of its own: write timestampHeader or timestampTag, not"
                " both"
            ),
        )
    if not scheme.separator:
        yield "timestampTag", "a separator is needed between the timestamp and the signature"
    if (
        not scheme.tag
        or scheme.tag.startswith(scheme.timestamp_tag)
        or scheme.timestamp_tag.startswith(scheme.tag)
    ):
        yield "timestampTag", "the signature needs a tag that cannot be taken for the timestamp's"
