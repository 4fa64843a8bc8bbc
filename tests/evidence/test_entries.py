"""An entry's file: an envelope around a statement. What is read is what was written, and nothing
else is read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import EvidenceError
from reconciler.evidence.envelope import Envelope, decode_envelope, pre_authenticate
from reconciler.evidence.statement import (
    MAX_NUMBER,
    LoggedFile,
    NewKey,
    Statement,
    decode_statement,
)
from tests.kit.evidence.logs import ORIGIN, Log, sign_entry
from tests.kit.evidence.strategies import statements


def make_log() -> Log:
    log = Log()
    log.run({"acme": 2, "buero": 1})
    log.rotate()
    log.run({}, plan='é 😀 " \\ \x01', open=("a", "b"), bases={"acme": 3})
    return log


LOG = make_log()
PAYLOAD = LOG.statements[2].encode()


@given(statement=statements())
def test_a_statement_is_read_as_it_is_written(statement: Statement) -> None:
    payload = statement.encode()
    assert decode_statement(payload) == statement
    assert payload == rfc8785.dumps(json.loads(payload))


@given(payload=st.binary(min_size=1), signature=st.binary(min_size=1))
def test_an_envelope_is_read_as_it_is_written(payload: bytes, signature: bytes) -> None:
    envelope = Envelope(payload, "0123abcd", signature)
    assert decode_envelope(envelope.encode()) == envelope


def attempt(
    decode: Callable[[bytes], Statement | Envelope], content: bytes
) -> Statement | Envelope | EvidenceError:
    try:
        return decode(content)
    except EvidenceError as error:
        return error


@given(statement=statements(), data=st.data())
def test_a_changed_byte_is_refused_or_says_something_else(
    statement: Statement, data: st.DataObject
) -> None:
    for content, decode in (
        (statement.encode(), decode_statement),
        (LOG.sign(statement, LOG.signing[1]), decode_envelope),
    ):
        place = data.draw(st.integers(0, len(content) - 1))
        byte = content[place] ^ data.draw(st.integers(1, 255))
        changed = content[:place] + bytes([byte]) + content[place + 1 :]
        found = attempt(decode, changed)
        if isinstance(found, EvidenceError):
            assert found.code in {"RC640", "RC641", "RC642"}
        else:
            assert found != decode(content)
            assert found.encode() == changed


@given(content=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError):
        decode_envelope(content)
    with pytest.raises(EvidenceError):
        decode_statement(content)


def test_no_signature_over_an_entry_is_one_over_something_else() -> None:
    assert pre_authenticate(b"hello world") == (
        b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
    )
    key = LOG.signing[1]
    assert key.verifier.verify(
        pre_authenticate(LOG.statements[0].encode()), decode_envelope(LOG.entries[0]).signature
    )
    assert not key.verifier.verify(
        LOG.statements[0].encode(), decode_envelope(LOG.entries[0]).signature
    )


ENTRY = LOG.entries[2].decode()
FIELDS = json.loads(ENTRY)


@pytest.mark.parametrize(
    "text",
    [
        ENTRY[:-1],
        ENTRY + "\n",
        ENTRY.replace("\n", "\r\n"),
        "\ufeff" + ENTRY,
        json.dumps(FIELDS) + "\n",  # with spaces
        json.dumps(dict(reversed(FIELDS.items())), separators=(",", ":")) + "\n",
        ENTRY.replace('"payload":"e', '"payload":"\\u0065'),
        ENTRY.replace("{", '{"extra":1,', 1),
        ENTRY.replace("{", '{"payload":"AAAA",', 1),  # twice
        ENTRY.replace("in-toto+json", "other+json"),
        ENTRY.replace(FIELDS["signatures"][0]["keyid"], "ABCDEF01"),
        ENTRY.replace("]", f",{json.dumps(FIELDS['signatures'][0], separators=(',', ':'))}]"),
        ENTRY.replace("==", "").replace('="', '"'),
        ENTRY.replace("==", "==\\n"),
        Envelope(b"", "0123abcd", b"x").encode().decode(),
        Envelope(b"{}", "0123abcd", b"").encode().decode(),
        Envelope(b"{", "0123abcd", b"x").encode().decode().replace("ew==", "ex=="),
    ],
)  # fmt: skip
def test_another_way_to_write_an_envelope_is_refused(text: str) -> None:
    assert text != ENTRY
    with pytest.raises(EvidenceError) as refused:
        decode_envelope(text.encode())
    assert refused.value.code == "RC640"


TEXT = PAYLOAD.decode()


def other(old: str, new: str) -> str:
    assert old in TEXT, old
    return TEXT.replace(old, new, 1)


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "\n",
        json.dumps(json.loads(TEXT), sort_keys=True, ensure_ascii=False),
        json.dumps(json.loads(TEXT), sort_keys=True, separators=(",", ":")),  # é as \u00e9
        other("é", "\\u00e9"),
        other('\\"', "\\u0022"),
        other("\\u0001", "\x01"),
        other('"number":3', '"number":3.0'),
        other('"number":3', '"number":3e0'),
        other('"number":3', '"number":03'),
        other('"number":3', '"number":-3'),
        other('"number":3', '"number":"3"'),
        other('"number":3', '"number":true'),
        other('"number":3', '"number":3,"number":3'),
        other('"number":3', '"number":3,"more":null'),
        other('"number":3,', ""),
        other('"number":3', f'"number":{MAX_NUMBER + 1}'),
        other('"number":3', f'"number":{"9" * 5000}'),
        other('"plan":', '"plan":"\\ud800","plan":'),
        other('"acme":3', '"acme":3,"other":"\\ud800"'),
        other("Z", "+00:00"),
        other("Z", "z"),
        other("Z", ".000Z"),
        other("Z", ""),
        other("Statement/v1", "Statement/v0.1"),
        "[" * 100_000,
        "null",
        "{}",
        "[1]",
        '{"predicateType":1}',
    ],
)
def test_another_way_to_write_a_statement_is_refused(text: str) -> None:
    assert text != TEXT
    with pytest.raises(EvidenceError) as refused:
        decode_statement(text.encode())
    assert refused.value.code == "RC641"


def test_two_ways_to_write_one_letter_are_two_statements() -> None:
    composed, apart = decode_statement(PAYLOAD), other("é", "e\u0301").encode()
    assert decode_statement(apart) != composed
    assert decode_statement(apart).encode() == apart


@pytest.mark.parametrize("told", ["urn:reconciler:evidence:v2", "urn:reconciler:evidence:v10"])
def test_a_later_format_says_so(told: str) -> None:
    for text in (
        other("urn:reconciler:evidence:v1", told),
        other("urn:reconciler:evidence:v1", told).replace('"number":3', '"count":3'),
    ):
        with pytest.raises(EvidenceError) as refused:
            decode_statement(text.encode())
        assert refused.value.code == "RC642"
        assert told in refused.value.message


@pytest.mark.parametrize(
    ("number", "changed"),
    [
        (1, {"origin": "shop/staging"}),
        (1, {"origin": f"shop/stag ing/{'0' * 32}"}),
        (1, {"origin": f"shop/staging/{'0' * 32}\n"}),
        (1, {"number": 0}),
        (1, {"number": 2}),
        (2, {"number": MAX_NUMBER + 1}),
        (1, {"key": 0}),
        (1, {"previous": "0" * 64}),
        (2, {"previous": None}),
        (2, {"previous": "0" * 63 + "G"}),
        (2, {"previous": "0" * 64 + "\n"}),
        (1, {"kind": "other"}),
        (1, {"kind": "key"}),
        (1, {"opened": LOG.statements[0].closed + timedelta(seconds=1)}),
        (1, {"actor": "someone"}),
        (1, {"subjects": ()}),
        (1, {"subjects": tuple(reversed(LOG.statements[0].subjects))}),
        (1, {"subjects": LOG.statements[0].subjects[:1] * 2}),
        (1, {"subjects": (LoggedFile("a", "0" * 63),)}),
        *[
            (1, {"subjects": (LoggedFile(name, "0" * 64),)})
            for name in ("", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\x00b", "a\nb")
        ],
        (1, {"bases": {"acme": -1}}),
        (1, {"bases": {"acme": MAX_NUMBER + 1}}),
        (1, {"bases": {"Acme": 1}}),
        (1, {"open": ("b", "a")}),
        (1, {"open": ("a", "a")}),
        (1, {"keys": ()}),
        (1, {"keys": LOG.statements[0].keys * 2}),
        (2, {"keys": ()}),
        (2, {"keys": (NewKey(1, LOG.statements[0].keys[0].verifier),)}),
        (3, {"keys": LOG.statements[0].keys}),
    ],
)
def test_what_no_entry_can_say(number: int, changed: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError) as refused:
        replace(LOG.statements[number - 1], **changed)
    assert refused.value.code == "RC641"


@pytest.mark.parametrize(
    "changed",
    [
        {"client": "Acme"},
        {"record": ""},
        {"seq": 0},
        {"seq": MAX_NUMBER + 1},
        {"version": -1},
        {"digest": "0"},
        {"at": "2026-03-01T12:00:00"},
        {"at": "2026-03-01T12:00:00.5Z"},
        {"at": "2026-03-01T13:00:00+01:00"},
    ],
)
def test_what_no_event_can_say(changed: dict[str, Any]) -> None:
    text = json.loads(LOG.statements[0].encode())
    text["predicate"]["events"][0].update(changed)
    with pytest.raises(EvidenceError) as refused:
        decode_statement(json.dumps(text, sort_keys=True, separators=(",", ":")).encode())
    assert refused.value.code == "RC641"


def test_a_file_is_canonical_json_and_one_line_end() -> None:
    for entry in LOG.entries:
        assert entry == rfc8785.dumps(json.loads(entry)) + b"\n"
        assert base64.b64decode(json.loads(entry)["payload"]).startswith(b'{"_type":')


def test_a_made_up_payload_is_an_envelope_and_no_statement() -> None:
    entry = decode_envelope(sign_entry(b"{}", LOG.signing[1]))
    with pytest.raises(EvidenceError):
        decode_statement(entry.payload)
    assert ORIGIN in TEXT
