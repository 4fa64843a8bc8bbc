"""The one detector: what it finds in whatever dress, what it lets be, and that nothing of a secret
is left."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import random
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain import secrecy
from reconciler.domain.secrecy import (
    MASK,
    held,
    holds_secret,
    mask_document,
    mask_json,
    mask_secrets,
    secrets_in,
    shapes,
)
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values import keytext

KEY = keytext.compose("acme", "production", "Id0123456789", "aB3xY" * 8 + "Qz9")
SIGNING = "whsec_" + "0af3" * 16
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n-----END PRIVATE KEY-----"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvOmFjbWUifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
# Made up; put together here so that no other scanner takes them for genuine ones.
SHAPES = {
    "issued key": KEY,
    "signing secret": SIGNING,
    "signing secret in base64": "whsec_" + "aB3+/" * 8 + "abc=",
    "private signing key": "whsk_" + "aB3+" * 16,
    "Vault service token": "hvs." + "CAESIJlWh3xYz0123456789abcdef",
    "Vault batch token": "hvb." + "AAAAAQJnd3Rva2VuLWJhdGNo",
    "Vault recovery token": "hvr." + "CAESIKq0fGV4YW1wbGU",
    "OpenBao token": "s." + "aB3xY9Qz0LmN8pR7tU6vW5xK",
    "OpenBao token of a namespace": "s." + "aB3xY9Qz0LmN8pR7tU6vW5xK.n5Id0",
    "batch token": "b." + "AAAAAQKf0vXnZ3l1c2Vy_token-of-a-batch",
    "recovery token": "r." + "aB3xY9Qz0LmN8pR7tU6vW5xK",
    "private key": PEM,
    "age key": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2,
    "Stripe": "sk_" + "live_51HxYz0123456789abcdef",
    "Stripe, restricted": "rk_" + "live_51HxYz0123456789abcdef",
    "Paystack": "sk_" + "live_" + "0123456789abcdef" * 2 + "01234567",
    "GitHub": "ghp_" + "aB3x" * 9,
    "GitHub Actions": "ghs_" + "aB3x" * 9,
    "GitHub OAuth": "gho_" + "aB3x" * 9,
    "GitHub, fine-grained": "github_pat_" + "11ABCDEFG0" * 8,
    "GitLab": "glpat-" + "aB3xY9Qz0LmN8pR7tU6v",
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "AWS, for a session": "ASIA" + "IOSFODNN7EXAMPLE",
    "Slack": "xoxb-" + "123456789012-abcdefghijkl",
    "Slack URL": "hooks.slack.com/services/" + "T00000000/B00000000/XXXXXXXXXXXX",
    "Google": "AIza" + "SyA0123456789abcdefghijklmnopqrstuv",
    "SendGrid": "SG." + "aB3xY9Qz0LmN8pR7tU6vW5." + "aB3xY9Qz0LmN8pR7tU6vW5xK0123456789",
    "npm": "npm_" + "aB3x" * 9,
    "JSON Web Token": JWT,
    "URL": "https://robot:" + "aB3xY9" * 10 + "@x",
    "Google OAuth": "GOCSPX-" + "aB3xY9Qz0LmN8pR7tU6v",
    "Google, for a while": "ya29." + "aB3xY9Qz0LmN8pR7tU6v",
    "Slack, of an app": "xapp-" + "1-A0123456789-0123456789",
    "Twilio": "SK" + "0af3" * 8,
    "PyPI": "pypi-" + "AgE" + "aB3xY" * 10,
    "Atlassian": "ATATT3" + "FfGF0aB3xY" * 3,
    "Hugging Face": "hf_" + "aB3xY9Qz0LmN8pR7tU6vW5xK0123456789",
    "AI provider": "sk-" + "aB3xY" * 8,
    **{f"GitHub, {one}": f"gh{one}_" + "aB3x" * 9 for one in "ur"},
    **{f"payment, {one}": f"sk_{one}_" + "51HxYz0123456789abcdef" for one in ("test", "org")},
    **{
        f"GitLab, {one}": f"gl{one}-" + "aB3xY9Qz0LmN8pR7tU6v"
        for one in [
            "oas",
            "dt",
            "rt",
            "rtr",
            "cbt",
            "ptt",
            "ft",
            "imt",
            "agent",
            "soat",
            "ffct",
            "wt",
        ]
    },
    **{f"Slack, {one}": f"xox{one}-" + "123456789012-abcdefghijkl" for one in "aceoprs"},
    **{
        f"Slack URL, {one}": f"hooks.slack.com/{one}/" + "T00000000/B00000000/XXXXXXXXXXXX"
        for one in ("workflows", "triggers")
    },
    **{f"Shopify, {one}": f"shp{one}_" + "0af3" * 8 for one in ("at", "ca", "pa", "ss")},
    **{f"Square, {one}": f"sq0{one}-" + "aB3xY9Qz0LmN8pR7tU6vW5" for one in ("atp", "csp", "idp")},
    **{f"DigitalOcean, {one}": f"do{one}_v1_" + "0af3" * 16 for one in "opr"},
    **{
        f"AI provider, {one}": f"sk-{one}-" + "aB3xY9Qz0LmN8pR7tU6v"
        for one in ("proj", "ant", "svcacct", "admin")
    },
}
SPLITS = {
    "colour": "\x1b[31m",
    "bare escape": "\x1b",
    "link": "\x1b]8;;https://x.example\x07",
    "line end": "\n",
    "line end and indentation": "\n    ",
    "carriage return": "\r\n",
    "zero width space": "\u200b",
    "joiner": "\u2060",
    "soft hyphen": "\u00ad",
    "right to left": "\u202e",
    "zero byte": "\0",
    "backspace": "\x08",
    "byte order mark": "\ufeff",
    "separator": "\u2028",
    "escaped": "\\u200b",
    "escaped line end": "\\n",
    "percent": "%0A",
    "entity": "&#8203;",
}
DRESSES = {
    "percent": lambda text: quote(text, safe=""),
    "every byte in percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent twice": lambda text: quote("".join(f"%{byte:02X}" for byte in text.encode()), safe=""),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "html": lambda text: html.escape(text).replace("_", "&lowbar;"),
    "JSON escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "UTF-16": lambda text: text.encode("utf-16-le").decode("utf-8", "replace"),
    "UTF-16 with its mark": lambda text: text.encode("utf-16").decode("utf-8", "replace"),
    "UTF-32": lambda text: text.encode("utf-32-be").decode("utf-8", "replace"),
    "full width": lambda text: "".join(
        chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text
    ),
    "JSON": lambda text: json.dumps({"value": text}),
}


@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES)
def test_a_secret_is_found_by_its_looks_and_goes_whole(secret: str) -> None:
    for text in ("{}", "a {} b", '{{"value": "{}"}}', "token={};", "\n{}\n", "({})"):
        shown = mask_secrets(text.format(secret))
        assert MASK in shown
        assert not holds_secret(shown)
        assert not _leaks(secret, shown), shown


def test_every_row_finds_a_secret_by_each_of_its_hints() -> None:
    """A hint that is wrong would hide what the pattern finds."""
    for row in shapes.SHAPES:
        for hint in row.hints:
            with_it = [secret for secret in SHAPES.values() if hint in secret]
            assert any(list(row.spans(secret)) for secret in with_it), (row.name, hint)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
@pytest.mark.parametrize(
    "name", ["issued key", "signing secret", "Vault service token", "GitHub", "OpenBao token"]
)
def test_a_secret_that_is_split_is_one(name: str, split: str) -> None:
    secret = SHAPES[name]
    for place in (3, len(secret) // 2, len(secret) - 3):
        text = f"before {secret[:place]}{split}{secret[place:]} after"
        shown = mask_secrets(text)
        assert shown.startswith("before ***")
        assert shown.endswith(" after")
        assert not _leaks(secret, shown), shown
    everywhere = split.join(secret)
    assert not _leaks(secret, mask_secrets(f"before {everywhere} after"))


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
@pytest.mark.parametrize(
    "name", ["issued key", "signing secret", "Vault service token", "private key"]
)
def test_a_secret_in_another_encoding_is_one(name: str, dress: object) -> None:
    assert callable(dress)
    text = f"before {dress(SHAPES[name])} after"
    shown = mask_secrets(text)
    assert MASK in shown
    assert not holds_secret(shown)
    assert len(shown) < len(text)


@pytest.mark.parametrize(
    "wrapped",
    [
        base64.b64encode, lambda raw: base64.b64encode(b"x" + raw + b"yz"),
        lambda raw: base64.urlsafe_b64encode(b"ab" + raw), lambda raw: base64.b64encode(b"vault:" + raw),
        lambda raw: raw.hex().encode(), lambda raw: raw.hex().upper().encode(),
        lambda raw: raw.decode().encode("utf-16-be"), lambda raw: quote(raw.decode(), safe="").encode(),
        lambda raw: b"".join(b"%%%02x" % byte for byte in raw),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "text", ["a plain password of ours!", "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZI", "dev-root-4711"]
)
def test_what_this_program_holds_is_found_in_every_encoding(text: str, wrapped: object) -> None:
    assert callable(wrapped)
    answer = "you sent " + wrapped(text.encode()).decode("utf-8", "replace") + " to me"
    secret = Secret(text)
    shown = mask_secrets(answer)
    assert "***" in shown
    assert shown.startswith("you sent ")
    assert shown.endswith(" to me")
    assert text not in shown
    del secret


def test_a_secret_is_known_as_long_as_it_lives_and_a_credential_to_the_end() -> None:
    text = "nobody-would-guess-" + "4711"
    assert not holds_secret(text)
    secret = Secret(text)
    assert holds_secret(f"<{text}>")
    del secret
    assert not holds_secret(text)
    held.remember_for_good(Secret(text))
    assert holds_secret(text)
    held._kept.pop()


@given(
    st.lists(st.text(min_size=8, max_size=24), min_size=1, max_size=12),
    st.text(max_size=12),
    st.data(),
)
def test_of_many_secrets_each_is_found_wherever_it_stands(
    texts: list[str], before: str, data: st.DataObject
) -> None:
    """Looked for together, they are found as one by one."""
    secrets = [Secret(text) for text in texts]
    form = data.draw(st.sampled_from([form for text in texts for form in held._forms_of(text)]))
    for text in (before + form, before + form + before, form + form, form[:-1], form[1:]):
        naive = {form for secret in secrets for form in held._forms_of(secret.reveal())}
        expected = sorted(span for form in naive for span in held.find_all(text, form))
        assert sorted(held.find_held(text)) == expected
    assert len(held._texts) >= len(secrets)
    del secrets
    assert (before + form, list(held.find_held(before + form))) == (before + form, [])


def test_a_text_that_two_secrets_have_is_found_until_both_are_gone() -> None:
    """One was made here, the other was read back; beside enough others to be looked up by piece."""
    others = [Secret(f"another secret, number {number}") for number in range(5)]
    made, read = Secret("the very same text"), Secret("the very same text")
    text = "it is: the very same text"
    assert list(held.find_held(text)) == [(7, 25)]
    del made
    assert list(held.find_held(text)) == [(7, 25)]
    del read
    assert list(held.find_held(text)) == []
    assert len(others) == 5


def test_a_text_is_not_compared_with_each_of_many_keys() -> None:
    """Not even one that begins as all of them do."""
    held._list_candidates("")
    before = len(held._by_piece)
    keys = [
        Secret(keytext.compose("acme", "production", f"{number:012}", f"{7**number % 10**43:043}"))
        for number in range(100)
    ]
    text = f"acme_production_000000000007 is a key of {keys[7].reveal()[:40]}"
    assert held._list_candidates(text) == set()
    assert len(held._list_candidates(f"{text} {keys[8].reveal()}")) == 1
    del keys
    held._list_candidates("")
    assert len(held._by_piece) == before


def test_a_word_is_no_secret_because_somebody_uses_it_for_one() -> None:
    secret = Secret("staging")
    assert mask_secrets("the environment staging") == "the environment staging"
    del secret


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "0" * 64,
        "sha256:" + hashlib.sha256(b"x").hexdigest(),
        "commit 4f2c1e7d9a3b5c6d8e0f1a2b3c4d5e6f7a8b9c0d",
        "it takes 15 s.\n4b825dc642cb6eb9a060e54bf8d69288fbee4904 is the tree",
        "acme_prod_Id0123456789",
        "whsec_", "a signing secret begins with whsec_\nand nothing else",
        "hvs.…", "client/paystack-payouts/key/primary",
        "20261123t224500z-0123456789ab-1a2b",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "https://api.example.com/hooks?x=1", "ssh://git@git.example.com/acme/x.git", "payments@example.com",
        "keys.\nprimary", "clients.payments.storefront-orders", "r.example.com", "sk_live_", "ghp_short", "eyJ.",
        "pk_" + "live_0123456789abcdef0123", "whpk_" + "aB3+" * 11,
        "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W1", "-----BEGIN CERTIFICATE-----",
        "https://hooks.slack.com/", "run 20261124t000249z-0e2879d5b0cc-79f6",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == text


@given(st.binary(min_size=20, max_size=64))
def test_no_digest_is_taken_for_a_secret(raw: bytes) -> None:
    digits = raw.hex()
    for text in (
        digits,
        f"sha256:{digits}",
        f"in 5 s.\n{digits}",
        f"a_b_{digits[:12]}",
        f"{digits[:12]}-{digits}",
    ):
        assert mask_secrets(text) == text


@given(st.text(), st.sampled_from(sorted(SHAPES.values())), st.text())
def test_masking_is_final_and_leaves_nothing(before: str, secret: str, after: str) -> None:
    shown = mask_secrets(f"{before} {secret} {after}")
    assert not _leaks(secret, shown)
    assert mask_secrets(shown) == shown


def test_what_is_left_of_a_url_can_be_read() -> None:
    assert mask_secrets("cannot reach https://robot:hunter2@git.example.com/x.git") == (
        "cannot reach https://***@git.example.com/x.git"
    )


def test_a_place_is_told_of_each() -> None:
    text = f"{KEY} and {SIGNING[:9]}\u200b{SIGNING[9:]}"
    first, second = secrets_in(text)
    assert (first.name, text[first.begin : first.end]) == ("an issued key", KEY)
    assert (second.name, second.begin, second.end) == (
        "a webhook signing secret",
        len(KEY) + 5,
        len(text),
    )


def test_json_stays_json() -> None:
    value = {"a": [KEY, {KEY: None}], "b": f"x\n{SIGNING[:20]}\n{SIGNING[20:]}", "c": 1, "d": True}
    assert mask_json(value) == {"a": [MASK, {MASK: None}], "b": f"x\n{MASK}", "c": 1, "d": True}
    for indent in (None, 2):
        document = json.loads(mask_secrets(json.dumps(value, indent=indent)))
        assert (document["c"], document["d"]) == (1, True)
        assert not holds_secret(json.dumps(document))
    clean = {"a": "b"}
    assert mask_json(clean) is clean


@pytest.mark.parametrize("name", [*SHAPES, "held"])
@pytest.mark.parametrize("offset", [0, 15, 30])
def test_in_a_long_document_a_secret_is_found_wherever_it_stands(
    name: str, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a value, in the name of a field and within other words; next to lines that are there many
    times. What is masked is what is masked without looking at each line once."""
    monkeypatch.setattr(secrecy, "_LONG", 1000)
    of_this_run = Secret("correct horse battery")
    secret = SHAPES.get(name, of_this_run.reveal())
    items: list[object] = [
        {"address": f"client/{number}", "kind": "issue-key", "detail": {"version": 1}}
        for number in range(30)
    ]
    items.insert(offset, {"why": f"they said {secret}.", f"x {secret}": [secret, 1]})
    for indent in (2, None):
        document = json.dumps({"items": items}, indent=indent)
        masked = mask_document(document)
        assert masked == mask_secrets(document)
        assert masked.count(MASK) >= 3
        assert secret not in masked


