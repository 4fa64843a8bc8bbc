"""What a witness cosigns, what it refuses, and what it remembers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.witness.key_file import make_key_file
from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.notes import SignedNote, VerifierKey, parse_note
from reconciler.evidence.policy import parse_policy
from reconciler.evidence.signatures import NOTE_ED25519, join_cosignature, time_of_cosignature
from reconciler.evidence.verification.anchors import Anchors
from reconciler.evidence.verification.walk import LogFiles, VerifiedLog, verify_log
from reconciler.evidence.witness import (
    WitnessState,
    check_growth,
    cosign_growth,
    decode_state,
)
from tests.kit.evidence.attacks import make_log
from tests.kit.evidence.go_judge import ask_go, encoded
from tests.kit.evidence.logs import ORIGIN, Log, SigningKey, witness

KEY = witness("witness.example", 5)
OTHER = witness("other.example", 6)
NOW = 1_800_000_000


def files_of(log: Log) -> LogFiles:
    return LogFiles(
        zip(log.names, log.entries, strict=True),
        log.files.get,
        log.keys,
        log.checkpoint,
        folder="audit/staging/log",
        place="shop/staging",
    )


def look(
    log: Log,
    seen: WitnessState | None = None,
    *,
    key: SigningKey = KEY,
    at: int = NOW,
) -> WitnessState:
    """One look of a witness at a log."""
    note = check_growth(files_of(log), seen)
    return cosign_growth(note, seen, key=key.verifier, sign=key.sign, at=at)


def small() -> Log:
    log = Log()
    log.run({"acme": 1})
    log.run({"acme": 2})
    return log


def refuse(log: Log, seen: WitnessState | None) -> EvidenceError:
    with pytest.raises(EvidenceError) as refused:
        look(log, seen)
    return refused.value


def test_a_log_is_witnessed_as_it_grows() -> None:
    log = small()
    first = look(log)
    assert first.checkpoint == Checkpoint(ORIGIN, 2, log.tree.root)
    log.rotate()
    log.run({"acme": 1})
    second = look(log, first, at=NOW + 60)
    assert [parse_checkpoint(one).size for one in second.notes] == [2, 4]
    assert second.notes[:1] == first.notes
    assert second.newest.is_signed_by(KEY.verifier)
    assert second.newest.is_signed_by(log.newest_key)
    signature = second.newest.signature_of(KEY.verifier)
    assert signature is not None
    assert time_of_cosignature(signature) == NOW + 60
    assert decode_state(second.encode(), KEY.verifier) == second


def test_nothing_new_renews_nothing() -> None:
    log = small()
    seen = look(log)
    assert look(log, seen, at=NOW + 999) is seen
    assert look(log, seen, at=NOW - 999) is seen


def test_signatures_of_others_are_left_out() -> None:
    """Of what lies in the repository only what the log's keys signed is passed on."""
    log = small()
    note = OTHER.sign_note(KEY.sign_note(log.checkpoint_note, at=7), at=7)
    stranger = SigningKey("stranger", 9).sign_note(note)
    files = replace(files_of(log), checkpoint=stranger.encode())
    assert check_growth(files, None) == log.checkpoint_note


# --- what it refuses: all of it verifies, because a thief holds every key of the log --------------


def rewrite(log: Log) -> None:
    log.rewrite(1, command="import")


def cut(log: Log) -> None:
    log.entries.pop()
    for event in log.statements.pop().events:
        log.seqs[event.client] -= 1


def fork(log: Log) -> None:
    """As long as what was seen, and with another end."""
    cut(log)
    log.run({"acme": 1}, run="another")


def grow_from_a_fork(log: Log) -> None:
    fork(log)
    log.run({"acme": 1})
    log.run({"acme": 1})


def begin_again(log: Log) -> None:
    """The log of the same place, with another random part in its name."""
    log.origin = f"shop/staging/{'f' * 32}"
    log.entries, log.statements, log.files, log.seqs = [], [], {}, {}
    log.signing = {1: SigningKey(log.origin, 1001)}
    for _ in range(3):
        log.run({"acme": 1})


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (rewrite, "rewritten"),
        (cut, "cut after 1: the checkpoint seen before counts 2"),
        (fork, "rewritten"),
        (grow_from_a_fork, "rewritten"),
        (begin_again, "of another log"),
    ],
)
def test_what_is_no_extension_is_refused(attack: Callable[[Log], None], said: str) -> None:
    log = small()
    seen = look(log)
    attack(log)
    alone = verify_log(files_of(log), Anchors(pinned=[log.first_key]))
    assert isinstance(alone, VerifiedLog), alone  # the key alone tells nothing
    error = refuse(log, seen)
    assert error.code == "RC691"
    assert said in error.message
    assert "state file" in error.remedy


def test_a_log_that_does_not_hold_is_refused() -> None:
    log = small()
    seen = look(log)
    log.entries[1] = log.entries[0]
    for known in (seen, None):
        error = refuse(log, known)
        assert error.code == "RC690"
        assert "RC6" in error.message


