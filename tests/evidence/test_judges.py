"""Logs of ours before programs of others: whoever has the files can check them without us.

The log has a rotation of its key in its middle. DSSE is judged by ``securesystemslib`` and openssl,
canonical JSON by npm's ``canonicalize`` and PyPI's ``rfc8785``, checkpoints, the tree and its
proofs by Go.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from reconciler.evidence.checkpoint import Checkpoint
from reconciler.evidence.envelope import PAYLOAD_TYPE, decode_envelope, pre_authenticate
from reconciler.evidence.notes import SignedNote, VerifierKey, parse_note
from reconciler.evidence.statement import Statement
from reconciler.evidence.tree import (
    hash_leaf,
    hash_tree,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.kit.evidence.attacks import checkpoint_of, make_log
from tests.kit.evidence.canonical_judge import canonicalize
from tests.kit.evidence.go_judge import ask_go, encoded
from tests.kit.evidence.logs import ORIGIN, SigningKey, witness
from tests.kit.evidence.strategies import statements
from tests.kit.programs.debian import program
from tests.kit.suite.laws import examples

LOG = make_log()
LEAVES = [hash_leaf(entry) for entry in LOG.entries]
ROOTS = [hash_tree(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
NUMBERS = range(1, len(LOG.entries) + 1)


def key_of(number: int) -> VerifierKey:
    """The key that has to sign an entry."""
    return LOG.signing[LOG.statements[number - 1].key].verifier


def test_the_log_has_a_rotation() -> None:
    assert {key_of(number).hash for number in NUMBERS} == {
        LOG.first_key.hash,
        LOG.newest_key.hash,
    }


# --- DSSE ---------------------------------------------------------------------


def foreign_key(key: VerifierKey) -> SSlibKey:
    return SSlibKey(key.hash, "ed25519", "ed25519", {"public": key.public.hex()})


@pytest.mark.parametrize("number", NUMBERS)
def test_the_library_of_in_toto_verifies_each_entry(number: int) -> None:
    fields = json.loads(LOG.entries[number - 1])
    envelope = ForeignEnvelope.from_dict(fields)
    assert envelope.payload_type == PAYLOAD_TYPE
    assert envelope.payload == LOG.statements[number - 1].encode()
    assert envelope.pae() == pre_authenticate(envelope.payload)
    signer = foreign_key(key_of(number))
    assert envelope.verify([signer], 1) == {signer.keyid: signer}
    other = LOG.first_key if key_of(number) == LOG.newest_key else LOG.newest_key
    with pytest.raises(VerificationError):
        envelope.verify([foreign_key(other)], 1)
    envelope.payload += b" "
    with pytest.raises(VerificationError):
        envelope.verify([signer], 1)


@pytest.mark.parametrize("number", [1, 3, 4, 8])
def test_openssl_verifies_an_entry(number: int, tmp_path: Path) -> None:
    envelope = decode_envelope(LOG.entries[number - 1])
    public = Ed25519PublicKey.from_public_bytes(key_of(number).public)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "signature").write_bytes(envelope.signature)

    def verify(signed: bytes) -> bool:
        (tmp_path / "signed").write_bytes(signed)
        openssl = program(["openssl"], "openssl", "openssl judges the evidence log")
        command = f"{openssl} pkeyutl -verify -pubin -inkey key.pem -rawin -in signed"
        done = subprocess.run(
            [*command.split(), "-sigfile", "signature"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode == 0

    assert verify(pre_authenticate(envelope.payload))
    assert not verify(pre_authenticate(envelope.payload + b" "))
    assert not verify(envelope.payload)


# --- RFC 8785 -----------------------------------------------------------------


def test_npm_writes_each_file_and_each_statement_as_we_do() -> None:
    texts = [entry.decode() for entry in LOG.entries]
    assert [f"{text}\n" for text in canonicalize(texts)] == texts
    texts = [statement.encode().decode() for statement in LOG.statements]
    assert canonicalize(texts) == texts


@examples(20)
@given(told=st.lists(statements(), min_size=1, max_size=4))
def test_npm_writes_any_statement_as_we_do(told: list[Statement]) -> None:
    texts = [statement.encode().decode() for statement in told]
    assert canonicalize(texts) == texts


# --- checkpoint, tree and proofs ----------------------------------------------

KEYS = [LOG.first_key.text, LOG.newest_key.text]


def read(hashes: Any) -> list[bytes]:
    return [base64.b64decode(one) for one in hashes or []]


def test_go_reads_every_checkpoint() -> None:
    notes = [checkpoint_of(LOG, size) for size in NUMBERS]
    cosigned = witness("witness.example", 5).sign_note(notes[-1], at=1_770_000_000)
    forged = SignedNote(Checkpoint(ORIGIN, 8, bytes(32)).text, notes[-1].signatures)
    stranger = SigningKey(ORIGIN, 666).sign_note(SignedNote(notes[-1].text))
    asked = [one.encode() for one in (*notes, cosigned, forged, stranger)]
    told = ask_go({"Keys": KEYS, "Notes": [encoded(one) for one in asked]})["Notes"]
    for size, seen in zip(NUMBERS, told, strict=False):
        assert seen["Text"] == f"{ORIGIN}\n{size}\n{encoded(ROOTS[size])}\n"
        key = LOG.newest_key if size >= 3 else LOG.first_key
        assert seen["Verified"] == [f"{ORIGIN}+{key.hash}"]
    assert told[8] == told[7]  # Go knows no cosignatures, and passes over them
    assert "invalid signature" in told[9]["Refused"]
    assert "no verifiable signatures" in told[10]["Refused"]


def test_go_refuses_the_notes_that_we_refuse() -> None:
    content = LOG.checkpoint
    broken = [content[:-1], content.replace(b"\n\n", b"\n"), content.replace(b"\xe2\x80\x94", b"-")]
    told = ask_go({"Keys": KEYS, "Notes": [encoded(one) for one in broken]})["Notes"]
    assert all(seen["Refused"] for seen in told)
    for one in broken:
        with pytest.raises(Exception, match="no signed note"):
            parse_note(one)


def test_go_makes_the_same_tree() -> None:
    told = ask_go({"Entries": [encoded(entry) for entry in LOG.entries]})
    assert read(told["Leaves"]) == LEAVES
    assert read(told["Roots"]) == ROOTS[1:]


def test_go_and_we_check_the_same_inclusion_proofs() -> None:
    whole = len(LEAVES)
    asked = [
        {
            "Index": index,
            "Size": size,
            "Root": encoded(ROOTS[size]),
            "Leaf": encoded(leaf),
            "Proof": [encoded(one) for one in prove_inclusion(LEAVES, index, size)],
        }
        for size in NUMBERS
        for index in range(size)
        for leaf in (LEAVES[index], bytes(32))
    ]
    told = ask_go({"Entries": [encoded(entry) for entry in LOG.entries], "Inclusion": asked})
    assert [seen == "" for seen in told["Inclusion"]] == [True, False] * (len(asked) // 2)
    for index, proof in enumerate(map(read, told["Records"])):
        assert tuple(proof) == prove_inclusion(LEAVES, index, whole)
        assert verify_inclusion(
            proof, leaf=LEAVES[index], index=index, size=whole, root=ROOTS[whole]
        )


def test_go_and_we_check_the_same_consistency_proofs() -> None:
    sizes = [(old, new) for new in NUMBERS for old in range(1, new + 1)]
    asked = [
        {
            "Old": old,
            "New": new,
            "OldRoot": encoded(old_root),
            "NewRoot": encoded(ROOTS[new]),
            "Proof": [encoded(one) for one in prove_consistency(LEAVES, old, new)],
        }
        for old, new in sizes
        for old_root in (ROOTS[old], bytes(32))
    ]
    entries = [encoded(entry) for entry in LOG.entries]
    told = ask_go({"Entries": entries, "Consistency": asked, "Proofs": sizes})
    assert [seen == "" for seen in told["Consistency"]] == [True, False] * len(sizes)
    for (old, new), proof in zip(sizes, map(read, told["Proofs"]), strict=True):
        assert tuple(proof) == prove_consistency(LEAVES, old, new)
        assert verify_consistency(proof, old=old, old_root=ROOTS[old], new=new, new_root=ROOTS[new])
