"""Signed notes, verifier keys and checkpoints: written in one way, and every other is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.notes import MAX_NOTE_BYTES, SignedNote, VerifierKey, parse_note
from reconciler.evidence.signatures import NOTE_COSIGNATURE, time_of_cosignature
from tests.kit.evidence.logs import ORIGIN, SigningKey, witness

KEY = SigningKey(ORIGIN, 1)
WITNESS = witness("witness.example/w1", 2)
CHECKPOINT = Checkpoint(ORIGIN, 12, bytes(range(32)))
SIGNED = WITNESS.sign_note(KEY.sign_note(SignedNote(CHECKPOINT.text)), at=1_700_000_000)

# From the documentation of Go's golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SAID = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)  # fmt: skip


def test_a_note_of_another_program() -> None:
    key = VerifierKey.parse(PETER)
    note = parse_note(PETER_SAID.encode())
    assert note.is_signed_by(key)
    assert note.encode() == PETER_SAID.encode()
    assert not SignedNote(note.text.upper(), note.signatures).is_signed_by(key)


def test_a_witness_signs_the_text_with_its_time() -> None:
    assert SIGNED.is_signed_by(KEY.verifier)
    assert SIGNED.is_signed_by(WITNESS.verifier)
    signature = SIGNED.signature_of(WITNESS.verifier)
    assert signature is not None
    assert time_of_cosignature(signature) == 1_700_000_000
    later = (1_700_000_001).to_bytes(8, "big") + signature[8:]
    assert not SIGNED.sign(WITNESS.verifier, later).is_signed_by(WITNESS.verifier)
    assert not SIGNED.sign(WITNESS.verifier, b"").is_signed_by(WITNESS.verifier)


def test_a_key_of_one_kind_verifies_no_signature_of_the_other() -> None:
    """The same secret behind both: a checkpoint's signature is not a cosignature."""
    as_witness = VerifierKey(ORIGIN, NOTE_COSIGNATURE, KEY.verifier.public)
    assert as_witness.hash != KEY.verifier.hash
    signature = KEY.sign(CHECKPOINT.text.encode())
    assert not as_witness.verify(CHECKPOINT.text.encode(), bytes(8) + signature)


def test_one_key_signs_once() -> None:
    again = WITNESS.sign_note(SIGNED, at=1_800_000_000)
    assert [one.name for one in again.signatures] == [ORIGIN, WITNESS.name]
    assert again.is_signed_by(WITNESS.verifier)


def test_a_checkpoint_is_read_as_it_is_written() -> None:
    assert parse_checkpoint(parse_note(SIGNED.encode())) == CHECKPOINT


@given(size=st.integers(0, 10**16 - 1), root=st.binary(min_size=32, max_size=32))
def test_every_checkpoint_is_read_as_it_is_written(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    note = KEY.sign_note(SignedNote(checkpoint.text))
    assert parse_note(note.encode()) == note
    assert parse_checkpoint(note) == checkpoint


def attempt(content: bytes) -> SignedNote | None:
    """The note, or None where it is refused."""
    try:
        return parse_note(content)
    except EvidenceError:
        return None


@given(place=st.integers(0, len(SIGNED.encode()) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_does_not_verify(place: int, byte: int) -> None:
    content = SIGNED.encode()
    changed = content[:place] + bytes([byte]) + content[place + 1 :]
    note = attempt(changed)
    if note is None:
        return
    assert note.encode() == changed
    whole = note.is_signed_by(KEY.verifier) and note.is_signed_by(WITNESS.verifier)
    assert whole == (changed == content)


@given(content=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_note_or_are_refused(content: bytes) -> None:
    note = attempt(content)
    assert note is None or note.encode() == content


TEXT = SIGNED.encode().decode()
LINE = SIGNED.signatures[0].line


@pytest.mark.parametrize(
    "text",
    [
        "",
        CHECKPOINT.text,
        CHECKPOINT.text + "\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("— ", "- "),
        TEXT.replace("— ", "—  "),
        TEXT.replace("\n\n", "\n \n"),
        TEXT + LINE,
        TEXT.replace("=\n", "\n"),
        TEXT + "— name AAAA\n",
        TEXT + "— na+me AAAAAAAA\n",
        TEXT + "— name AAAAAAB=\n",  # bits that say nothing
        "\x00" + TEXT,
        "x" * (MAX_NOTE_BYTES - 100) + TEXT,
    ],
)
def test_another_way_to_write_a_note_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        parse_note(text.encode())
    assert refused.value.code == "RC644"


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n012\n{ROOT}\n",
        f"{ORIGIN}\n+12\n{ROOT}\n",
        f"{ORIGIN}\n12 \n{ROOT}\n",
        f"{ORIGIN}\n1{'0' * 16}\n{ROOT}\n",
        f"{ORIGIN}\n١٢\n{ROOT}\n",
        f"{ORIGIN}\n12\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n12\n{ROOT[:-2]}B=\n",
        f"{ORIGIN}\n12\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n12\n{ROOT}\nand more\n",
        f"\n12\n{ROOT}\n",
        f"{ORIGIN}\n12\n",
        "a note about something else\n",
    ],
)
def test_another_way_to_write_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        parse_checkpoint(KEY.sign_note(SignedNote(text)))
    assert refused.value.code == "RC645"


@given(kind=st.sampled_from([1, 4]), public=st.binary(min_size=32, max_size=32))
def test_every_verifier_key_is_read_as_it_is_written(kind: int, public: bytes) -> None:
    key = VerifierKey(ORIGIN, kind, public)
    assert VerifierKey.parse(key.text) == key


def _key_of(kind: int, public: bytes) -> str:
    return VerifierKey(ORIGIN, kind, public).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{KEY.verifier.text}\n",
        f" {KEY.verifier.text}",
        KEY.verifier.text.replace("shop", "shop2"),
        KEY.verifier.text.rstrip("=")[:-1],
        f"{ORIGIN}+{KEY.verifier.hash.upper()}+{KEY.verifier.text.rpartition('+')[2]}",
        _key_of(1, bytes(31)),
        _key_of(1, bytes(33)),
        _key_of(2, bytes(32)),  # an algorithm that notes know and we do not
        _key_of(6, bytes(1312)),  # ML-DSA-44, which no transit engine has yet
        "a" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        VerifierKey.parse(text)
    assert refused.value.code == "RC643"
    assert len(str(refused.value)) < 600
