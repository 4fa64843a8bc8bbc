"""Signature schemes as rows of a table: what is signed, with which key, and where the signature
stands.

Nothing here computes anything: ``reconciler.webhooks`` signs and verifies by these rows, whatever
their name. Sources: Standard Webhooks 1.0.0; the webhook documentation of Svix, Stripe, GitHub,
Paystack, Intuit and Shopify.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import timedelta

from reconciler.dataclass import dataclass
from reconciler.domain.declared.scheme_fields import (
    DEADLINE,
    ENCODING,
    HEADER,
    HEADERS,
    JOINER,
    KEY_ENCODING,
    OPTIONAL_HEADER,
    SEPARATOR,
    SIGNED_PARTS,
    TAG,
    TOLERANCE,
    declare_field,
    list_declared_fields,
)

CUSTOM = "custom"

# The private key signs in Vault's transit engine and never leaves it: no key of ours, no HMAC.
ED25519 = "ed25519"
# Algorithm -> the hash under the HMAC.
ALGORITHMS: Mapping[str, str] = {"hmac-sha256": "sha256", "hmac-sha512": "sha512"}
PUBLIC = "public"  # the key encoding of ``ed25519``: ``whpk_`` and the base64 of a public key


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one kind of webhook is signed.

    ``signed`` lists what is signed (of ``PARTS``), joined with ``joiner``. ``key_encoding``
    ``text``: the whole secret is the key; else what follows ``whsec_`` is decoded. A signature is
    ``tag`` and the encoded HMAC; several are joined with ``separator``, and without one there is
    room for one signature. The timestamp (seconds since 1970) has a header of its own, or stands
    behind ``timestamp_tag`` before the signatures, or there is none. ``refuses_future``: the
    scheme's own libraries refuse a timestamp far ahead, too. ``beside`` are the headers that the
    provider sends besides, with the placeholders of ``companions``. Header names are in lower case.

    A field that a scheme of one's own may set says so by ``declare_field``. Who signs and verifies
    goes by it, and ``docs/configuration.md`` names it; everything else follows from the row.
    """

    name: str
    algorithm: str
    header: str = field(
        metadata=declare_field(
            HEADER,
            "The header that carries the signature. Needed once everything is merged.",
            "X-Acme-Signature",
        )
    )
    signed: tuple[str, ...] = field(
        default=("body",),
        metadata=declare_field(
            SIGNED_PARTS, "What is signed, in this order.", ["timestamp", "body"]
        ),
    )
    joiner: str = field(
        default=".",
        metadata=declare_field(
            JOINER,
            "Stands between the parts that are signed: up to 8 printable ASCII characters.",
            ".",
        ),
    )
    key_encoding: str = field(
        default="text",
        metadata=declare_field(
            KEY_ENCODING,
            "How the signing secret becomes a key: text takes it whole, the others decode what"
            " follows whsec_.",
            "text",
        ),
    )
    encoding: str = field(
        default="hex",
        metadata=declare_field(ENCODING, "How the signature is written.", "hex"),
    )
    tag: str = field(
        default="",
        metadata=declare_field(TAG, "Stands before each signature. Default: nothing.", "v1="),
    )
    separator: str = field(
        default="",
        metadata=declare_field(
            SEPARATOR,
            "Stands between several signatures, and after the timestamp. Default: nothing, so there"
            " is one signature, made with the newest secret.",
            ",",
        ),
    )
    id_header: str = field(
        default="",
        metadata=declare_field(
            OPTIONAL_HEADER,
            "The header that carries the message id. Default: none.",
            "X-Acme-Delivery",
        ),
    )
    timestamp_header: str = field(
        default="",
        metadata=declare_field(
            OPTIONAL_HEADER,
            "The header that carries the timestamp in seconds since 1970. Default: none.",
            "X-Acme-Timestamp",
        ),
    )
    timestamp_tag: str = field(
        default="",
        metadata=declare_field(
            TAG,
            "Stands before the timestamp in the signature's header, instead of timestampHeader."
            " Default: none.",
            "t=",
        ),
    )
    tolerance: timedelta = field(
        default=TOLERANCE,
        metadata=declare_field(
            DEADLINE, "How old, or how far ahead, a delivery may be. Default: 5m.", "5m"
        ),
    )
    refuses_future: bool = True
    beside: tuple[tuple[str, str], ...] = ()

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