def test_a_long_document_without_secrets_stays_as_it_is() -> None:
    document = json.dumps([{"sha256": hashlib.sha256(bytes(9)).hexdigest()}] * 4000, indent=2)
    assert mask_document(document) is document


def test_a_private_key_takes_no_more_with_it_than_it_is() -> None:
    assert mask_secrets(f"one\n{PEM}\ntwo.") == "one\n***\ntwo."
    document = json.dumps({"key": PEM, "next": "stays"}, indent=2)
    assert json.loads(mask_secrets(document)) == {"key": MASK, "next": "stays"}


def test_a_large_output_is_searched_in_passing() -> None:
    """Ten thousand rows take about as long as they take to be written as JSON; the bound leaves
    room for a busy CPU."""
    source = random.Random(7)
    rows = [
        {
            "address": f"client/partner-{number}/key/primary",
            "sha256": f"{source.getrandbits(256):064x}",
            "why": "due",
        }
        for number in range(10_000)
    ]
    text = json.dumps(rows, indent=2)
    begin = time.process_time()
    assert not holds_secret(text)
    assert time.process_time() - begin < 1.0
    begin = time.process_time()
    assert mask_secrets(f"{text}{KEY[:30]}\u200b{KEY[30:]}") == f"{text}***"
    assert time.process_time() - begin < 8.0


def _leaks(secret: str, shown: str) -> bool:
    """Whether eight characters in a row of its secret part are in what is shown."""
    rest = secret[len(secret) // 2 :]
    return any(rest[at : at + 8] in shown for at in range(max(1, len(rest) - 7)))
