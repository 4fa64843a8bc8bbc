"""A received delivery as text and as a line of JSON: nothing in it may be shown that must not
be."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.schemes import GITHUB, STANDARD_WEBHOOKS, STRIPE
from reconciler.domain.secrecy.secret import Secret
from reconciler.report.webhooks.received import HIDDEN, of_interest, show_headers
from reconciler.report.webhooks.received_json import listening_line, received_line
from reconciler.report.webhooks.received_text import received_text, summarise_received
from reconciler.webhooks.signature.receiving import HeldSecret, Judgement, Received
from tests.kit.suite.laws import examples

Golden = Callable[[str, str], None]
HELD = HeldSecret(Secret("whsec_" + "0a" * 32), "vault:staging/web-shop/orders", 3)
OTHER = HeldSecret(Secret("a secret of another form"), "env:OTHER")
ACCEPTED = Judgement(True, "SignatureValid", "the signature is valid", "", HELD, 1, 2, test=True)
REFUSED = Judgement(False, "SignatureMismatch", "no signature matches", "check the secret", held=2)
PROBE = replace(REFUSED, test=True, as_it_should_be=True, remedy="")
UNVERIFIED = Judgement(None, "NotVerified", "nothing was verified: no secret is held", "give one")
GOOD = Received(
    1, datetime(2026, 11, 25, 12, tzinfo=UTC), "POST", "/orders",
    {
        "host": "127.0.0.1:8787", "content-type": "application/json", "webhook-id": "msg_abc",
        "webhook-timestamp": "1795608000", "webhook-signature": "v1,c2lnbmF0dXJl v1,b3RoZXI=",
        "authorization": "Bearer canary", "x-vault-token": "canary", "user-agent": "reconciler-webhooks/1",
    },
    '{"type":"order.paid","test":true,"note":"Grüße — 你好","amount":12.50,"list":[1,null]}'.encode(),
    ACCEPTED, 204,
)  # fmt: skip
HOSTILE = Received(
    2, GOOD.at, "POST", "/\x1b[2J" + "a" * 300 + HELD.secret.reveal(),
    {
        "webhook-signature": "\x1b]0;x\x07" * 3, "content-type": "\u202etxt",
        "x-hub-signature-256": "sha256=" + "ab" * 32,
        "x-" + HELD.secret.reveal(): "y", "user-agent": OTHER.secret.reveal(),
    },
    b"\x1b[31m\xff\n" * 50 + HELD.secret.reveal().encode(),
    REFUSED, 401,
)  # fmt: skip


def text(received: Received, **how: bool) -> str:
    return received_text(received, STANDARD_WEBHOOKS, width=100, **how)


def test_text(golden: Golden) -> None:
    parts = [GOOD, HOSTILE, replace(GOOD, number=3, judgement=PROBE, status=401, body=b"")]
    golden(
        "received.txt",
        "".join(map(text, parts)) + text(replace(GOOD, judgement=UNVERIFIED), verbose=True),
    )
    golden("received-colour.ansi", text(replace(GOOD, body=b"[1]"), colour=True))


def test_json(golden: Golden) -> None:
    lines = [listening_line("http://127.0.0.1:8787", STANDARD_WEBHOOKS, [HELD, OTHER])]
    lines += [received_line(one, STANDARD_WEBHOOKS) for one in (GOOD, HOSTILE)]
    assert all("\n" not in line and line.isascii() for line in lines)
    golden(
        "received.json", "\n".join(json.dumps(json.loads(line), indent=2) for line in lines) + "\n"
    )


def test_no_signature_is_shown_whole() -> None:
    value = f"t=1795608000,v1={'ab' * 32},v1={'cd' * 32}"
    for one in (STRIPE, STANDARD_WEBHOOKS):
        shown = received_text(replace(GOOD, headers={"stripe-signature": value}), one, width=100)
        assert "abababababab" not in shown
        assert "cdcdcdcdcdcd" not in shown
    shown = received_text(replace(GOOD, headers={"stripe-signature": value}), STRIPE, width=100)
    assert "stripe-signature: t=1795608000,v1=ababab…,v1=cdcdcd…" in shown


def test_a_secret_in_the_place_of_a_signature_is_not_shown_by_its_beginning() -> None:
    for name in ("x-hub-signature-256", "x-hub-signature"):
        sent = replace(
            GOOD,
            headers={name: f"sha256={OTHER.secret.reveal()}", "x-signature": OTHER.secret.reveal()},
        )
        for scheme in (GITHUB, STANDARD_WEBHOOKS):
            assert "a secr" not in received_text(sent, scheme, width=100)


def test_the_summary_counts_by_verdict() -> None:
    assert summarise_received([]) == "0 deliveries"
    assert summarise_received([ACCEPTED]) == "1 delivery: 1 accepted"
    assert summarise_received([PROBE, ACCEPTED, REFUSED, PROBE, UNVERIFIED]) == (
        "5 deliveries: 1 accepted, 1 refused, 2 refused as it should be and 1 not verified"
    )


BODIES = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ).map(lambda value: json.dumps(value).encode()),
    st.integers(1, 3000).map(lambda depth: b"[" * depth + b"]" * depth),
)


@examples(60)
@given(
    BODIES,
    st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=5),
    st.text(max_size=60),
)
def test_whatever_is_sent_is_shown_harmlessly_and_hides_the_secrets(
    body: bytes, headers: dict[str, str], path: str
) -> None:
    secret = HELD.secret.reveal()
    sent = replace(
        GOOD, path=path + secret, body=body + OTHER.secret.reveal().encode(),
        headers={**headers, "x-echo": f"{secret}{OTHER.secret.reveal()}"},
    )  # fmt: skip
    for shown in (
        text(sent, verbose=True),
        text(replace(sent, body=json.dumps({secret: [OTHER.secret.reveal()]}).encode())),
        received_line(sent, STANDARD_WEBHOOKS),
        text(replace(sent, body=body)),
    ):
        assert secret not in shown
        assert OTHER.secret.reveal() not in shown
        assert not [one for one in shown.replace("\n", "") if unicodedata.category(one)[0] == "C"]
    json.loads(received_line(replace(sent, body=body), STANDARD_WEBHOOKS))


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        *((name, True) for name in (
            "Authorization", "proxy-authorization", "cookie", "x-auth-token", "x-client-secret", "x-password",
            "x-passwd", "x-credentials", "x-session-id", "apikey", "X-Api-Key", "access-key", "private-key", "auth-key",
        )),
        *((name, False) for name in ("x-request-id", "idempotency-key", "x-key-id", "user-agent", "accept")),
    ],
)  # fmt: skip
def test_a_header_that_is_named_like_a_credential_is_left_out(name: str, hidden: bool) -> None:
    shown = show_headers({name: "canary"}, GITHUB)
    assert shown == {name: HIDDEN if hidden else "canary"}
    assert of_interest(name, GITHUB) is (hidden or name == "user-agent")
