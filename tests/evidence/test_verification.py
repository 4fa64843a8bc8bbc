"""What a log may look like and still hold, and what a verification tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.evidence.notes import SignedNote
from reconciler.evidence.signatures import NOTE_COSIGNATURE
from reconciler.evidence.statement import NewKey, Statement
from reconciler.evidence.tree import MerkleTree
from reconciler.evidence.verification.anchors import Anchors, LiveHistory
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import LogFiles, VerifiedLog, verify_log, walk_log
from tests.kit.evidence.attacks import (
    FOLDER,
    PLACE,
    WITNESSES,
    Case,
    checkpoint_of,
    head_of,
    make_log,
)
from tests.kit.evidence.logs import BEGAN, ORIGIN, Log, SigningKey, sign_entry


def look(log: Log, anchors: Anchors | None = None, present: list[str] | None = None) -> Any:
    return verify_log(files_of(log, present), anchors)


def files_of(log: Log, present: list[str] | None = None) -> LogFiles:
    return LogFiles(
        zip(log.names, log.entries, strict=True),
        log.files.get,
        log.keys,
        log.checkpoint,
        list(log.files) if present is None else present,
        FOLDER,
        PLACE,
    )


def test_what_is_told_of_a_log_that_holds() -> None:
    log = make_log()
    verified = look(log)
    assert verified == VerifiedLog(
        origin=ORIGIN,
        size=8,
        root=log.tree.root,
        keys=(
            NewKey(1, log.signing[1].verifier.text),
            NewKey(2, log.signing[2].verifier.text),
        ),
        began=BEGAN + timedelta(seconds=20),
        ended=BEGAN + timedelta(minutes=7, seconds=20),
        events=11,
        folder="audit/staging/log",
    )
    assert verified.unanchored


def test_the_entries_are_taken_one_at_a_time() -> None:
    log, taken = make_log(), []

    def entries() -> Iterator[tuple[str, bytes]]:
        for name, content in zip(log.names, log.entries, strict=True):
            taken.append(name)
            yield name, content

    walk = walk_log(replace(files_of(log), entries=entries()))
    for number, statement in enumerate(log.statements, 1):
        assert next(walk) == statement
        assert len(taken) == number


def test_what_was_yielded_may_be_broken_by_the_end() -> None:
    case = Case()
    case.checkpoint = checkpoint_of(case.log, 7).encode()
    walk = walk_log(replace(files_of(case.log), checkpoint=case.checkpoint))
    told: list[Statement] = []
    result = yield_all(walk, told)
    assert told == case.log.statements
    assert isinstance(result, Fault)


def yield_all(walk: Any, told: list[Statement]) -> object:
    while True:
        try:
            told.append(next(walk))
        except StopIteration as ended:
            return ended.value


@pytest.mark.parametrize("version", [1, 2])
def test_any_key_of_the_succession_may_be_pinned(version: int) -> None:
    log = make_log()
    verified = look(log, Anchors(pinned=[log.signing[version].verifier]))
    assert verified.anchors == (f"pinned key {log.signing[version].verifier.hash}",)


def test_all_pinned_keys_must_be_of_the_log() -> None:
    log = make_log()
    stranger = SigningKey(ORIGIN, 666).verifier
    assert look(log, Anchors(pinned=[log.first_key, stranger])).code == "RC666"


def test_a_forged_log_that_introduces_the_pinned_key_lacks_its_signature() -> None:
    """Its public half is known to all: a log of a thief's own key may hand over to it, and then
    needs a checkpoint that it signed."""
    real, forged = make_log(), make_log(seed=9)
    key = NewKey(3, real.newest_key.text)
    forged.add(kind="key", command="rotate", keys=(key,))
    forged.signing[3] = SigningKey(ORIGIN, 9003)  # the thief has none but their own
    files = replace(files_of(forged), keys=forged.keys.replace(
        forged.signing[3].verifier.text.encode(), key.verifier.encode()
    ))  # fmt: skip
    seen = verify_log(files, Anchors(pinned=[real.newest_key]))
    assert isinstance(seen, Fault)
    assert seen.code == "RC661"


@pytest.mark.parametrize("size", range(9))
def test_a_checkpoint_of_any_size_may_be_kept(size: int) -> None:
    log = make_log()
    verified = look(log, Anchors(since=[checkpoint_of(log, size)]))
    assert verified.anchors == (f"checkpoint of {size} entries",)


def test_a_kept_checkpoint_needs_a_signature_of_the_log() -> None:
    log = make_log()
    note = SignedNote(checkpoint_of(log, 5).text)
    stranger = SigningKey(ORIGIN, 666).sign_note(note)
    assert look(log, Anchors(since=[stranger])).code == "RC661"
    other = SigningKey(ORIGIN, 666).sign_note(SignedNote("something else\n"))
    assert look(log, Anchors(since=[other])).code == "RC645"


def test_a_cosigned_checkpoint_that_was_kept_will_do() -> None:
    case = Case()
    note = case.since
    for key in WITNESSES[:2]:
        note = key.sign_note(note, at=1)
    policy = case.anchors("policy")
    assert look(case.log, policy).code == "RC667"
    verified = look(case.log, replace(policy, since=[note]))
    assert verified.anchors == ("checkpoint of 5 entries", "policy: cosigned by w1, w2")


def test_a_checkpoint_after_a_rotation_may_have_both_signatures() -> None:
    log = make_log()
    log.rotate()
    note = log.signing[2].sign_note(log.checkpoint_note)
    assert isinstance(verify_log(replace(files_of(log), checkpoint=note.encode())), VerifiedLog)
    alone = log.signing[2].sign_note(SignedNote(note.text))
    seen = verify_log(replace(files_of(log), checkpoint=alone.encode()))
    assert isinstance(seen, Fault)
    assert seen.code == "RC661"


def test_a_registry_from_before_the_log() -> None:
    log = make_log()
    empty = replace(head_of(log), size=0, root=MerkleTree().root, last=None, records={})
    assert look(log, Anchors(head=empty)).code == "RC672"
    other = replace(empty, last="0" * 64)
    assert look(log, Anchors(head=other)).code == "RC665"


def test_two_entries_may_be_closed_in_one_second() -> None:
    log = make_log()
    log.rewrite(5, closed=log.statements[5].closed)
    assert isinstance(look(log), VerifiedLog)


# --- runs that close later than others ---------------------------------------


def test_events_may_come_late_while_their_run_is_open() -> None:
    log = Log()
    log.run({"acme": 1})
    late = log.event("acme")
    log.run({"acme": 2}, open=("slow",))
    pending = look(log)
    assert (pending.open, pending.events) == (("slow",), 3)
    assert look(log, present=[*log.files, "audit/staging/slow.json"]).open == ("slow",)
    head = head_of(log)
    assert isinstance(look(log, Anchors(head=head)), VerifiedLog)
    log.run({"acme": 1}, open=("slow",))
    log.run(events=(late,), run="slow")
    verified = look(log)
    assert (verified.open, verified.events) == ((), 5)


def test_what_vault_knows_more_may_be_of_an_open_run() -> None:
    log = make_log()
    log.run({"acme": 1}, open=("slow",))
    head = head_of(log)
    ahead = replace(head, records={**head.records, "acme": LiveHistory(99)})
    assert isinstance(look(log, Anchors(head=ahead)), VerifiedLog)


def test_a_run_with_an_entry_that_a_slower_one_names_as_open_is_not_waited_for() -> None:
    """Three runs at once: the slow one saw the first before that was entered, and the third one let
    the head forget it meanwhile."""
    log = Log()
    log.run({"acme": 1}, run="first")
    log.run({"acme": 1}, run="third")
    log.run({"acme": 1}, open=("first",), run="slow")
    log.run({"acme": 1})
    assert isinstance(look(log), VerifiedLog)


def test_a_gap_stays_one_when_no_run_is_open() -> None:
    log = Log()
    log.run({"acme": 1})
    log.event("acme")
    log.run({"acme": 1}, open=("slow",))
    log.run({}, run="slow")
    seen = look(log)
    assert (seen.code, seen.entry) == ("RC656", 2)
    assert seen.message == "event 2 of acme is in no entry: entry 2 skips it"


def test_a_run_that_opens_later_fills_no_gap() -> None:
    log = Log()
    log.event("acme")
    log.run({"acme": 1}, open=("slow",))
    log.run({}, run="slow")
    log.run({}, open=("later",))
    assert look(log).message == "event 1 of acme is in no entry: entry 1 skips it"


def test_a_gap_that_no_run_can_fill_is_one_at_once() -> None:
    log = Log()
    event = log.event("acme")
    log.run(events=(replace(event, seq=10**15),), open=("slow",))
    seen = look(log)
    assert (seen.code, seen.message) == (
        "RC656",
        "event 1 of acme is in no entry: entry 1 skips it",
    )


def test_a_late_event_is_told_once() -> None:
    log = Log()
    late = log.event("acme")
    log.run({"acme": 1}, open=("slow",))
    log.run(events=(late,), open=("slow",))
    log.run(events=(late,), run="slow")
    assert look(log).message == "entry 3 names event 1 of acme again"


def test_a_run_may_sign_more_than_one_entry() -> None:
    log = Log()
    log.run({"acme": 1}, run="long", open=("long",))
    log.run({"acme": 1}, run="long")
    assert isinstance(look(log), VerifiedLog)


def test_a_history_may_have_begun_before_the_log() -> None:
    log = Log()
    log.seqs["acme"] = 12
    log.run({"acme": 1}, bases={"acme": 12})
    log.run({"acme": 1})
    assert isinstance(look(log), VerifiedLog)
    log.run({}, bases={"acme": 20})
    assert look(log).message == (
        "entry 3 says that the history of acme begins after event 20, and event 14 is known"
    )


def test_a_renamed_client_keeps_its_record() -> None:
    log = Log()
    log.run({"acme": 2})
    log.run(events=(replace(log.event("acme"), client="acme-payments"),))
    assert isinstance(look(log), VerifiedLog)


# --- reports ------------------------------------------------------------------


def test_an_erased_report_may_be_missing() -> None:
    log = make_log()
    kept = dict(log.files)
    name = "audit/staging/run-000002.md"
    log.erase([name])
    assert isinstance(look(log), VerifiedLog)
    log.files = kept | {name: b"other"}
    assert look(log).code == "RC657"
    log.files = {one: content for one, content in kept.items() if "run-000004" not in one}
    seen = look(log)
    assert (seen.code, seen.entry, seen.file) == ("RC658", 4, "audit/staging/run-000004.json")


def test_a_stand_in_is_the_former_entry() -> None:
    log = make_log()
    stand_in = log.statements[5].subjects[0]
    log.statements[5] = replace(log.statements[5], subjects=(replace(stand_in, sha256="0" * 64),))
    log.entries[5] = log.sign(log.statements[5])
    assert look(log).message == "entry 6 does not follow the entry before it"


def test_a_log_may_begin_without_reports() -> None:
    log = Log()
    log.heartbeat()
    log.heartbeat()
    assert isinstance(look(log), VerifiedLog)


# --- keys ---------------------------------------------------------------------

OTHER = f"shop/staging/{'e' * 32}"


@pytest.mark.parametrize(
    ("verifier", "code", "message"),
    [
        (
            SigningKey(OTHER, 1).verifier.text,
            "RC652",
            f"entry 3 introduces a key of {OTHER}",
        ),
        (
            "no key",
            "RC643",
            "'no key' is no verifier key: it is not <name>+<8 hex digits>+<base64>",
        ),
        (
            SigningKey(ORIGIN, 1, NOTE_COSIGNATURE).verifier.text,
            "RC643",
            "key 2 is of a kind that signs no entries",
        ),
    ],
)
def test_a_successor_is_a_key_of_this_log(verifier: str, code: str, message: str) -> None:
    log = make_log()
    log.rewrite(3, keys=(NewKey(2, verifier),))
    seen = look(log)
    assert (seen.code, seen.message, seen.entry) == (code, message, 3)


def test_an_entry_in_the_name_of_another_log() -> None:
    log = make_log()
    log.rewrite(5, origin=OTHER)
    assert look(log).message == f"entry 5 is of another log: {OTHER}"


def test_many_rotations() -> None:
    log = Log()
    log.run()
    for _ in range(5):
        log.rotate()
        log.run()
        log.rotate()
    verified = look(log, Anchors(pinned=[log.first_key, log.newest_key]))
    assert [key.version for key in verified.keys] == list(range(1, 12))


def test_no_statement_behind_a_good_signature() -> None:
    log = make_log()
    log.entries[7] = sign_entry(b"{}", log.signing[2])
    assert look(log).code == "RC641"
    log.entries[7] = sign_entry(b"{}", SigningKey(ORIGIN, 666))
    assert look(log).message == "entry 8 is signed by a key that no entry introduced"
    log.entries[0] = sign_entry(b"{}", log.signing[1])
    assert look(log).code == "RC641"


# --- laws ---------------------------------------------------------------------


def change_byte(data: st.DataObject, content: bytes | None) -> bytes:
    assert content
    place = data.draw(st.integers(0, len(content) - 1))
    byte = content[place] ^ data.draw(st.integers(1, 255))
    return content[:place] + bytes([byte]) + content[place + 1 :]


@given(data=st.data())
def test_a_byte_that_changes_anywhere_is_found(data: st.DataObject) -> None:
    case = Case()
    name = data.draw(st.sampled_from(["keys", "checkpoint", *case.entries, *case.files]))
    if name in case.entries:
        case.entries[name] = change_byte(data, case.entries[name])
    elif name in case.files:
        case.files[name] = change_byte(data, case.files[name])
    elif name == "keys":
        case.keys = change_byte(data, case.keys)
    else:
        case.checkpoint = change_byte(data, case.checkpoint)
    seen = case.verify(case.anchors("key"))
    assert isinstance(seen, Fault)
    if name.startswith("0"):
        assert seen.entry == int(name[:8])
    else:
        assert seen.file is not None
        assert seen.file.endswith(name)


@given(data=st.data())
def test_entries_in_any_other_order_or_number_are_found(data: st.DataObject) -> None:
    case = Case()
    numbers = data.draw(st.lists(st.integers(1, 8), max_size=9))
    case.keep(numbers)
    seen = case.verify(case.anchors("key"))
    assert isinstance(seen, VerifiedLog if numbers == list(range(1, 9)) else Fault)
