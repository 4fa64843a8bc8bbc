"""Every row of the table of schemes, and schemes of one's own: vectors, both directions, what is
refused."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.system.minting import RandomMinter
from reconciler.domain.declared.scheme_fields import KEY_ENCODINGS
from reconciler.domain.declared.schemes import (
    ALGORITHMS,
    GITHUB,
    INTUIT,
    PAYSTACK,
    SCHEMES,
    STANDARD_WEBHOOKS,
    STRIPE,
    SVIX,
    Scheme,
    faults,
)
from reconciler.domain.kinds.credentials import SIGNING_SECRET
from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.signing import key_bytes, sign, signature
from reconciler.webhooks.signature.verification import verify
from tests.kit.suite.tally import Tally

ID, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
AT = datetime.fromtimestamp(STAMP, UTC)
OLD, NEW, WRONG = (Secret("whsec_" + digits * 32) for digits in ("0a", "1b", "2c"))

OWN = (
    Scheme("custom", "hmac-sha512", "x-acme-signature", ("timestamp", "body"), ":", "hex", "base64", "s1=", "; ",
           timestamp_header="x-acme-time", tolerance=timedelta(minutes=1)),
    Scheme("custom", "hmac-sha256", "x-acme-signature", ("body", "id"), "", "base64", "hex", id_header="x-acme-id"),
    Scheme("custom", "hmac-sha256", "x-acme-signature", ("id", "timestamp", "body"), "|", separator=";", tag="v=",
           timestamp_tag="at=", id_header="x-acme-id"),
)  # fmt: skip
ROWS = [*SCHEMES.values(), *OWN]
NAMES = [*SCHEMES, "own headers", "own id", "own tag"]
every_scheme = pytest.mark.parametrize("scheme", ROWS, ids=NAMES)

# RFC 4231, test case 4: its key is text; its data are 50 bytes of 0xcd.
RFC_KEY, RFC_DATA = Secret(bytes(range(1, 26)).decode()), b"\xcd" * 50
VECTORS = [
    # Standard Webhooks' own; Svix signs alike.
    (
        STANDARD_WEBHOOKS,
        Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        BODY,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        SVIX,
        Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        BODY,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    # GitHub's documentation, "Validating webhook deliveries"
    (
        GITHUB,
        Secret("It's a Secret to Everybody"),
        b"Hello, World!",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    (
        PAYSTACK,
        RFC_KEY,
        RFC_DATA,
        (
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
            "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
        ),
    ),
    (INTUIT, RFC_KEY, RFC_DATA, "glWKOJpEPA6kzIGYmfIIOoXw+qPlePgHei4/9GcpZls="),
]


@pytest.mark.parametrize(
    ("scheme", "secret", "body", "expected"), VECTORS, ids=[row[0].name for row in VECTORS]
)
def test_the_published_vectors(scheme: Scheme, secret: Secret, body: bytes, expected: str) -> None:
    assert signature(scheme, secret, ID, STAMP, body) == expected


def test_a_stripe_header_is_the_timestamp_and_the_signature_over_it() -> None:
    expected = _mac(NEW.reveal().encode(), b"%d." % STAMP + BODY, hashes.SHA256()).hex()
    assert sign(STRIPE, [NEW], ID, STAMP, BODY) == (
        ("stripe-signature", f"t={STAMP},v1={expected}"),
    )


def _mac(key: bytes, content: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    mac = HMAC(key, algorithm)
    mac.update(content)
    return mac.finalize()


def test_schemes_of_ones_own_sign_as_they_are_declared() -> None:
    digits, text = NEW.reveal()[6:], NEW.reveal().encode()
    expected = [
        ("x-acme-time", str(STAMP)),
        (
            "x-acme-signature",
            "s1="
            + b64encode(
                _mac(bytes.fromhex(digits), b"%d:" % STAMP + BODY, hashes.SHA512())
            ).decode(),
        ),
        ("x-acme-id", ID),
        ("x-acme-signature", _mac(b64decode(digits), BODY + ID.encode(), hashes.SHA256()).hex()),
        ("x-acme-id", ID),
        (
            "x-acme-signature",
            f"at={STAMP};v=" + _mac(text, f"{ID}|{STAMP}|".encode() + BODY, hashes.SHA256()).hex(),
        ),
    ]
    assert [header for scheme in OWN for header in sign(scheme, [NEW], ID, STAMP, BODY)] == expected


def test_an_id_that_is_not_signed_may_be_absent() -> None:
    scheme = replace(GITHUB, id_header="x-github-delivery")
    headers = dict(sign(scheme, [NEW], ID, STAMP, BODY))
    assert headers.pop("x-github-delivery") == ID
    assert verify(scheme, [NEW], headers, BODY, AT).accepted


@every_scheme
def test_no_row_has_a_fault(scheme: Scheme) -> None:
    assert list(faults(scheme)) == []


@every_scheme
@given(body=st.binary(max_size=200), secret=st.sampled_from([OLD, NEW]))
def test_what_is_signed_is_accepted_with_the_secret_that_signed_it(
    scheme: Scheme, body: bytes, secret: Secret
) -> None:
    headers = dict(sign(scheme, [secret], ID, STAMP, body))
    assert verify(scheme, [OLD, NEW], headers, body, AT).accepted
    assert verify(scheme, [WRONG], headers, body, AT).reason == "SignatureMismatch"


def _flipped(text: bytes, at: int, bit: int) -> bytes:
    return text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :]


@every_scheme
def test_no_bit_of_the_body_can_be_changed(scheme: Scheme, tally: Tally) -> None:
    headers = dict(sign(scheme, [NEW], ID, STAMP, BODY))
    tampered = [_flipped(BODY, at, bit) for at in range(len(BODY)) for bit in range(8)]
    tampered += [BODY + b" ", BODY[:-1], b"", b" " + BODY]
    assert [
        body for body in tampered if verify(scheme, [OLD, NEW], headers, body, AT).accepted
    ] == []
    tally(f"tampered bodies refused, {scheme.name}", len(tampered))


@every_scheme
def test_no_character_of_a_signed_header_can_be_changed(scheme: Scheme, tally: Tally) -> None:
    """Ids that are sent without being signed are nobody's evidence; every other character
    counts."""
    genuine = dict(sign(scheme, [NEW], ID, STAMP, BODY))
    tried = 0
    for name, value in genuine.items():
        for at in range(len(value)):
            for other in {"0", "A", "=", ",", " ", "~"} - {value[at]}:
                headers = genuine | {name: value[:at] + other + value[at + 1 :]}
                assert not verify(scheme, [NEW], headers, BODY, AT).accepted, (name, at, other)
                tried += 1
    tally(f"tampered headers refused, {scheme.name}", tried)


@every_scheme
@given(value=st.text(max_size=80), name=st.sampled_from(["id", "timestamp", "signature"]))
def test_a_header_of_any_text_is_refused_and_raises_nothing(
    scheme: Scheme, value: str, name: str
) -> None:
    places = {
        "id": scheme.id_header,
        "timestamp": scheme.timestamp_header,
        "signature": scheme.header,
    }
    headers = dict(sign(scheme, [NEW], ID, STAMP, BODY))
    if places[name] not in headers or headers[places[name]] == value:
        return
    assert not verify(scheme, [NEW], headers | {places[name]: value}, BODY, AT).accepted


@every_scheme
def test_a_rotation(scheme: Scheme) -> None:
    """The newest secret comes first.

    Where there is room both sign; else the newest alone, and only it is accepted.
    """
    headers = dict(sign(scheme, [NEW, OLD], ID, STAMP, BODY))
    assert verify(scheme, [NEW], headers, BODY, AT).accepted
    assert verify(scheme, [OLD], headers, BODY, AT).accepted is scheme.several
    assert verify(
        scheme, [OLD, NEW], headers, BODY, AT
    ).accepted  # a receiver that holds both is right either way
    assert scheme.several is (
        scheme.name not in ("github", "paystack", "intuit", "shopify") and scheme is not OWN[1]
    )


@every_scheme
def test_an_old_delivery_is_refused_where_there_is_a_timestamp(scheme: Scheme) -> None:
    headers = dict(sign(scheme, [NEW], ID, STAMP, BODY))
    assert verify(scheme, [NEW], headers, BODY, AT + scheme.tolerance).accepted
    for moved in (
        scheme.tolerance + timedelta(seconds=1),
        -scheme.tolerance - timedelta(seconds=1),
    ):
        check = verify(scheme, [NEW], headers, BODY, AT + moved)
        expected = "TimestampOutsideTolerance" if scheme.timed else "SignatureValid"
        assert check.reason == expected


@pytest.mark.parametrize("scheme", [STRIPE, OWN[2]], ids=["stripe", "own tag"])
@pytest.mark.parametrize("change", ["none", "twice", "words", "last"])
def test_a_timestamp_among_the_signatures(scheme: Scheme, change: str) -> None:
    genuine = dict(sign(scheme, [NEW], ID, STAMP, BODY))
    stamp, value = genuine[scheme.header].split(scheme.separator)
    parts: Mapping[str, list[str]] = {
        "none": [value],
        "twice": [stamp, stamp, value],  # two timestamps: which one would be the signed one?
        "words": [f"{scheme.timestamp_tag}now", value],
        "last": [value, stamp],
    }
    check = verify(
        scheme, [NEW], genuine | {scheme.header: scheme.separator.join(parts[change])}, BODY, AT
    )
    assert check.reason == ("SignatureValid" if change == "last" else "TimestampMalformed")


@every_scheme
def test_a_new_signing_secret_is_a_key_under_every_scheme(scheme: Scheme) -> None:
    """So a change of scheme leaves no secret behind that it cannot use; and every output is
    searched for it."""
    secret = RandomMinter("acme", "staging").mint(SIGNING_SECRET).secret
    assert len(key_bytes(scheme, secret)) >= 32
    assert mask_secrets(secret.reveal()) == "***"
    headers = dict(sign(scheme, [secret], ID, STAMP, BODY))
    assert verify(scheme, [secret], headers, BODY, AT).accepted
    assert not any(secret.reveal()[6:] in value for value in headers.values())


@pytest.mark.parametrize("encoding", KEY_ENCODINGS)
def test_an_unusable_secret_is_refused_without_showing_it(encoding: str) -> None:
    scheme = replace(GITHUB, key_encoding=encoding)
    for text in ("", "whsec_", "whsec_abc", "hunter2 in the open"):
        with pytest.raises(ValueError, match="a signing secret") as caught:
            key_bytes(scheme, Secret(text))
        assert not text.removeprefix("whsec_") or text.removeprefix("whsec_") not in str(
            caught.value
        )


FAULTY: list[tuple[str, dict[str, object], str]] = [
    ("no header", {"header": ""}, "header"),
    ("line break in a header", {"header": "x-a\r\nx-b"}, "header"),
    ("line break at its end", {"header": "x-a\n"}, "header"),
    ("underscore", {"header": "x_a"}, "header"),
    ("space", {"id_header": "x a"}, "idHeader"),
    ("colon", {"id_header": "x:"}, "idHeader"),
    ("one header twice", {"id_header": GITHUB.header}, "idHeader"),
    ("line break in a tag", {"tag": "v1=\r\n"}, "tag"),
    ("tag beyond ASCII", {"tag": "ü"}, "tag"),
    ("separator in the tag", {"tag": "v1,", "separator": ","}, "tag"),
    ("separator of letters", {"separator": "z"}, "separator"),
    ("line break as separator", {"separator": "\n"}, "separator"),
    ("joiner beyond ASCII", {"joiner": "→"}, "joiner"),
    ("no body", {"signed": ("id",), "id_header": "x-id"}, "signed"),
    ("body twice", {"signed": ("body", "body")}, "signed"),
    ("unknown part", {"signed": ("body", "url")}, "signed"),
    ("id without a header", {"signed": ("id", "body")}, "signed"),
    ("timestamp without a place", {"signed": ("timestamp", "body")}, "signed"),
    ("timestamp that is not signed", {"timestamp_header": "x-time"}, "signed"),
    ("two places", {"signed": ("timestamp", "body"), "timestamp_header": "x-time", "timestamp_tag": "t=",
                    "separator": ","}, "timestampTag"),
    ("no separator", {"signed": ("timestamp", "body"), "timestamp_tag": "t="}, "timestampTag"),
    ("tags alike", {"signed": ("timestamp", "body"), "timestamp_tag": "s", "separator": ","}, "timestampTag"),
    ("no tag", {"signed": ("timestamp", "body"), "timestamp_tag": "t=", "separator": ",", "tag": ""}, "timestampTag"),
    ("algorithm", {"algorithm": "hmac-md5"}, "algorithm"),
    ("key encoding", {"key_encoding": "rot13"}, "keyEncoding"),
    ("encoding", {"encoding": "base32"}, "encoding"),
    ("tolerance", {"tolerance": timedelta(0)}, "tolerance"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "field"), FAULTY, ids=[row[0] for row in FAULTY])
def test_a_scheme_that_cannot_be_sent_has_a_fault(
    name: str, changes: dict[str, object], field: str
) -> None:
    assert [found for found, _ in faults(replace(GITHUB, **changes))] == [field]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Authorization",
        "transfer-encoding",
        "X-Forwarded-For",
        "proxy-authorization",
    ],
)
def test_a_signature_takes_the_place_of_no_other_header(name: str) -> None:
    found = [*faults(replace(GITHUB, header=name)), *faults(replace(GITHUB, id_header=name))]
    assert [field for field, _ in found] == ["header", "idHeader"]
    assert all("is reserved" in message for _, message in found)


@given(
    header=st.text(max_size=20).map(str.lower), tag=st.text(max_size=8), separator=st.text(max_size=2),
    joiner=st.text(max_size=3), algorithm=st.sampled_from(sorted(ALGORITHMS)),
    encoding=st.sampled_from(["hex", "base64"]),
)  # fmt: skip
def test_what_has_no_fault_makes_headers_of_printable_ascii(
    header: str, tag: str, separator: str, joiner: str, algorithm: str, encoding: str
) -> None:
    scheme = Scheme(
        "custom", algorithm, header, joiner=joiner, encoding=encoding, tag=tag, separator=separator
    )
    if next(faults(scheme), None) is not None:
        return
    headers = sign(scheme, [NEW, OLD], ID, STAMP, BODY)
    assert all((name + value).isascii() and (name + value).isprintable() for name, value in headers)
    assert verify(scheme, [NEW], dict(headers), BODY, AT).accepted