def test_a_pinned_key_has_to_be_of_the_log() -> None:
    log = small()
    assert check_growth(files_of(log), None, [log.first_key]) == log.checkpoint_note
    with pytest.raises(EvidenceError, match="pinned key") as refused:
        check_growth(files_of(log), None, [SigningKey(ORIGIN, 666).verifier])
    assert refused.value.code == "RC690"


def test_a_clock_that_went_back_is_refused() -> None:
    log = small()
    seen = look(log)
    log.run({"acme": 1})
    look(log, seen, at=NOW)
    with pytest.raises(EvidenceError, match="10 s before") as refused:
        look(log, seen, at=NOW - 10)
    assert refused.value.code == "RC696"


# --- what it remembers ----------------------------------------------------------------------------


def state_of(*notes: SignedNote) -> bytes:
    return WitnessState(notes).encode()


def cosigned(size: int, origin: str = ORIGIN, key: SigningKey = KEY) -> SignedNote:
    return key.sign_note(SignedNote(Checkpoint(origin, size, bytes(32)).text), at=NOW)


GOOD = state_of(cosigned(1), cosigned(5))


def with_field(**fields: object) -> bytes:
    return f"{json.dumps(json.loads(GOOD) | fields, ensure_ascii=False, indent=1)}\n".encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not what a witness"),
        (b"{}", "not what a witness"),
        (b"[]", "not what a witness"),
        (b"\xff", "not what a witness"),
        (b"[" * 100_000, "not what a witness"),
        (GOOD[:-1], "not what a witness"),
        (GOOD.replace(b"\n", b"\r\n"), "not what a witness"),
        (with_field(format_version=2), "not what a witness"),
        (with_field(more=1), "not what a witness"),
        (with_field(notes=[]), "not what a witness"),
        (with_field(notes=[1]), "not what a witness"),
        (with_field(notes=["no note"]), "not what a witness"),
        (state_of(cosigned(0)), "not what a witness"),
        (state_of(KEY.sign_note(SignedNote("no checkpoint\n"))), "not what a witness"),
        (state_of(cosigned(5), cosigned(1)), "not in order"),
        (state_of(cosigned(5), cosigned(5)), "not in order"),
        (state_of(cosigned(1), cosigned(5, "another")), "two logs"),
        (state_of(cosigned(1), cosigned(5, key=OTHER)), "of 5 entries is not cosigned"),
        (GOOD.replace(b"\\n5\\n", b"\\n6\\n"), "of 6 entries is not cosigned"),
    ],
)
def test_a_state_that_was_edited_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(EvidenceError, match=said) as refused:
        decode_state(content, KEY.verifier)
    assert refused.value.code == "RC692"


def test_a_state_that_is_good() -> None:
    assert decode_state(GOOD, KEY.verifier).encode() == GOOD


# --- what others make of it -----------------------------------------------------------------------

POLICY = f"""witness one {KEY.verifier.text}
witness two {OTHER.verifier.text}
group both all one two
quorum both
"""


def test_two_witnesses_who_keep_a_note_each_are_a_quorum() -> None:
    log = small()
    one, two = look(log).newest, look(log, key=OTHER).newest
    log.run({"acme": 1})
    policy = parse_policy(POLICY.encode())
    verified = verify_log(files_of(log), Anchors(since=[one, two], policy=policy))
    assert isinstance(verified, VerifiedLog), verified
    assert "policy: cosigned by one, two" in verified.anchors
    later = look(log, key=OTHER).newest
    refused = verify_log(files_of(log), Anchors(since=[one, later], policy=policy))
    assert not isinstance(refused, VerifiedLog)  # of two sizes neither has both
    assert refused.code == "RC667"


def test_go_verifies_a_cosigned_note() -> None:
    """The log's signature and the witness's; the second only over the time that stands in it."""
    log = make_log()
    note = look(log).newest
    assert parse_note(note.encode()) == note
    signature = note.signature_of(KEY.verifier)
    assert signature is not None
    later = note.sign(KEY.verifier, join_cosignature(NOW + 1, signature[8:]))
    told = ask_go(
        {
            "Keys": [log.newest_key.text],
            "Witnesses": [KEY.verifier.text],
            "Notes": [encoded(one.encode()) for one in (note, later)],
        }
    )["Notes"]
    assert told[0]["Text"] == note.text
    both = [f"{ORIGIN}+{log.newest_key.hash}", f"{KEY.name}+{KEY.verifier.hash}"]
    assert told[0]["Verified"] == both
    assert "invalid signature" in told[1]["Refused"]


def test_go_signs_with_the_key_of_a_witness(tmp_path: Path) -> None:
    """The file is what other witnesses read."""
    key = make_key_file(tmp_path / "key", "witness.example")
    [signed] = ask_go({"Signers": [(tmp_path / "key").read_text()]})["Signed"]
    note = parse_note(base64.b64decode(signed))
    plain = VerifierKey(key.verifier.name, NOTE_ED25519, key.verifier.public)
    assert note.is_signed_by(plain)