FIELDS = list_declared_fields(Scheme)
HEADER_FIELDS = tuple(one for one in FIELDS if one.form in HEADERS)

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
    beside=(
        ("content-type", "application/json; charset=utf-8"),
        ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
    ),
)
GITHUB = Scheme(
    name="github",
    algorithm="hmac-sha256",
    header="x-hub-signature-256",
    tag="sha256=",
    beside=(
        ("user-agent", "GitHub-Hookshot/reconciler"),
        ("x-github-event", "{event}"),
        ("x-github-delivery", "{uuid}"),
        ("x-github-hook-id", "{number}"),
        ("x-github-hook-installation-target-type", "repository"),
        ("x-github-hook-installation-target-id", "{number}"),
    ),
)
PAYSTACK = Scheme(name="paystack", algorithm="hmac-sha512", header="x-paystack-signature")
INTUIT = Scheme(
    name="intuit", algorithm="hmac-sha256", header="intuit-signature", encoding="base64"
)
SHOPIFY = Scheme(
    name="shopify",
    algorithm="hmac-sha256",
    header="x-shopify-hmac-sha256",
    encoding="base64",
    beside=(
        ("user-agent", "Shopify-Captain-Hook"),
        ("x-shopify-topic", "{event}"),
        ("x-shopify-shop-domain", "{client}.myshopify.com"),
        ("x-shopify-webhook-id", "{uuid}"),
        ("x-shopify-event-id", "{uuid}"),
        ("x-shopify-test", "true"),
    ),
)

# What a name stands for when no algorithm is declared beside it.
SCHEMES: Mapping[str, Scheme] = {
    row.name: row for row in (STANDARD_WEBHOOKS, SVIX, STRIPE, GITHUB, PAYSTACK, INTUIT, SHOPIFY)
}
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


# The field of the declaration, and a sentence that says what is wrong with it.
_Fault = tuple[str, str]


def header_names(scheme: Scheme) -> Mapping[str, str]:
    """The headers that carry the signature, and what is signed with it, by the field that names
    each.

    >>> header_names(GITHUB)
    {'header': 'x-hub-signature-256'}
    """
    return {one.name: name for one in HEADER_FIELDS if (name := getattr(scheme, one.attribute))}


def faults(scheme: Scheme) -> Iterator[_Fault]:
    """Everything that keeps ``scheme`` from being signed by, or makes what it sends ambiguous.

    >>> list(faults(Scheme("custom", "hmac-sha256", "x-signature", tag="v1 ")))
    [('tag', 'a tag has up to 32 printable ASCII characters without spaces')]
    """
    of_the_table = scheme_row(scheme.name, scheme.algorithm) == scheme
    if not scheme.header:
        yield "header", "there is no header that carries the signature"
    for one in FIELDS:
        value = getattr(scheme, one.attribute)
        known = (one.form is HEADER and not value) or (of_the_table and one.form.choices)
        if not known and (fault := one.form.fault(value)):
            yield one.name, fault
    yield from _shared_header_faults(scheme)
    yield from _tag_faults(scheme)
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
    if scheme.algorithm not in ALGORITHMS and not of_the_table:
        yield "algorithm", f"the algorithm `{scheme.algorithm}` is not known"


def _shared_header_faults(scheme: Scheme) -> Iterator[_Fault]:
    seen: set[str] = set()
    for field_name, name in header_names(scheme).items():
        if name.lower() in seen:
            yield field_name, f"the header `{name}` has another use in this scheme"
        seen.add(name.lower())


def _tag_faults(scheme: Scheme) -> Iterator[_Fault]:
    """Tags and separator end up in a header: they must be told apart by who reads it."""
    separator = scheme.separator.strip()
    for one in FIELDS:
        tag = getattr(scheme, one.attribute)
        if one.form is TAG and separator and separator in tag:
            yield one.name, f"the tag `{tag}` contains the separator"
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
