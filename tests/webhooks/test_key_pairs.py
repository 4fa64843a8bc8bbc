"""``v1a`` of Standard Webhooks 1.0.0, judged by ``cryptography`` and by node's crypto, both
ways."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS, STANDARD_WEBHOOKS_V1A
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.ed25519 import public_bytes, public_text, sign_by_stranger
from reconciler.webhooks.signature.signing import (
    encode_signature,
    headers,
    signature,
    signed_content,
)
from reconciler.webhooks.signature.verification import verify
from tests.kit.suite.fast import leave_out
from tests.kit.suite.tally import Tally

# The specification's own vector: standard-webhooks/spec, "Signature scheme".
ID, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
PAIR = base64.b64decode(
    "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
SIGNED = (
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)
AT = datetime.fromtimestamp(STAMP, UTC)
PUBLIC = Secret(public_text(PAIR[32:]))
SHARED = Secret("whsec_" + "5e" * 32)
SPOILT = {"body": BODY + b" ", "shorter": BODY[:-1], "empty": b""}


def content(body: bytes = BODY) -> bytes:
    return signed_content(STANDARD_WEBHOOKS_V1A, ID, STAMP, body)


def sent(value: str, stamp: int = STAMP) -> dict[str, str]:
    return dict(headers(STANDARD_WEBHOOKS_V1A, ID, stamp, [value]))


def test_the_vector_of_the_specification() -> None:
    assert encode_signature(STANDARD_WEBHOOKS_V1A, sign_by_stranger(PAIR[:32], content())) == SIGNED
    assert verify(STANDARD_WEBHOOKS_V1A, [PUBLIC], sent(SIGNED), BODY, AT).accepted


def test_cryptography_judges_ours(tally: Tally) -> None:
    raw = base64.b64decode(SIGNED.removeprefix("v1a,"))
    key = Ed25519PublicKey.from_public_bytes(public_bytes(PUBLIC.reveal()))
    key.verify(raw, content())
    for body in SPOILT.values():
        with pytest.raises(InvalidSignature):
            key.verify(raw, content(body))
    tally("scheme standard-webhooks (v1a) × cryptography: our deliveries judged", 1 + len(SPOILT))


def test_node_judges_ours_and_signs_for_us(tally: Tally) -> None:
    leave_out("node")
    if shutil.which("node") is None:
        assert not os.environ.get("CI"), "node must be installed where CI is set"
        pytest.skip("node not installed: its crypto judges v1a where CI is set")
    script = """
const crypto = require("node:crypto");
const asked = JSON.parse(require("node:fs").readFileSync(0));
const key = (text, type, make) => make({ key: Buffer.from(text, "base64"), format: "der", type });
const own = key(asked.private, "pkcs8", crypto.createPrivateKey);
const theirs = key(asked.public, "spki", crypto.createPublicKey);
const judged = asked.contents.map((one) =>
  crypto.verify(null, Buffer.from(one, "base64"), theirs, Buffer.from(asked.signature, "base64")));
const signed = crypto.sign(null, Buffer.from(asked.contents[0], "base64"), own).toString("base64");
console.log(JSON.stringify({ judged, signed }));
"""
    private = Ed25519PrivateKey.from_private_bytes(PAIR[:32])
    asked = {
        "private": private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "public": private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        ),
    }
    contents = [content(), *(content(body) for body in SPOILT.values())]
    told = {name: base64.b64encode(raw).decode() for name, raw in asked.items()} | {
        "signature": SIGNED.removeprefix("v1a,"), "contents": [base64.b64encode(one).decode() for one in contents],
    }  # fmt: skip
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(told), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert answer["judged"] == [True, False, False, False]
    tally("scheme standard-webhooks (v1a) × node crypto: our deliveries judged", len(contents))
    assert verify(
        STANDARD_WEBHOOKS_V1A, [PUBLIC], sent(f"v1a,{answer['signed']}"), BODY, AT
    ).accepted
    tally("scheme standard-webhooks (v1a) × node crypto: their deliveries judged by us", 1)


CASES: dict[str, tuple[Callable[[], object], bool]] = {
    "genuine": (lambda: verify(STANDARD_WEBHOOKS_V1A, [PUBLIC], sent(SIGNED), BODY, AT), True),
    "another key": (
        lambda: verify(STANDARD_WEBHOOKS_V1A, [_other()], sent(SIGNED), BODY, AT),
        False,
    ),
    "another key too": (
        lambda: verify(STANDARD_WEBHOOKS_V1A, [_other(), PUBLIC], sent(SIGNED), BODY, AT),
        True,
    ),
    "as v1": (
        lambda: verify(
            STANDARD_WEBHOOKS_V1A, [PUBLIC], sent(SIGNED.replace("v1a", "v1")), BODY, AT
        ),
        False,
    ),
    "cut": (lambda: verify(STANDARD_WEBHOOKS_V1A, [PUBLIC], sent(SIGNED[:-4]), BODY, AT), False),
    "no base64": (
        lambda: verify(STANDARD_WEBHOOKS_V1A, [PUBLIC], sent("v1a,%%%"), BODY, AT),
        False,
    ),
    "old": (
        lambda: verify(
            STANDARD_WEBHOOKS_V1A, [PUBLIC], sent(SIGNED), BODY, AT + timedelta(minutes=6)
        ),
        False,
    ),
    "both, and it holds the pair": (
        lambda: verify(STANDARD_WEBHOOKS, [PUBLIC], _both(), BODY, AT),
        True,
    ),
    "both, and it holds the secret": (
        lambda: verify(STANDARD_WEBHOOKS_V1A, [SHARED], _both(), BODY, AT),
        True,
    ),
}


def _other() -> Secret:
    return Secret(
        public_text(Ed25519PrivateKey.from_private_bytes(b"o" * 32).public_key().public_bytes_raw())
    )


def _both() -> dict[str, str]:
    old = signature(STANDARD_WEBHOOKS, SHARED, ID, STAMP, BODY)
    return dict(headers(STANDARD_WEBHOOKS, ID, STAMP, [SIGNED, old]))


@pytest.mark.parametrize("name", CASES)
def test_what_is_accepted(name: str) -> None:
    judged, accepted = CASES[name]
    assert judged().accepted is accepted  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["", "whpk_", "whpk_AAAA", "whsec_" + "5e" * 32, "whpk_%", PUBLIC.reveal() + "A"]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a public key is whpk_"):
        public_bytes(text)
